// What another split than the best costs.

#ifndef BITBUDGET_PLANNER_SPLIT_COST_H_
#define BITBUDGET_PLANNER_SPLIT_COST_H_

#include "planner/optimal_split.h"
#include "planner/qat_fraction.h"
#include "planner/uncertainty.h"

namespace bitbudget::planner {

// Compares the split `qat_fraction` of all tokens, in (0, 1), with the optimum of
// the same budget.
//
// Wasted share (arXiv 2509.22935, figure 4): 1 - M'/M, where the best split of M'
// has the loss of the given split of M. It and the excess loss are squares of a
// signed distance from the optimum that is smooth in theta; their intervals are
// made on that distance, so that they hold at the optimum itself and stay in
// range. They begin at 0 if the split lies in the interval of the best one: then
// the data do not tell the two apart.
SplitCost CompareSplit(const LossSurface& surface,
                       const Budget& budget,
                       const OptimalSplit& optimum,
                       double qat_fraction,
                       const Uncertainty& uncertainty);

// The wasted share alone, with its interval.
Estimate WastedTokenFraction(const LossSurface& surface,
                             const Budget& budget,
                             const OptimalSplit& optimum,
                             double qat_fraction,
                             const Uncertainty& uncertainty);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_SPLIT_COST_H_
