#include "planner/uncertainty.h"

#include <algorithm>
#include <cmath>

#include "planner/draw_spread.h"

namespace bitbudget::planner {
namespace {

double Variance(const FittedLaw& law, std::span<const double> gradient) {
  const size_t size = gradient.size();
  double variance = 0;
  for (size_t row = 0; row < size; ++row) {
    const double* const covariance = &law.covariance[row * size];
    double product = 0;
    for (size_t column = 0; column < size; ++column)
      product += covariance[column] * gradient[column];
    variance += gradient[row] * product;
  }
  return variance;
}

double Logistic(double logit) { return 1 / (1 + std::exp(-logit)); }

}  // namespace

std::vector<double> Difference(std::span<const double> b, std::span<const double> a) {
  std::vector<double> difference(b.begin(), b.end());
  for (size_t i = 0; i < difference.size(); ++i) difference[i] -= a[i];
  return difference;
}

double FractionMisfitHalfWidth(const FittedLaw& law, double confidence_level) {
  const fitter::Misfit& misfit = law.misfit;
  if (misfit.logit_fraction_stddev == 0) return 0;
  // Few optima tell the misfit less well than many runs tell the parameters.
  return IntervalFactor(confidence_level, misfit.fraction_degrees_of_freedom) *
         misfit.logit_fraction_stddev;
}

Uncertainty::Uncertainty(const FittedLaw& law, double confidence_level)
    : law_(&law),
      confidence_level_(confidence_level),
      factor_(IntervalFactor(confidence_level, law.degrees_of_freedom)),
      fraction_misfit_half_width_(FractionMisfitHalfWidth(law, confidence_level)) {}

std::optional<double> Uncertainty::StandardError(std::span<const double> gradient) const {
  if (law_->covariance.empty()) return std::nullopt;
  const DrawnGradient drawn[] = {{law_, gradient}};
  if (wanted() && HasDraws(drawn)) {
    const double spread = SpreadOfDraws(drawn, confidence_level_);
    return spread > 0 && std::isfinite(spread) ? std::optional(spread) : std::nullopt;
  }
  const double variance = Variance(*law_, gradient);
  // Rounding can leave a variance of 0 slightly negative; NaN fails as well.
  if (!(variance > 0) || !std::isfinite(variance)) return std::nullopt;
  return std::sqrt(variance);
}

std::optional<double> Uncertainty::HalfWidth(std::span<const double> gradient,
                                             double extra_variance,
                                             double misfit_half_width) const {
  if (!wanted()) return std::nullopt;
  const std::optional<double> standard_error = StandardError(gradient);
  if (!standard_error) return std::nullopt;
  return std::hypot(factor_ * std::hypot(*standard_error, std::sqrt(extra_variance)),
                    misfit_half_width);
}

Estimate Uncertainty::Positive(double value,
                               std::span<const double> gradient,
                               double extra_variance) const {
  Estimate estimate{value};
  const std::optional<double> half_width = HalfWidth(gradient, extra_variance, 0);
  if (!half_width) return estimate;
  const Interval interval{value * std::exp(-*half_width), value * std::exp(*half_width)};
  if (std::isfinite(interval.upper)) estimate.interval = interval;
  return estimate;
}

Estimate Uncertainty::Loss(double loss_nats, std::span<const double> gradient) const {
  const double misfit = law_->misfit.loss_stddev;
  return Positive(loss_nats, gradient, misfit * misfit);
}

Estimate Uncertainty::Fraction(double logit, std::span<const double> gradient) const {
  Estimate estimate{Logistic(logit)};
  if (const auto half_width = HalfWidth(gradient, 0, fraction_misfit_half_width_)) {
    estimate.interval = {Logistic(logit - *half_width), Logistic(logit + *half_width)};
  }
  return estimate;
}

Estimate Uncertainty::Square(double root,
                             std::span<const double> gradient,
                             double by_logit_fraction) const {
  Estimate estimate{root * root};
  const double misfit_half_width = by_logit_fraction * fraction_misfit_half_width_;
  const double size = std::abs(root);
  // d ln(root) is half of d ln(square).
  const double misfit = size * law_->misfit.log_excess_stddev / 2;
  if (const auto half_width = HalfWidth(gradient, misfit * misfit, misfit_half_width)) {
    const double lower = std::max(0.0, size - *half_width);
    const double upper = size + *half_width;
    estimate.interval = {lower * lower, upper * upper};
  }
  return estimate;
}

}  // namespace bitbudget::planner
