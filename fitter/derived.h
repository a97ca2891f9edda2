// Quantities that the literature reports and that follow from the parameters of a
// fitted law. Pure functions, thread-safe.

#ifndef BITBUDGET_FITTER_DERIVED_H_
#define BITBUDGET_FITTER_DERIVED_H_

#include <optional>
#include <string>
#include <vector>

#include "fitter/fit.h"

namespace bitbudget::fitter {

struct DerivedCoefficient {
  std::string name;  // "eff_4", "rho_D_muon"
  double value = 0;
  // By the delta method; unset if the data do not identify what it follows from.
  std::optional<double> standard_error;
};

// Of effective_parameters, relative to 16 bits where the data have full-precision
// rows, else to the largest width:
//
//   eff_B     = (A_16 / A_B)^(1 / alpha)
//   n, gamma    of eff_B = 1 - exp(n - B / gamma), by least squares of ln(1 - eff_B)
//               with the covariance of the eff_B, over widths whose eff_B is below 1
//               by more than its standard error; absent with fewer than two
//
// Of optimizer_rescaled, relative to AdamW, else to the first optimizer:
//
//   rho_N_o = (A / A_o)^(1 / alpha),  rho_D_o = (B / B_o)^(1 / beta)
//
// Empty for other families.
std::vector<DerivedCoefficient> DerivedCoefficients(const FittedLaw& law);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_DERIVED_H_
