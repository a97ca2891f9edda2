#include "planner/run_loss.h"

#include <cmath>

namespace bitbudget::planner {

RunLoss::RunLoss(const fitter::Law& law, const RunPoint& run) {
  for (const fitter::Term& term : law.terms) {
    if (!fitter::TermApplies(term, run)) continue;
    for (const fitter::Factor& factor : term.factors) {
      factors_.push_back(
          {factor.parameter, fitter::FeatureValue(factor.feature, run, law.reference)});
    }
    ends_.push_back(factors_.size());
  }
}

double RunLoss::LogLoss(std::span<const double> theta) const {
  double loss = 0;
  size_t i = 0;
  for (const size_t end : ends_) {
    double log_term = 0;
    for (; i < end; ++i) log_term += theta[factors_[i].parameter] * factors_[i].feature;
    loss += std::exp(log_term);
  }
  return std::log(loss);
}

}  // namespace bitbudget::planner
