// What a split of one's own costs, over a range of budgets.

#ifndef BITBUDGET_PLANNER_WASTE_H_
#define BITBUDGET_PLANNER_WASTE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/compute_cost.h"
#include "planner/devices.h"
#include "planner/split_cost.h"

namespace bitbudget::planner {

struct WasteQuestion {
  double parameters = 0;                // > 0
  double weight_bits = 0;               // 1 <= . < 16
  double qat_fraction = 0.1;            // of all tokens; in (0, 1)
  std::vector<TrainingBudget> budgets;  // at least one
  std::optional<Hardware> hardware;     // to tell device hours and money
  double confidence_level = 0.9;
  bool with_intervals = true;
  std::function<bool()> cancelled;  // as in BitWidthQuestion
};

// The waste of one budget; all by the law itself. Wasted tokens are full-precision
// tokens, or what QAT tokens cost in those.
struct Waste {
  double budget_tokens = 0;
  double best_qat_fraction = 0;
  double best_loss_nats = 0;
  SplitCost split;
  Estimate wasted_tokens;
  Estimate wasted_flops;
  std::optional<Estimate> wasted_device_hours;
  std::optional<Estimate> wasted_money;
  std::vector<OutsideAxis> outside;  // of the run with this split
};

struct WasteAnswer {
  std::vector<Waste> budgets;        // in the order of the question
  std::vector<OutsideAxis> outside;  // the farthest of all
  std::vector<std::string> warnings;
};

// Answers the question.
//
// Errors:
// - OUT_OF_RANGE: a budget buys less than a token a phase, by either split.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: as OptimizeQatFraction.
// - CANCELLED.
absl::StatusOr<WasteAnswer> EstimateWaste(const FittedLaw& law, const WasteQuestion& question);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_WASTE_H_
