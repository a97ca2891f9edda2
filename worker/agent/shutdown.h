// When the agent is to leave.

#ifndef BITBUDGET_WORKER_AGENT_SHUTDOWN_H_
#define BITBUDGET_WORKER_AGENT_SHUTDOWN_H_

#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace bitbudget::agent {

// Thread-safe.
class Shutdown {
 public:
  // From now on SIGTERM and SIGINT ask the process to drain; a second one ends it
  // at once, with code 1. Call before any thread is made, once.
  void HandleSignals();

  // Asks the process to drain.
  void Request();
  bool requested() const;

  // Waits for `time`, or until the process is to drain. True if it is.
  bool Wait(absl::Duration time);

  // While `idle`, the process holds no job and nothing to be written: a signal may
  // end it at once, with code 0, whatever it waits for.
  void SetIdle(bool idle);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false;  // guarded by mutex_
  bool idle_ = false;       // guarded by mutex_
};

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_SHUTDOWN_H_
