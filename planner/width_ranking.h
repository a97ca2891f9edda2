// How sure it is that the first of several plans is the best. Pure functions.

#ifndef BITBUDGET_PLANNER_WIDTH_RANKING_H_
#define BITBUDGET_PLANNER_WIDTH_RANKING_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/answer.h"
#include "planner/uncertainty.h"

namespace bitbudget::planner {

// A plan in a comparison of plans by something positive, less being better: a
// loss, or what a loss needs.
struct Contender {
  double log_score = 0;
  std::vector<double> gradient;  // of log_score by theta; empty without intervals
  // Of log_score, by what the law itself misses; independent between plans.
  double misfit_stddev = 0;
};

// Relative excess of `contender` over `best`, score / score - 1; its interval may
// reach below 0.
Estimate RelativeExcess(const Contender& best,
                        const Contender& contender,
                        const Uncertainty& uncertainty);

// Share of `draw_count` > 0 draws in which each contender has the least score.
// Scores move with theta as `log_score` and `gradient` say, to first order, unless
// `runs`, one a contender, is not empty: then the scores are the losses of these
// runs, exactly. CANCELLED once `cancelled`, if set, returns true.
absl::StatusOr<std::vector<double>> ProbabilitiesOfBest(const FittedLaw& law,
                                                        std::span<const Contender> contenders,
                                                        std::span<const RunPoint> runs,
                                                        int draw_count,
                                                        uint64_t seed,
                                                        const std::function<bool()>& cancelled);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_WIDTH_RANKING_H_
