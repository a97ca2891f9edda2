// The loss of full-precision training with several optimizers: common exponents,
// and for each optimizer o the factors by which its parameters and tokens count
// (Volkova et al., arXiv 2602.07712),
//
//   L = E + A / (rho_N,o N)^alpha + B / (rho_D,o D)^beta
//
// in raw parameters and tokens. They enter as A_o = A rho_N,o^-alpha and
// B_o = B rho_D,o^-beta; DerivedCoefficients (derived.h) gives them back, relative
// to AdamW. Separate laws for each optimizer are ill-conditioned beside this.
//
// The ladder:
//
//   full          A_o and B_o
//   shared_model  A for all (rho_N = 1), as is found for AdamW, Muon and SOAP
//   model_only    A_o and no data term: runs at one ratio of tokens to parameters
//                 (Beyond Outliers, arXiv 2509.23500)

#ifndef BITBUDGET_FITTER_LAWS_OPTIMIZER_RESCALED_H_
#define BITBUDGET_FITTER_LAWS_OPTIMIZER_RESCALED_H_

#include <span>
#include <string>
#include <vector>

#include "fitter/law.h"

namespace bitbudget::fitter {

inline constexpr char kOptimizerRescaled[] = "optimizer_rescaled";

// All rungs. `optimizers` are the optimizers in the data, ascending; a run without
// one has the empty name.
std::vector<Law> OptimizerRescaledLadder(std::span<const std::string> optimizers);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAWS_OPTIMIZER_RESCALED_H_
