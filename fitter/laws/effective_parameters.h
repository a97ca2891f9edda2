// The loss of a run trained at one precision throughout, as that of a smaller
// full-precision model (QuEST, arXiv 2502.05003; Kumar et al., arXiv 2411.04330),
//
//   L = E + A / (N eff_B)^alpha + B / D^beta,   eff_16 = 1
//
// in raw parameters and tokens. A and eff_B enter as A_B = A eff_B^-alpha, one
// coefficient a width; DerivedCoefficients (derived.h) gives eff_B back, and the
// form eff_B = 1 - exp(n - B / gamma) that Kumar et al. give it.
//
// The ladder:
//
//   full            A_B for each width, common exponents
//   no_irreducible  E = 0: sizes over one decade do not tell E from the model term,
//                   ratios of eff_B hold all the same

#ifndef BITBUDGET_FITTER_LAWS_EFFECTIVE_PARAMETERS_H_
#define BITBUDGET_FITTER_LAWS_EFFECTIVE_PARAMETERS_H_

#include <span>
#include <vector>

#include "fitter/law.h"

namespace bitbudget::fitter {

inline constexpr char kEffectiveParameters[] = "effective_parameters";

// All rungs. `weight_bits` are the widths in the data, ascending; 16 is full
// precision.
std::vector<Law> EffectiveParametersLadder(std::span<const double> weight_bits);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAWS_EFFECTIVE_PARAMETERS_H_
