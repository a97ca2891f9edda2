// The loss of one run as a function of the parameters of a law, for many draws of
// them.

#ifndef BITBUDGET_PLANNER_RUN_LOSS_H_
#define BITBUDGET_PLANNER_RUN_LOSS_H_

#include <cstddef>
#include <span>
#include <vector>

#include "planner/answer.h"

namespace bitbudget::planner {

// Features are computed once. Keeps nothing of the law.
class RunLoss {
 public:
  RunLoss(const fitter::Law& law, const RunPoint& run);

  double LogLoss(std::span<const double> theta) const;

 private:
  struct Factor {
    int parameter;
    double feature;
  };
  std::vector<Factor> factors_;  // of all terms, one after the other
  std::vector<size_t> ends_;     // of each term
};

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_RUN_LOSS_H_
