#include "planner/uncertainty.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "planner/draw_spread.h"
#include "planner/run_loss.h"

namespace bitbudget::planner {
namespace {

double Variance(const FittedLaw& law, std::span<const double> gradient) {
  const size_t size = gradient.size();
  double variance = 0;
  for (size_t row = 0; row < size; ++row) {
    const double* const covariance = &law.covariance[row * size];
    double below = 0;  // the matrix is symmetric
    for (size_t column = 0; column < row; ++column) below += covariance[column] * gradient[column];
    variance += gradient[row] * (2 * below + covariance[row] * gradient[row]);
  }
  return variance;
}

// A standard error that says something; nullopt for NaN as well.
std::optional<double> Known(double standard_error) {
  if (!(standard_error > 0) || !std::isfinite(standard_error)) return std::nullopt;
  return standard_error;
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

double LossDifferenceMisfitHalfWidth(const FittedLaw& law, double confidence_level) {
  if (law.misfit.loss_stddev == 0) return 0;
  return IntervalFactor(confidence_level, law.degrees_of_freedom) * std::sqrt(2) *
         law.misfit.loss_stddev;
}

Uncertainty::Uncertainty(const FittedLaw& law, double confidence_level)
    : law_(&law),
      confidence_level_(confidence_level),
      factor_(IntervalFactor(confidence_level, law.degrees_of_freedom)),
      fraction_misfit_half_width_(FractionMisfitHalfWidth(law, confidence_level)) {}

bool Uncertainty::has_draws() const {
  return wanted() && !law_->covariance.empty() && DrawCount(*law_) > 0;
}

std::optional<double> Uncertainty::StandardError(std::span<const double> gradient) const {
  if (law_->covariance.empty()) return std::nullopt;
  const DrawnGradient drawn[] = {{law_, gradient}};
  if (wanted() && HasDraws(drawn)) return Known(SpreadOfDraws(drawn, confidence_level_));
  // Rounding can leave a variance of 0 slightly negative: NaN then.
  return Known(std::sqrt(Variance(*law_, gradient)));
}

std::optional<double> Uncertainty::StandardErrorOf(double estimate,
                                                   std::span<const double> gradient,
                                                   const QuantityAt& quantity_at) const {
  if (!has_draws()) return StandardError(gradient);
  std::vector<double> deviations(DrawCount(*law_));
  for (size_t draw = 0; draw < deviations.size(); ++draw) {
    const double value = quantity_at(Draw(*law_, draw));
    deviations[draw] = std::isfinite(value) ? value - estimate : HUGE_VAL;
  }
  return Known(SpreadOfDeviations(std::move(deviations), confidence_level_));
}

std::optional<double> Uncertainty::HalfWidth(const std::optional<double>& standard_error,
                                             double extra_variance,
                                             double misfit_half_width) const {
  if (!standard_error) return std::nullopt;
  return std::hypot(factor_ * std::hypot(*standard_error, std::sqrt(extra_variance)),
                    misfit_half_width);
}

Estimate Uncertainty::AroundPositive(double value, const std::optional<double>& half_width) {
  Estimate estimate{value};
  if (!half_width) return estimate;
  const Interval interval{value * std::exp(-*half_width), value * std::exp(*half_width)};
  if (std::isfinite(interval.upper)) estimate.interval = interval;
  return estimate;
}

Estimate Uncertainty::Positive(double value,
                               std::span<const double> gradient,
                               double extra_variance) const {
  if (!wanted()) return {value};
  return AroundPositive(value, HalfWidth(StandardError(gradient), extra_variance, 0));
}

Estimate Uncertainty::LossOfOneRun(const RunPoint& run,
                                   double loss_nats,
                                   std::span<const double> gradient,
                                   double run_variance) const {
  if (!has_draws()) return Positive(loss_nats, gradient, run_variance);
  const RunLoss loss(law_->law, run);
  const auto standard_error = StandardErrorOf(
      std::log(loss_nats), gradient, [&](auto theta) { return loss.LogLoss(theta); });
  return AroundPositive(loss_nats, HalfWidth(standard_error, run_variance, 0));
}

Estimate Uncertainty::Loss(const RunPoint& run,
                           double loss_nats,
                           std::span<const double> gradient) const {
  const double misfit = law_->misfit.loss_stddev;
  return LossOfOneRun(run, loss_nats, gradient, misfit * misfit);
}

Estimate Uncertainty::Fraction(double logit,
                               std::span<const double> gradient,
                               const QuantityAt& logit_at) const {
  Estimate estimate{Logistic(logit)};
  if (!wanted()) return estimate;
  const auto standard_error = StandardErrorOf(logit, gradient, logit_at);
  if (const auto half_width = HalfWidth(standard_error, 0, fraction_misfit_half_width_)) {
    estimate.interval = {Logistic(logit - *half_width), Logistic(logit + *half_width)};
  }
  return estimate;
}

Estimate Uncertainty::Square(double root,
                             std::span<const double> gradient,
                             double by_logit_fraction) const {
  Estimate estimate{root * root};
  if (!wanted()) return estimate;
  const double misfit_half_width = by_logit_fraction * fraction_misfit_half_width_;
  const double size = std::abs(root);
  // d ln(root) is half of d ln(square).
  const double misfit = size * law_->misfit.log_excess_stddev / 2;
  if (const auto half_width =
          HalfWidth(StandardError(gradient), misfit * misfit, misfit_half_width)) {
    const double lower = std::max(0.0, size - *half_width);
    const double upper = size + *half_width;
    estimate.interval = {lower * lower, upper * upper};
  }
  return estimate;
}

}  // namespace bitbudget::planner
