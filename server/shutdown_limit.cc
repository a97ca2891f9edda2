#include "server/shutdown_limit.h"

#include <cstdlib>

#include "server/log.h"

namespace bitbudget::server {

ShutdownLimit::ShutdownLimit(absl::Duration limit) : watcher_([this, limit] { Watch(limit); }) {}

ShutdownLimit::~ShutdownLimit() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  has_ended_.notify_all();
  watcher_.join();
}

void ShutdownLimit::Watch(absl::Duration limit) {
  std::unique_lock lock(mutex_);
  if (has_ended_.wait_for(lock, absl::ToChronoNanoseconds(limit), [this] { return is_over_; })) {
    return;
  }
  Log(LogLevel::kError, "shutdown forced", {{"after", absl::FormatDuration(limit)}});
  // No destructors: they would wait for what hangs.
  std::_Exit(EXIT_FAILURE);
}

}  // namespace bitbudget::server
