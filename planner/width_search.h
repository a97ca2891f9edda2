// The best that can be done at one width: the search behind OptimizeBitWidth. Pure
// function, thread-safe.

#ifndef BITBUDGET_PLANNER_WIDTH_SEARCH_H_
#define BITBUDGET_PLANNER_WIDTH_SEARCH_H_

#include <optional>

#include "absl/status/status.h"
#include "planner/bit_width.h"
#include "planner/size_optimum.h"

namespace bitbudget::planner {

// A size and the tokens of its two phases.
struct WidthPlan {
  double log_parameters = 0;
  LogTokens tokens;
  double loss_nats = 0;
  std::optional<OptimalSplit> split;  // unset with a checkpoint, whose split is forced
  TrainingBudget budget;              // spent
  SizeLimit limit = SizeLimit::kGiven;
  // With an inverse: by what the logarithm of the need (bytes, FLOPs; with a checkpoint
  // FLOPs of QAT) rises as the log loss of the plan does; 0 if the need is certain.
  double need_per_log_loss = 0;
};

// What was found, or why nothing was.
struct WidthOutcome {
  std::optional<WidthPlan> plan;
  absl::Status refusal;  // OK with a plan
  double miss = 0;       // by which factor the question was missed; 0 if none is known
};

// Searches sizes and splits. Refusals are those of OptimizeBitWidth. `near`, if not
// null, is a plan at another width, to begin from; it changes the time, and digits by rounding
// alone.
WidthOutcome SearchAtWidth(const FittedLaw& law,
                           const BitWidthQuestion& question,
                           const SizeSearch& search,
                           const WidthPlan* near);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_WIDTH_SEARCH_H_
