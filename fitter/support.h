// Which region of runs a fit has seen. Pure functions, thread-safe.

#ifndef BITBUDGET_FITTER_SUPPORT_H_
#define BITBUDGET_FITTER_SUPPORT_H_

#include <span>
#include <vector>

#include "fitter/fit.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// Values that differ by at most this share of the smaller are one level of an
// axis: budgets are rounded to whole training steps.
inline constexpr double kLevelTolerance = 0.01;

// Smallest value of each level, ascending. A level reaches from its smallest
// value to kLevelTolerance above it. Values are >= 0.
std::vector<double> DistinctLevels(std::vector<double> values);

// Index of the level of `levels`, from DistinctLevels, that `value` belongs to.
int LevelOf(double value, const std::vector<double>& levels);

// Support of the rows of `data` with the indices `rows`. Intervals said to be of
// QAT rows, and the levels of the fraction, are taken over rows with qat_tokens
// > 0 and are 0 without one; all else over every row.
DataSupport ComputeSupport(const Dataset& data, std::span<const int> rows);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_SUPPORT_H_
