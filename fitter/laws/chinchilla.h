// The law of full-precision training,
//
//   L = E + A / N^alpha + B / D^beta
//
// in raw parameters and tokens. Hoffmann et al., arXiv 2203.15556; how it is
// estimated: Besiroglu et al., arXiv 2404.10102.

#ifndef BITBUDGET_FITTER_LAWS_CHINCHILLA_H_
#define BITBUDGET_FITTER_LAWS_CHINCHILLA_H_

#include <vector>

#include "fitter/law.h"

namespace bitbudget::fitter {

inline constexpr char kChinchilla[] = "chinchilla";

// The only variant, "full".
std::vector<Law> ChinchillaLadder();

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAWS_CHINCHILLA_H_
