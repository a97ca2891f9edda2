// Whether a law misses the data by more than their noise. Pure function,
// thread-safe.

#ifndef BITBUDGET_FITTER_LACK_OF_FIT_H_
#define BITBUDGET_FITTER_LACK_OF_FIT_H_

#include <optional>

#include "fitter/fit.h"
#include "fitter/noise.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// Below this a law that were right would hardly miss its runs so far.
inline constexpr double kLeastPValue = 0.01;

// Tests the law against the scatter of replicates: rows of equal design that
// differ in the seed alone. The law with an offset a trunk is compared with a
// free mean for every design with an offset a trunk, by the F test of nested
// linear models; trunks of one row have no offset. What the law misses alike in
// every run of a trunk is taken for the trunk's offset.
//
// misfit_stddev is by moments: the error of a design, independent from design to
// design, that would raise the mean square of the misfit as far above the noise as
// it is; 0 with a p value above kLeastPValue.
//
// Unset if no scatter of replicates is left to compare with: no replicates, all
// of their differences taken up by offsets, or equal to the last digit; or if the
// designs are too few to contradict the law.
std::optional<LackOfFit> TestLackOfFit(const Dataset& data, const LinearizedFit& fit);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LACK_OF_FIT_H_
