// What training costs in FLOPs, and what a budget buys. Pure functions.

#ifndef BITBUDGET_PLANNER_COMPUTE_COST_H_
#define BITBUDGET_PLANNER_COMPUTE_COST_H_

#include <optional>

#include "absl/status/status.h"
#include "planner/optimal_split.h"

namespace bitbudget::planner {

// Forward and backward pass of a full-precision token, per parameter
// (arXiv 2001.08361).
inline constexpr double kFlopsPerParameterAndToken = 6;

// A budget for both phases: full-precision tokens plus qat_token_cost times QAT
// tokens, or what those cost in FLOPs. Exactly one of the two is set.
struct TrainingBudget {
  std::optional<double> tokens;  // > 0
  std::optional<double> flops;   // > 0
  double qat_token_cost = 1;     // > 0

  // The full-precision tokens that it buys for a model of this size.
  double TokensAt(double parameters) const;
  // The same as a budget of a split.
  Budget At(double log_parameters) const;
  // d ln(tokens bought) / d ln N: 0 or -1.
  double TokensElasticity() const { return flops ? -1 : 0; }
};

// "compute_flops" or "total_tokens": what an error about the budget is about.
const char* FieldOf(const TrainingBudget& budget);

// OUT_OF_RANGE about the budget if it buys less than 2 full-precision tokens for a model
// of this size: one a phase.
absl::Status CheckBuysARun(const TrainingBudget& budget, double parameters);

// The same if a phase of `run`, which the budget pays for, has less than a token.
absl::Status CheckBuysTheRun(const TrainingBudget& budget, const RunPoint& run);

// FLOPs of a run in which a QAT token costs `qat_token_cost` full-precision ones.
double TrainingFlops(const RunPoint& run, double qat_token_cost = 1);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_COMPUTE_COST_H_
