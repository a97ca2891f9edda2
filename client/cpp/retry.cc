#include "client/cpp/retry.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "util/error.h"

namespace bitbudget::client {
namespace {

constexpr char kShuttingDown[] = "SHUTTING_DOWN";

constexpr int kMostAttempts = 5;
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(80);
// 1, 2, 4 and then 8 times what the server asks for.
constexpr int kMostDoublings = 3;

}  // namespace

Retry::Retry(grpc::Channel& channel, absl::Duration timeout, Repeatable repeatable)
    : channel_(channel), deadline_(absl::Now() + timeout), repeatable_(repeatable) {}

absl::Duration Retry::TimeLeft() const { return deadline_ - absl::Now(); }

bool Retry::WaitAfter(absl::Status error) {
  const std::optional<ErrorDetails> before = GetErrorDetails(error_);
  // A server that ends cuts off the calls that still reach it; nobody else cancels.
  const bool has_gone = before && before->reason == kShuttingDown &&
                        (IsServerUnreachable(error) || absl::IsCancelled(error));
  if (!has_gone) error_ = std::move(error);
  const std::optional<ErrorDetails> details = GetErrorDetails(error_);
  if (error_.code() == absl::StatusCode::kResourceExhausted) {
    return details && details->retry_delay_seconds &&
           WaitWhileBusy(absl::Seconds(*details->retry_delay_seconds));
  }
  return error_.code() == absl::StatusCode::kUnavailable && WaitWhileUnavailable();
}

bool Retry::WaitWhileBusy(absl::Duration delay) {
  absl::Duration wait = delay * (1 << std::min(refusal_count_++, kMostDoublings));
  if (!Spread(wait)) return false;
  absl::SleepFor(wait);
  return true;
}

bool Retry::WaitWhileUnavailable() {
  const int attempt = ++unavailable_count_;
  if (repeatable_ == Repeatable::kNo || attempt == kMostAttempts) return false;
  absl::Duration wait = kFirstBackoff * (1 << (attempt - 1));
  if (!Spread(wait)) return false;
  if (channel_.GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) {
    absl::SleepFor(wait);
  } else {
    // Not asleep: gRPC makes a connection only while somebody waits for it, and
    // otherwise looks after it every five seconds.
    channel_.WaitForConnected(absl::ToChronoTime(absl::Now() + wait));
  }
  return true;
}

bool Retry::Spread(absl::Duration& wait) {
  wait *= absl::Uniform(random_, 1.0, 1.5);
  return absl::Now() + wait < deadline_;
}

}  // namespace bitbudget::client
