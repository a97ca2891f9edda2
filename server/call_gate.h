// Counts the calls under way, so that a server can end as soon as the last one
// has, and turns away those that come once it is closing. The transport alone
// would wait for every idle client to notice. Thread-safe.

#ifndef BITBUDGET_SERVER_CALL_GATE_H_
#define BITBUDGET_SERVER_CALL_GATE_H_

#include <condition_variable>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace bitbudget::server {

class CallGate {
 public:
  struct Leaver {
    void operator()(CallGate* gate) const { gate->Leave(); }
  };
  // Held by a call as long as it lasts; null if it was turned away.
  using Pass = std::unique_ptr<CallGate, Leaver>;

  Pass Enter();

  // Turns further calls away.
  void Close();

  // Waits until no call is under way, at most `patience`.
  void WaitUntilEmpty(absl::Duration patience);

 private:
  void Leave();

  std::mutex mutex_;  // guards what follows
  std::condition_variable is_empty_;
  int count_ = 0;
  bool is_closed_ = false;
};

// UNAVAILABLE, SHUTTING_DOWN: what a call is told that is turned away.
absl::Status ShuttingDown();

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CALL_GATE_H_
