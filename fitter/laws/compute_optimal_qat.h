// The loss of a run that trains in full precision first and with quantized
// weights after (arXiv 2509.22935),
//
//   L = alpha + beta / D^gamma + zeta / N^eta            full precision
//       + theta 2^(-kappa B)                             floor of the width
//       + phi 2^(-chi B) / (N^psi S_qat^omega)           too little QAT
//       + lambda 2^(-mu B) / (N^nu S_fp^xi S_qat^rho)    too little before it
//
// with N in 1e9 parameters, D in 1e10 tokens and S in 100 tokens per byte of
// quantized weights. S_fp stands in the denominator: in the numerator the loss
// would fall with the QAT fraction all the way to 1.
//
// The ladder, richest first. Each rung simplifies the full law, not the rung above it:
// they are different guesses at what the data cannot tell.
//
//   full                  16 parameters
//   shared_bit_decay      mu = chi
//   bit_free_interaction  mu = 0
//   no_irreducible        theta = 0
//   no_floors             theta = alpha = 0: sizes over one decade may not tell
//                         alpha from the model term
//   per_bit_chinchilla    floor, data and model term of their own for each
//                         width, common exponents; no QAT fraction in it

#ifndef BITBUDGET_FITTER_LAWS_COMPUTE_OPTIMAL_QAT_H_
#define BITBUDGET_FITTER_LAWS_COMPUTE_OPTIMAL_QAT_H_

#include <span>
#include <vector>

#include "fitter/law.h"

namespace bitbudget::fitter {

inline constexpr char kComputeOptimalQat[] = "compute_optimal_qat";

// All rungs. `weight_bits` are the widths in the data, ascending, 16 among them if
// there are full-precision rows; without any there is no per-bit rung.
std::vector<Law> ComputeOptimalQatLadder(std::span<const double> weight_bits);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAWS_COMPUTE_OPTIMAL_QAT_H_
