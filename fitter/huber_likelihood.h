// The likelihood that belongs to a Huber objective. Pure function, thread-safe.

#ifndef BITBUDGET_FITTER_HUBER_LIKELIHOOD_H_
#define BITBUDGET_FITTER_HUBER_LIKELIHOOD_H_

#include <vector>

namespace bitbudget::fitter {

// -2 ln likelihood of residuals (at least one) with density exp(-rho(r / s))
// / s at its best scale s, where rho is Huber's function with k = 1.345; up to a
// constant a row, which laws of the same rows share.
double HuberDeviance(const std::vector<double>& residuals);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_HUBER_LIKELIHOOD_H_
