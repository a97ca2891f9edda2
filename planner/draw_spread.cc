#include "planner/draw_spread.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <utility>
#include <vector>

namespace bitbudget::planner {
namespace {

double DeviationOf(const DrawnGradient& part, size_t draw) {
  const std::span<const double> theta = Draw(*part.law, draw);
  double deviation = 0;
  for (size_t j = 0; j < part.gradient.size(); ++j) {
    deviation += part.gradient[j] * (theta[j] - part.law->theta[j]);
  }
  return deviation;
}

}  // namespace

size_t DrawCount(const FittedLaw& law) { return law.draws.size() / law.theta.size(); }

std::span<const double> Draw(const FittedLaw& law, size_t draw) {
  return std::span(law.draws).subspan(draw * law.theta.size(), law.theta.size());
}

bool HasDraws(std::span<const DrawnGradient> parts) {
  size_t count = 0;
  for (const DrawnGradient& part : parts) {
    if (part.gradient.empty()) continue;
    const size_t own = DrawCount(*part.law);
    if (own == 0 || (count != 0 && own != count)) return false;
    count = own;
  }
  return count > 0;
}

double SpreadOfDraws(std::span<const DrawnGradient> parts, double confidence_level) {
  std::vector<double> deviations;
  for (const DrawnGradient& part : parts) {
    if (part.gradient.empty()) continue;
    deviations.resize(DrawCount(*part.law), 0);
    for (size_t draw = 0; draw < deviations.size(); ++draw) {
      deviations[draw] += DeviationOf(part, draw);
    }
  }
  return SpreadOfDeviations(std::move(deviations), confidence_level);
}

double SpreadOfDeviations(std::vector<double> deviations, double confidence_level) {
  for (double& deviation : deviations) deviation = std::abs(deviation);
  const auto count = static_cast<double>(deviations.size());
  const auto kept = std::min(std::ceil(confidence_level * count), count) - 1;
  const auto at = deviations.begin() + static_cast<std::ptrdiff_t>(std::max(kept, 0.0));
  std::nth_element(deviations.begin(), at, deviations.end());
  const boost::math::normal normal;
  return *at / boost::math::quantile(boost::math::complement(normal, (1 - confidence_level) / 2));
}

}  // namespace bitbudget::planner
