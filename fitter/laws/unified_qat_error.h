// The loss of a run that trains with quantized weights from its first token
// (Chen et al., arXiv 2505.14302),
//
//   L = E + A / N^alpha + B / D^beta                                full precision
//       + k D^gamma_D (log2 G)^gamma_G / N^gamma_N                  quantization error
//
// in raw parameters and tokens, with G weights sharing one scale. The error grows
// with the tokens, against the penalties of compute_optimal_qat.h: the two laws
// describe different runs, and their terms do not mix.
//
// The ladder; every quantized width has an error of its own:
//
//   full              k, gamma_N, gamma_D, gamma_G for each width
//   shared_exponents  k for each width
//   token_free        k for each width, gamma_D = 0

#ifndef BITBUDGET_FITTER_LAWS_UNIFIED_QAT_ERROR_H_
#define BITBUDGET_FITTER_LAWS_UNIFIED_QAT_ERROR_H_

#include <span>
#include <vector>

#include "fitter/law.h"

namespace bitbudget::fitter {

inline constexpr char kUnifiedQatError[] = "unified_qat_error";

// All rungs. `weight_bits` are the widths in the data, ascending; 16 is full
// precision.
std::vector<Law> UnifiedQatErrorLadder(std::span<const double> weight_bits);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAWS_UNIFIED_QAT_ERROR_H_
