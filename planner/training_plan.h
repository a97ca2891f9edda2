// A plan one can act on: bits, size, split, steps, schedule, memory, cost, expected
// loss, and what else would do.

#ifndef BITBUDGET_PLANNER_TRAINING_PLAN_H_
#define BITBUDGET_PLANNER_TRAINING_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/bit_width.h"
#include "planner/devices.h"
#include "planner/schedule.h"
#include "planner/split_cost.h"

namespace bitbudget::planner {

struct PlanQuestion {
  // What to decide; objective kLeastLoss, or kLeastCompute for a target loss.
  BitWidthQuestion choice;
  std::optional<Hardware> hardware;
  std::optional<double> tokens_per_step;  // > 0
  // The split to compare with, of all tokens; in (0, 1). Not with a checkpoint.
  double caller_fraction = 0.1;
};

// What the training takes; with a checkpoint, what is left of it.
struct TrainingCost {
  double compute_flops = 0;
  std::optional<double> device_hours;
  std::optional<double> wall_hours;  // with all devices
  std::optional<double> money;       // in the currency of the price
};

struct PlanAnswer {
  BitWidthAnswer choice;  // the plan is its first candidate
  TrainingSchedule schedule;
  TrainingCost cost;
  std::optional<SplitCost> caller_split;  // unset with a checkpoint
};

// Makes a plan. Errors as OptimizeBitWidth and MakeSchedule.
absl::StatusOr<PlanAnswer> PlanTraining(const FittedLaw& law, const PlanQuestion& question);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_TRAINING_PLAN_H_
