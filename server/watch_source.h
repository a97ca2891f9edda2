// A stream of messages as its receiver pulls it, whatever carries it.

#ifndef BITBUDGET_SERVER_WATCH_SOURCE_H_
#define BITBUDGET_SERVER_WATCH_SOURCE_H_

#include <optional>

#include "absl/status/statusor.h"

namespace bitbudget::server {

// Used by one thread at a time.
template <typename Response>
class WatchSource {
 public:
  virtual ~WatchSource() = default;

  // The next message; nullopt if there is none yet, or if the stream has ended.
  // After nullopt the function given at the start is called when there may be
  // one. An error ends the stream. Reads from the database.
  virtual absl::StatusOr<std::optional<Response>> Next() = 0;

  // True once the last message has been read.
  virtual bool has_ended() const = 0;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_WATCH_SOURCE_H_
