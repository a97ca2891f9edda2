// Ends the process when its orderly end takes too long: a call that cannot be
// broken off, a disk that hangs. What was acknowledged is durable anyway.

#ifndef BITBUDGET_SERVER_SHUTDOWN_LIMIT_H_
#define BITBUDGET_SERVER_SHUTDOWN_LIMIT_H_

#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/time/time.h"

namespace bitbudget::server {

class ShutdownLimit {
 public:
  // Unless this is destroyed within `limit`, the process ends with exit code 1 and
  // a line in the log.
  explicit ShutdownLimit(absl::Duration limit);
  ~ShutdownLimit();

  ShutdownLimit(const ShutdownLimit&) = delete;
  ShutdownLimit& operator=(const ShutdownLimit&) = delete;

 private:
  void Watch(absl::Duration limit);

  std::mutex mutex_;
  std::condition_variable has_ended_;
  bool is_over_ = false;  // guarded by mutex_
  std::thread watcher_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_SHUTDOWN_LIMIT_H_
