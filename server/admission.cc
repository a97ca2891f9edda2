#include "server/admission.h"

#include <fmt/format.h>

#include "util/error.h"

namespace bitbudget::server {

absl::StatusOr<Admission::Ticket> Admission::Enter() {
  const std::lock_guard lock(mutex_);
  if (count_ >= limit_) {
    return MakeError(
        absl::StatusCode::kResourceExhausted,
        fmt::format(
            "{} {} are under way, the most that may at a time; try again later", count_, what_),
        {.reason = "TOO_MANY_CALLS", .retry_delay_seconds = 1});
  }
  ++count_;
  return Ticket(this);
}

void Admission::Leave() {
  const std::lock_guard lock(mutex_);
  --count_;
}

}  // namespace bitbudget::server
