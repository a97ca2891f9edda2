#include "planner/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "planner/compute_cost.h"
#include "util/width_text.h"

namespace bitbudget::planner {
namespace {

// A value at the end of the data went through a division and a product; it must
// not count as outside by their rounding.
constexpr double kRounding = 1e-9;

struct Axis {
  const char* name;
  double value;
  Interval data_range;
};

void AddIfOutside(const Axis& axis, std::vector<OutsideAxis>* outside) {
  const auto& [name, value, range] = axis;
  if (!(range.upper > 0)) return;  // the data have no such runs
  const double factor = value > range.upper ? value / range.upper : range.lower / value;
  if (factor > 1 + kRounding) outside->push_back({name, value, range, factor});
}

// The value that is exceeded with this probability.
double QuantileOfStudentsT(double degrees_of_freedom, double probability) {
  // Long double, Boost's default inside, costs a factor and buys nothing here.
  using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  const boost::math::students_t_distribution<double, Policy> student(degrees_of_freedom);
  return boost::math::quantile(boost::math::complement(student, probability));
}

}  // namespace

std::vector<OutsideAxis> OutsideData(const fitter::DataSupport& support, const RunPoint& run) {
  std::vector<OutsideAxis> outside;
  AddIfOutside({"parameters", run.parameters, support.parameters}, &outside);
  AddIfOutside({"total_tokens", run.total_tokens(), support.total_tokens}, &outside);
  AddIfOutside(
      {"tokens_per_parameter", run.total_tokens() / run.parameters, support.tokens_per_parameter},
      &outside);
  AddIfOutside({"compute_flops", TrainingFlops(run), support.compute_flops}, &outside);
  const Interval bits = support.weight_bits.empty()
                            ? Interval{}
                            : Interval{support.weight_bits.front(), support.weight_bits.back()};
  if (run.qat_tokens == 0) {
    if (support.full_precision_row_count == 0) {
      AddIfOutside({"weight_bits", run.weight_bits, bits}, &outside);
    }
    return outside;
  }
  if (run.group_size > 0) {
    AddIfOutside({"group_size", run.group_size, support.group_size}, &outside);
  }
  if (run.fp_tokens == 0) {
    // From scratch: all tokens are QAT tokens.
    AddIfOutside({"weight_bits", run.weight_bits, bits}, &outside);
    return outside;
  }
  const std::array quantized_axes = {
      Axis{"fp_tokens", run.fp_tokens, support.fp_tokens},
      Axis{"qat_tokens", run.qat_tokens, support.qat_tokens},
      Axis{"weight_bits", run.weight_bits, bits},
      Axis{"qat_fraction", run.qat_fraction(), support.qat_fraction},
      Axis{"tokens_per_parameter_byte",
           run.tokens_per_parameter_byte(run.total_tokens()),
           support.tokens_per_parameter_byte},
  };
  for (const Axis& axis : quantized_axes) AddIfOutside(axis, &outside);
  return outside;
}

std::vector<std::string> WarnOfInterpolatedWidths(const fitter::DataSupport& support,
                                                  std::span<const double> widths) {
  std::vector<std::string> warnings;
  const std::vector<double>& measured = support.weight_bits;
  for (const double bits : widths) {
    const auto above = std::ranges::lower_bound(measured, bits);
    if (above == measured.begin() || above == measured.end() || *above == bits) continue;
    warnings.push_back(fmt::format("No run has {}: the loss is interpolated between {:g} and {:g}.",
                                   WidthText(bits),
                                   *(above - 1),
                                   *above));
  }
  return warnings;
}

void AddCallerSplitOutside(const fitter::DataSupport& support,
                           double caller_fraction,
                           std::vector<OutsideAxis>* outside) {
  AddIfOutside({"caller_fraction", caller_fraction, support.qat_fraction}, outside);
}

void KeepFarthest(const std::vector<OutsideAxis>& found, std::vector<OutsideAxis>* outside) {
  for (const OutsideAxis& axis : found) {
    const auto known = std::ranges::find(*outside, axis.axis, &OutsideAxis::axis);
    if (known == outside->end()) {
      outside->push_back(axis);
    } else if (axis.factor > known->factor) {
      *known = axis;
    }
  }
}

double IntervalFactor(double confidence_level, double degrees_of_freedom) {
  // One costs as much as the search for a best split, and a fit needs the same few again
  // and again: a thread keeps the last ones.
  struct Known {
    double confidence_level = 0;
    double degrees_of_freedom = 0;
    double factor = 0;
  };
  thread_local std::array<Known, 4> known;
  thread_local std::size_t oldest = 0;
  for (const Known& entry : known) {
    if (entry.confidence_level == confidence_level &&
        entry.degrees_of_freedom == degrees_of_freedom) {
      return entry.factor;
    }
  }
  const double factor = QuantileOfStudentsT(degrees_of_freedom, (1 - confidence_level) / 2);
  known[oldest] = {confidence_level, degrees_of_freedom, factor};
  oldest = (oldest + 1) % known.size();
  return factor;
}

}  // namespace bitbudget::planner
