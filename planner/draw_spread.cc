#include "planner/draw_spread.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <vector>

namespace bitbudget::planner {
namespace {

size_t DrawCount(const FittedLaw& law) { return law.draws.size() / law.theta.size(); }

double DeviationOf(const DrawnGradient& part, size_t draw) {
  const size_t size = part.law->theta.size();
  const double* const theta = &part.law->draws[draw * size];
  double deviation = 0;
  for (size_t j = 0; j < part.gradient.size(); ++j) {
    deviation += part.gradient[j] * (theta[j] - part.law->theta[j]);
  }
  return deviation;
}

}  // namespace

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
  std::vector<double> distances;
  for (const DrawnGradient& part : parts) {
    if (part.gradient.empty()) continue;
    distances.resize(DrawCount(*part.law), 0);
    for (size_t draw = 0; draw < distances.size(); ++draw) {
      distances[draw] += DeviationOf(part, draw);
    }
  }
  for (double& distance : distances) distance = std::abs(distance);
  const auto count = static_cast<double>(distances.size());
  const auto kept = std::min(std::ceil(confidence_level * count), count) - 1;
  const auto at = distances.begin() + static_cast<std::ptrdiff_t>(std::max(kept, 0.0));
  std::nth_element(distances.begin(), at, distances.end());
  const boost::math::normal normal;
  return *at / boost::math::quantile(boost::math::complement(normal, (1 - confidence_level) / 2));
}

}  // namespace bitbudget::planner
