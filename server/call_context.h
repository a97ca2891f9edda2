// What a service function knows of the call that it serves, whatever carried
// it.

#ifndef BITBUDGET_SERVER_CALL_CONTEXT_H_
#define BITBUDGET_SERVER_CALL_CONTEXT_H_

#include <functional>

#include "absl/time/time.h"

namespace bitbudget::server {

struct CallContext {
  // When the caller stops waiting.
  absl::Time deadline = absl::InfiniteFuture();

  // True once the caller is gone or the deadline has passed; for long work to
  // poll. Never empty, callable from any thread during the call.
  std::function<bool()> cancelled = [] { return false; };
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CALL_CONTEXT_H_
