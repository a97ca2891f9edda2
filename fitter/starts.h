// Starting points for a search: exponents drawn, coefficients computed.

#ifndef BITBUDGET_FITTER_STARTS_H_
#define BITBUDGET_FITTER_STARTS_H_

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <vector>

#include "fitter/design.h"

namespace bitbudget::fitter {

// Which parameters a search may move, and where the others stay.
struct FreeParameters {
  std::vector<bool> is_held;
  Eigen::VectorXd held_at;  // centred; entries of free parameters mean nothing
};

// A starting point and its sum of squares.
struct ScreenedStart {
  Eigen::VectorXd centred;
  double objective = 0;
};

// Draws `count` sets of free exponents, uniformly from the lower half of their
// ranges, and gives each the coefficients that fit best in relative squares
// (non-negative least squares). Best first. A function of design, free parameters
// and seed; a longer draw begins with the shorter one. Ends early when
// `cancelled` returns true.
std::vector<ScreenedStart> DrawStarts(const Design& design,
                                      const FreeParameters& free,
                                      int64_t seed,
                                      int count,
                                      const std::function<bool()>& cancelled);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_STARTS_H_
