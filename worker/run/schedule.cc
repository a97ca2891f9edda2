#include "worker/run/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fmt/format.h"
#include "util/error.h"

namespace bitbudget::worker {
namespace {

// Beyond this a count of tokens is a mistake, and doubles hold it exactly.
constexpr int64_t kMaxTokens = int64_t{1} << 50;

absl::Status RequireShare(const char* field, double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return InvalidField(field, fmt::format("{} is outside 0 to 1", value));
}

absl::Status RequireTokens(const char* field, int64_t value) {
  if (value >= 0 && value <= kMaxTokens) return absl::OkStatus();
  return InvalidField(field, fmt::format("{} is outside 0 to 2^50", value));
}

int64_t Part(double fraction, int64_t steps) {
  return std::llround(fraction * static_cast<double>(steps));
}

}  // namespace

absl::Status ValidateSchedule(const ScheduleOptions& options) {
  for (const absl::Status& status : {
           RequireTokens("schedule.fp_tokens", options.fp_tokens),
           RequireTokens("schedule.qat_tokens", options.qat_tokens),
           RequireTokens("schedule.warmup_tokens", options.warmup_tokens),
           RequireShare("schedule.cooldown_fraction", options.cooldown_fraction),
           RequireShare("schedule.qat_peak_share", options.qat_peak_share),
           RequireShare("schedule.qat_warmup_fraction", options.qat_warmup_fraction),
       }) {
    if (!status.ok()) return status;
  }
  if (!(options.peak_rate > 0 && options.peak_rate <= 1)) {
    return InvalidField("schedule.peak_rate",
                        fmt::format("{} is not above 0 and at most 1", options.peak_rate));
  }
  if (options.fp_tokens + options.qat_tokens == 0) {
    return InvalidField("schedule.fp_tokens", "0, and schedule.qat_tokens is 0 too");
  }
  return absl::OkStatus();
}

Schedule::Schedule(const ScheduleOptions& options, int64_t step_tokens) : options_(options) {
  const auto steps = [step_tokens](int64_t tokens) {
    return (tokens + step_tokens / 2) / step_tokens;
  };
  const bool classic = options.kind == ScheduleKind::kClassic;
  fp_steps_ = steps(options.fp_tokens);
  qat_steps_ = steps(options.qat_tokens);
  warmup_steps_ = steps(options.warmup_tokens);
  fp_cooldown_steps_ = classic ? Part(options.cooldown_fraction, fp_steps_) : 0;
  qat_warmup_steps_ = Part(options.qat_warmup_fraction, qat_steps_);
  qat_cooldown_steps_ = classic ? 0 : Part(options.cooldown_fraction, qat_steps_);
}

double Schedule::RateAt(int64_t step) const {
  const int64_t cooldown_start = fp_steps_ - fp_cooldown_steps_;
  if (step < cooldown_start) return options_.peak_rate * Warmup(step);
  if (step < fp_steps_) {
    return options_.peak_rate * Warmup(step) * Cooldown(step - cooldown_start, fp_cooldown_steps_);
  }
  if (options_.kind == ScheduleKind::kClassic) return ClassicQatRate(step - fp_steps_);
  const int64_t into_cooldown = step - (total_steps() - qat_cooldown_steps_);
  const double cooldown = into_cooldown < 0 ? 1 : Cooldown(into_cooldown, qat_cooldown_steps_);
  return options_.peak_rate * Warmup(step) * cooldown;
}

double Schedule::Warmup(int64_t step) const {
  if (step >= warmup_steps_) return 1;
  return static_cast<double>(step + 1) / static_cast<double>(warmup_steps_);
}

double Schedule::Cooldown(int64_t step, int64_t count) const {
  const double progress = static_cast<double>(step) / static_cast<double>(count);
  return options_.cooldown_shape == CooldownShape::kLinear ? 1 - progress : 1 - std::sqrt(progress);
}

double Schedule::ClassicQatRate(int64_t step) const {
  const double peak = options_.peak_rate * options_.qat_peak_share;
  if (step < qat_warmup_steps_) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(qat_warmup_steps_);
  }
  const double progress = static_cast<double>(step - qat_warmup_steps_) /
                          static_cast<double>(qat_steps_ - qat_warmup_steps_);
  return peak * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace bitbudget::worker
