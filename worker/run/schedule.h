// The learning rate over a run of two phases.
//
//   FP phase    warm-up, constant, then a cooldown over its last part
//   QAT phase   classic: warm-up to a share of the peak, cosine to zero
//               fused:   constant as before, then the cooldown
//
// A control has the same schedule with the quantizer off. Pure functions,
// thread-safe.

#ifndef BITBUDGET_WORKER_RUN_SCHEDULE_H_
#define BITBUDGET_WORKER_RUN_SCHEDULE_H_

#include <cstdint>

#include "absl/status/status.h"

namespace bitbudget::worker {

enum class ScheduleKind { kClassic, kFused };
enum class CooldownShape { kOneMinusSqrt, kLinear };
enum class Moments { kFresh, kKept };

// As a job states it. Token counts are rounded to whole steps.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kClassic;
  double peak_rate = 0;  // above 0, at most 1
  int64_t fp_tokens = 0;
  int64_t qat_tokens = 0;  // not both 0
  int64_t warmup_tokens = 51200;

  // Share of the FP phase (classic) or of the QAT phase (fused) that cools down;
  // 0 to 1. A fused run has no cooldown before QAT.
  double cooldown_fraction = 0.5;
  CooldownShape cooldown_shape = CooldownShape::kOneMinusSqrt;

  // Classic QAT only: the peak as a share of peak_rate, and the share of the QAT
  // phase that warms up to it; each 0 to 1.
  double qat_peak_share = 0.3;
  double qat_warmup_fraction = 0.05;

  // Whether Adam's moments start from zero with the QAT phase.
  Moments moments = Moments::kFresh;

  bool operator==(const ScheduleOptions&) const = default;
};

// INVALID_ARGUMENT with the field ("schedule.peak_rate") that breaks a rule.
absl::Status ValidateSchedule(const ScheduleOptions& options);

// The same, counted in steps.
class Schedule {
 public:
  // `options` are valid; `step_tokens` is at least 1.
  Schedule(const ScheduleOptions& options, int64_t step_tokens);

  int64_t fp_steps() const { return fp_steps_; }
  int64_t qat_steps() const { return qat_steps_; }
  int64_t total_steps() const { return fp_steps_ + qat_steps_; }

  // The first steps, warm-up and constant rate, that runs with other token counts
  // share: a branch may start from a trunk's checkpoint up to here.
  int64_t shared_steps() const { return fp_steps_ - fp_cooldown_steps_; }

  // Learning rate of the step that follows `step` completed ones;
  // 0 <= step < total_steps().
  double RateAt(int64_t step) const;

 private:
  double Warmup(int64_t step) const;
  double Cooldown(int64_t step, int64_t count) const;
  double ClassicQatRate(int64_t step) const;

  ScheduleOptions options_;
  int64_t warmup_steps_;
  int64_t fp_steps_;
  int64_t fp_cooldown_steps_;
  int64_t qat_steps_;
  int64_t qat_warmup_steps_;    // classic
  int64_t qat_cooldown_steps_;  // fused
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_RUN_SCHEDULE_H_
