#include "server/call_gate.h"

#include "util/error.h"

namespace bitbudget::server {

CallGate::Pass CallGate::Enter() {
  const absl::MutexLock lock(&mutex_);
  if (is_closed_) return nullptr;
  ++count_;
  return Pass(this);
}

void CallGate::Close() {
  const absl::MutexLock lock(&mutex_);
  is_closed_ = true;
}

void CallGate::WaitUntilEmpty(absl::Duration patience) {
  const auto is_empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ == 0; };
  const absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&is_empty), patience);
}

void CallGate::Leave() {
  const absl::MutexLock lock(&mutex_);
  --count_;
}

absl::Status ShuttingDown() {
  return MakeError(absl::StatusCode::kUnavailable,
                   "the server is shutting down; ask again when it is back",
                   {.reason = "SHUTTING_DOWN", .retry_delay_seconds = 1});
}

}  // namespace bitbudget::server
