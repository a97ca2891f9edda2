// The best QAT fraction as an answer, with its interval.

#ifndef BITBUDGET_PLANNER_BEST_FRACTION_H_
#define BITBUDGET_PLANNER_BEST_FRACTION_H_

#include "planner/answer.h"
#include "planner/optimal_split.h"
#include "planner/uncertainty.h"

namespace bitbudget::planner {

// The fraction of `optimum`, the best split of `budget` on `surface`. With draws its
// interval is made of the best splits at each of them.
Estimate BestFraction(const LossSurface& surface,
                      const Budget& budget,
                      const OptimalSplit& optimum,
                      const Uncertainty& uncertainty);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_BEST_FRACTION_H_
