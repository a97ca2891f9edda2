#include "planner/joint_uncertainty.h"

#include <algorithm>
#include <cmath>

#include "planner/draw_spread.h"
#include "planner/run_loss.h"

namespace bitbudget::planner {
namespace {

// left^T matrix right, row-major.
double Bilinear(std::span<const double> left,
                std::span<const double> matrix,
                std::span<const double> right) {
  double sum = 0;
  for (size_t row = 0; row < left.size(); ++row) {
    double product = 0;
    for (size_t column = 0; column < right.size(); ++column) {
      product += matrix[row * right.size() + column] * right[column];
    }
    sum += left[row] * product;
  }
  return sum;
}

// How far each draw moves the sum of losses. All laws have as many draws.
std::vector<double> DeviationsOfDraws(const JointGradient& gradient) {
  std::vector<double> deviations;
  for (const JointGradient::WeightedLoss& part : gradient.losses) {
    const RunLoss loss(part.law->law, part.run);
    deviations.resize(DrawCount(*part.law), 0);
    for (size_t draw = 0; draw < deviations.size(); ++draw) {
      const double loss_nats = std::exp(loss.LogLoss(Draw(*part.law, draw)));
      deviations[draw] += part.weight * (loss_nats - part.loss_nats);
    }
  }
  return deviations;
}

}  // namespace

void JointGradient::AddLoss(const FitLaws& laws,
                            const FittedLaw& law,
                            const RunPoint& run,
                            double loss_nats,
                            std::span<const double> log_gradient,
                            double weight) {
  std::vector<double>& gradient = &law == laws.law ? by_law : by_full_precision_law;
  gradient.resize(log_gradient.size());
  const double scale = weight * loss_nats;
  for (size_t i = 0; i < log_gradient.size(); ++i) gradient[i] += scale * log_gradient[i];
  const double misfit = scale * law.misfit.loss_stddev;
  misfit_variance += misfit * misfit;
  losses.push_back({&law, run, loss_nats, weight});
}

JointUncertainty::JointUncertainty(const FitLaws& laws, double confidence_level)
    : laws_(laws), confidence_level_(confidence_level) {}

std::optional<double> JointUncertainty::HalfWidth(const JointGradient& gradient) const {
  if (!wanted()) return std::nullopt;
  double variance = gradient.misfit_variance;
  double degrees_of_freedom = laws_.law->degrees_of_freedom;
  if (!gradient.by_law.empty()) {
    if (laws_.law->covariance.empty()) return std::nullopt;
    variance += Bilinear(gradient.by_law, laws_.law->covariance, gradient.by_law);
  }
  if (!gradient.by_full_precision_law.empty()) {
    const FittedLaw& other = *laws_.full_precision_law;
    if (other.covariance.empty()) return std::nullopt;
    variance +=
        Bilinear(gradient.by_full_precision_law, other.covariance, gradient.by_full_precision_law);
    if (!gradient.by_law.empty() && !laws_.cross_covariance.empty()) {
      variance +=
          2 * Bilinear(gradient.by_law, laws_.cross_covariance, gradient.by_full_precision_law);
    }
    degrees_of_freedom = std::min(degrees_of_freedom, other.degrees_of_freedom);
  }
  const DrawnGradient drawn[] = {{laws_.law, gradient.by_law},
                                 {laws_.full_precision_law, gradient.by_full_precision_law}};
  if (HasDraws(drawn)) {
    const double spread = SpreadOfDeviations(DeviationsOfDraws(gradient), confidence_level_);
    variance = gradient.misfit_variance + spread * spread;
  }
  // Rounding can leave a variance of 0 slightly negative; NaN fails as well.
  if (!(variance > 0) || !std::isfinite(variance)) return std::nullopt;
  return IntervalFactor(confidence_level_, degrees_of_freedom) * std::sqrt(variance);
}

Estimate JointUncertainty::Signed(double value, const JointGradient& gradient) const {
  Estimate estimate{value};
  if (const auto half_width = HalfWidth(gradient)) {
    estimate.interval = {value - *half_width, value + *half_width};
  }
  return estimate;
}

}  // namespace bitbudget::planner
