// What answers of the planner have in common. Pure values.

#ifndef BITBUDGET_PLANNER_ANSWER_H_
#define BITBUDGET_PLANNER_ANSWER_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fitter/fit.h"

namespace bitbudget::planner {

using fitter::FittedLaw;
using fitter::Interval;
using fitter::RunPoint;

// A point answer with its interval; no interval if the caller wanted none or
// the data fix none.
struct Estimate {
  double value = 0;
  std::optional<Interval> interval;
};

// One axis along which a question lies outside the data.
struct OutsideAxis {
  std::string axis;  // field name, "total_tokens"
  double value = 0;
  Interval data_range;
  double factor = 1;  // ratio to the nearest end, > 1
};

// Compares `run` with the box of the data; empty if inside. A full-precision
// run is compared on parameters and all tokens alone, and on its width if the data have
// none such. Widths count as inside between the least and the largest measured one.
std::vector<OutsideAxis> OutsideData(const fitter::DataSupport& support, const RunPoint& run);

// A sentence for each of `widths` that the data have on either side and not themselves:
// the law answers at it by its form in the bits.
std::vector<std::string> WarnOfInterpolatedWidths(const fitter::DataSupport& support,
                                                  std::span<const double> widths);

// Adds the axis "caller_fraction" to `outside` if a split to compare with lies outside
// the measured fractions.
void AddCallerSplitOutside(const fitter::DataSupport& support,
                           double caller_fraction,
                           std::vector<OutsideAxis>* outside);

// Adds the axes of `found` to `outside`, which keeps the farther value of each.
void KeepFarthest(const std::vector<OutsideAxis>& found, std::vector<OutsideAxis>* outside);

// Half-width of a two-sided interval in standard errors: Student's t with
// `degrees_of_freedom` >= 1 at `confidence_level` in (0, 1).
double IntervalFactor(double confidence_level, double degrees_of_freedom);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_ANSWER_H_
