#include "fitter/huber_likelihood.h"

#include <algorithm>
#include <cmath>

namespace bitbudget::fitter {
namespace {

constexpr double kHuberInScales = 1.345;

double HuberRho(double x) {
  const double size = std::abs(x);
  return size <= kHuberInScales ? x * x / 2 : kHuberInScales * (size - kHuberInScales / 2);
}

}  // namespace

double HuberDeviance(const std::vector<double>& residuals) {
  const auto count = static_cast<double>(residuals.size());
  // n = sum psi(r / s) r / s falls with s: bisection in ln s.
  const auto excess = [&](double log_scale) {
    double sum = -count;
    for (const double r : residuals) {
      const double x = r / std::exp(log_scale);
      sum += std::min(std::abs(x), kHuberInScales) * std::abs(x);
    }
    return sum;
  };
  double lower = -40;
  double upper = 10;
  while (upper - lower > 1e-9) {
    const double middle = (lower + upper) / 2;
    (excess(middle) > 0 ? lower : upper) = middle;
  }
  double rho = 0;
  for (const double r : residuals) rho += HuberRho(r / std::exp(lower));
  return 2 * (count * lower + rho);
}

}  // namespace bitbudget::fitter
