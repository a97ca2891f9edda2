#include "server/call_gate.h"

#include "util/error.h"

namespace bitbudget::server {

CallGate::Pass CallGate::Enter() {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return nullptr;
  ++count_;
  return Pass(this);
}

void CallGate::Close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
}

bool CallGate::WaitUntilEmpty(absl::Duration patience) {
  std::unique_lock lock(mutex_);
  return is_empty_.wait_for(
      lock, absl::ToChronoNanoseconds(patience), [this] { return count_ == 0; });
}

void CallGate::Leave() {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) is_empty_.notify_all();
}

absl::Status ShuttingDown() {
  return MakeError(absl::StatusCode::kUnavailable,
                   "the server is shutting down; ask again when it is back",
                   {.reason = "SHUTTING_DOWN", .retry_delay_seconds = 1});
}

}  // namespace bitbudget::server
