// Whether a call that failed is sent again, and when. Internal to the client
// library; used by one thread.
//
// - The server refused it for want of a place (RESOURCE_EXHAUSTED with the time to
//   wait): nothing has happened, so the wait goes on as long as the call may take.
// - The server is unavailable (UNAVAILABLE): repeatable calls are sent five times
//   in about a second and a half, or sooner if it comes back.

#ifndef BITBUDGET_CLIENT_CPP_RETRY_H_
#define BITBUDGET_CLIENT_CPP_RETRY_H_

#include <grpcpp/channel.h>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace bitbudget::client {

// May a call be sent again although the first may have been carried out?
enum class Repeatable { kNo, kYes };

class Retry {
 public:
  // For a call over `channel`, which is borrowed, that may take `timeout` from now
  // on, retries included.
  Retry(grpc::Channel& channel, absl::Duration timeout, Repeatable repeatable);

  // What is left of the timeout; infinite if that is.
  absl::Duration TimeLeft() const;

  // Takes the error of an attempt, which is not OK. True, after a wait, if the call
  // shall be sent again; false if it has failed, with error().
  bool WaitAfter(absl::Status error);

  // Why the call has failed: the last error, unless the server had said before it
  // went that it would.
  const absl::Status& error() const { return error_; }

 private:
  bool WaitWhileBusy(absl::Duration delay);
  bool WaitWhileUnavailable();
  // Makes `wait` up to half as long again, so that clients refused together come
  // back apart; false if the call would end before it is over.
  bool Spread(absl::Duration& wait);

  grpc::Channel& channel_;
  const absl::Time deadline_;
  const Repeatable repeatable_;
  absl::BitGen random_;
  absl::Status error_;
  int refusal_count_ = 0;
  int unavailable_count_ = 0;
};

}  // namespace bitbudget::client

#endif  // BITBUDGET_CLIENT_CPP_RETRY_H_
