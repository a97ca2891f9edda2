// Counts the calls under way, so that a server can end as soon as the last one
// has, turns away those that come once it is closing, and in the end tells those
// that take too long to give up, so that they can still say why. The transport
// alone would wait for every idle client to notice, and break calls off without a
// word. Thread-safe.

#ifndef BITBUDGET_SERVER_CALL_GATE_H_
#define BITBUDGET_SERVER_CALL_GATE_H_

#include <atomic>
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

  // Waits until no call is under way, at most `patience`; false if one still is.
  bool WaitUntilEmpty(absl::Duration patience);

  // Tells the calls under way to give up, from now on.
  void CancelCalls() { are_cancelled_.store(true); }
  // For long work to poll, with the wishes of its own caller.
  bool AreCallsCancelled() const { return are_cancelled_.load(); }

 private:
  void Leave();

  std::atomic<bool> are_cancelled_ = false;

  std::mutex mutex_;  // guards what follows
  std::condition_variable is_empty_;
  int count_ = 0;
  bool is_closed_ = false;
};

// UNAVAILABLE, SHUTTING_DOWN: what a call is told that is turned away.
absl::Status ShuttingDown();

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CALL_GATE_H_
