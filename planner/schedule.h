// The learning-rate schedule of a run in two phases.

#ifndef BITBUDGET_PLANNER_SCHEDULE_H_
#define BITBUDGET_PLANNER_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/qat_fraction.h"

namespace bitbudget::planner {

// A stretch of steps whose learning rate goes from one share of the peak to another.
struct SchedulePhase {
  std::string name;       // "fp_warmup", "fp_stable", "fp_cooldown", "qat_warmup", "qat_decay"
  int64_t steps = 0;      // > 0
  double first_rate = 0;  // of the peak
  double last_rate = 0;
  std::string shape;  // "linear", "constant", "1-sqrt", "cosine"
};

struct TrainingSchedule {
  CooldownAdvice advice;
  bool is_fused = false;  // the cooldown lies inside QAT
  double tokens_per_step = 0;
  std::string tokens_per_step_source;  // empty if it was given
  int64_t fp_steps = 0;                // 0 with a checkpoint
  int64_t qat_steps = 0;
  std::vector<SchedulePhase> phases;
};

struct ScheduleQuestion {
  double weight_bits = 0;
  double fp_tokens = 0;
  double qat_tokens = 0;
  double compute_flops = 0;   // of the run
  double qat_token_cost = 1;  // of a QAT token in full-precision tokens
  // The full-precision phase has been trained already.
  bool has_checkpoint = false;
  std::optional<double> tokens_per_step;  // > 0; unset: from the compute
};

// Steps and rates. The cooldown is fused where that is advised (AdviseCooldown), and
// classic where it is not or the evidence is mixed. Classic: warm-up, constant rate,
// 1-sqrt cooldown over the last fifth of the full-precision phase, then QAT with a
// short warm-up to .3 of the peak and a cosine to 0. Fused: no cooldown in full
// precision; QAT decays from the peak to 0. Steps are whole ones, each phase
// within one of its tokens, and cost no more than the tokens of both.
//
// Errors:
// - OUT_OF_RANGE: a phase has less than `tokens_per_step`.
absl::StatusOr<TrainingSchedule> MakeSchedule(const ScheduleQuestion& question);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_SCHEDULE_H_
