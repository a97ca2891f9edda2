#include "planner/answer.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

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

}  // namespace

std::vector<OutsideAxis> OutsideData(const fitter::DataSupport& support, const RunPoint& run) {
  std::vector<OutsideAxis> outside;
  AddIfOutside({"parameters", run.parameters, support.parameters}, &outside);
  AddIfOutside({"total_tokens", run.total_tokens(), support.total_tokens}, &outside);
  if (run.qat_tokens == 0) return outside;
  if (run.group_size > 0) {
    AddIfOutside({"group_size", run.group_size, support.group_size}, &outside);
  }
  const Interval bits = support.weight_bits.empty()
                            ? Interval{}
                            : Interval{support.weight_bits.front(), support.weight_bits.back()};
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
  // Long double, Boost's default inside, costs a factor and buys nothing here.
  using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  const boost::math::students_t_distribution<double, Policy> student(degrees_of_freedom);
  return boost::math::quantile(boost::math::complement(student, (1 - confidence_level) / 2));
}

}  // namespace bitbudget::planner
