#include "fitter/fraction_law.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "fitter/lack_of_fit.h"
#include "fitter/noise.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {
namespace {

constexpr int kNeededOptima = 2;

absl::Status TooFewOptima(const OptimumSearch& search, int usable_count) {
  const int fraction_count = static_cast<int>(search.most_fractions.size());
  const int cell_count = static_cast<int>(search.cells.size());
  if (cell_count == 0) {
    return DataCannotAnswer(
        {{"qat_fraction", fraction_count, kNeededFractions, search.most_fractions}},
        "No model size, weight width and token budget has runs at three QAT fractions. Measure "
        "more fractions of the same budget.");
  }
  if (cell_count < kNeededOptima) {
    return DataCannotAnswer(
        {{"total_tokens",
          cell_count,
          kNeededOptima,
          {search.cells.front().levels.front().total_tokens}}},
        "Only one model size, weight width and token budget has runs at three QAT fractions. "
        "Measure them at a second budget.");
  }
  return DataCannotAnswer(
      {{"qat_fraction", fraction_count, fraction_count + 1, search.most_fractions}},
      fmt::format("Of {} combinations of model size, weight width and token budget with three QAT "
                  "fractions or more, {} have their least loss between two fractions, at more than "
                  "one token per byte of parameters; {} are needed. Measure fractions beyond the "
                  "outermost.",
                  cell_count,
                  usable_count,
                  kNeededOptima));
}

// OK if the minima stand out of the noise: the least of some losses drawn at random
// is a minimum as well.
absl::Status CheckDependence(const OptimumSearch& search) {
  // One more replicate of each fraction than now; a fraction more where there are
  // none.
  const auto need_replicates = [&] {
    const size_t run_count = search.cells.front().levels.front().runs.size();
    const int replicates = static_cast<int>(run_count);
    return MissingAxis{"replicate", replicates, replicates + 1, {}};
  };
  const std::optional<FractionDependence>& dependence = search.dependence;
  if (!dependence) {
    return DataCannotAnswer({need_replicates()},
                            "Without replicates or a fourth QAT fraction at one model size, weight "
                            "width and token budget nothing tells noise from an optimum. Repeat "
                            "runs with another seed.");
  }
  if (dependence->p_value < kLeastPValue) return absl::OkStatus();
  return DataCannotAnswer(
      {need_replicates()},
      fmt::format(
          "The losses do not vary with the QAT fraction by more than {} (F = {:.3g}, p = "
          "{:.2g}): the least ones show no optimum. Measure fractions farther apart, or "
          "more replicates.",
          dependence->has_replicates ? "replicates scatter" : "they scatter about parabolas",
          dependence->f_ratio,
          dependence->p_value));
}

// The sum of absolute errors as a function of a, each prediction clipped to what its
// cell could have shown.
class AbsoluteError {
 public:
  explicit AbsoluteError(const std::vector<MeasuredOptimum>& optima) {
    for (const MeasuredOptimum& optimum : optima) {
      points_.push_back({.log_s = std::log(optimum.tokens_per_parameter_byte),
                         .fraction = optimum.qat_fraction,
                         .measurable = optimum.measurable,
                         .is_exact = optimum.bound == OptimumBound::kExact});
    }
  }

  // Least over all a. Between the values at which a single error has a kink the sum is
  // smooth and may have a minimum of its own where it falls on the left and rises on
  // the right.
  double Minimize() const {
    const std::vector<double> kinks = Kinks();
    double best = kinks.front();
    for (size_t i = 0; i < kinks.size(); ++i) {
      Improve(kinks[i], &best);
      if (i + 1 == kinks.size()) continue;
      double left = kinks[i];
      double right = kinks[i + 1];
      const double inside = (left + right) / 2;
      if (Slope(left, inside) >= 0 || Slope(right, inside) <= 0) continue;
      for (int step = 0; step < 60; ++step) {
        const double middle = (left + right) / 2;
        (Slope(middle, inside) < 0 ? left : right) = middle;
      }
      Improve((left + right) / 2, &best);
    }
    return best;
  }

  // Of the exact optima.
  double Mean(double a) const {
    double sum = 0;
    int count = 0;
    for (const Point& point : points_) {
      if (!point.is_exact) continue;
      sum += std::abs(point.fraction - Predict(a, point));
      ++count;
    }
    return sum / count;
  }

  // Robust, of ln of the coefficient that an exact optimum asks for.
  double LogScatter(double a) const {
    std::vector<double> residuals;
    for (const Point& point : points_) {
      if (point.is_exact)
        residuals.push_back(std::log(-std::log(point.fraction) * point.log_s / a));
    }
    return RobustScale(residuals);
  }

  // Of a: the median of normal errors has pi / 2 of the variance of their mean, and
  // their standard deviation is sqrt(pi / 2) of their mean absolute value. A cell that
  // could not have shown what the law predicts tells nothing.
  double StandardError(double a) const {
    double information = 0;
    double count = 0;
    for (const Point& point : points_) {
      const double predicted = Predict(a, point);
      if (!point.CouldShow(predicted)) continue;
      const double sensitivity = predicted / point.log_s;
      information += sensitivity * sensitivity;
      ++count;
    }
    return std::numbers::pi / 2 * Mean(a) * std::sqrt(count / std::max(1.0, count - 1)) /
           std::sqrt(information);
  }

 private:
  struct Point {
    double log_s = 0;
    double fraction = 0;
    Interval measurable;
    bool is_exact = true;

    bool CouldShow(double f) const { return measurable.lower < f && f < measurable.upper; }
  };

  static double Predict(double a, const Point& point) { return std::exp(-a / point.log_s); }

  // Ascending.
  std::vector<double> Kinks() const {
    std::vector<double> kinks;
    for (const Point& point : points_) {
      for (const double f : {point.fraction, point.measurable.lower, point.measurable.upper}) {
        kinks.push_back(-std::log(f) * point.log_s);
      }
    }
    std::ranges::sort(kinks);
    return kinks;
  }

  // Derivative at a, with every error on the branch that it has at `inside`.
  double Slope(double a, double inside) const {
    double slope = 0;
    for (const Point& point : points_) {
      const double predicted = Predict(inside, point);
      if (!point.CouldShow(predicted)) continue;
      const double change = Predict(a, point) / point.log_s;
      slope += predicted < point.fraction ? change : -change;
    }
    return slope;
  }

  double Sum(double a) const {
    double sum = 0;
    for (const Point& point : points_) {
      const double shown =
          std::clamp(Predict(a, point), point.measurable.lower, point.measurable.upper);
      sum += std::abs(point.fraction - shown);
    }
    return sum;
  }

  void Improve(double candidate, double* best) const {
    if (Sum(candidate) < Sum(*best)) *best = candidate;
  }

  std::vector<Point> points_;
};

// Those at which the law is defined.
std::vector<MeasuredOptimum> Usable(const std::vector<MeasuredOptimum>& optima) {
  std::vector<MeasuredOptimum> usable;
  std::ranges::copy_if(optima, std::back_inserter(usable), [](const MeasuredOptimum& optimum) {
    return optimum.tokens_per_parameter_byte > 1;
  });
  return usable;
}

}  // namespace

absl::StatusOr<FractionLaw> FitFractionLaw(const OptimumSearch& search) {
  std::vector<MeasuredOptimum> usable = Usable(search.optima);
  const int usable_count = static_cast<int>(usable.size());
  if (usable_count < kNeededOptima) return TooFewOptima(search, usable_count);
  RETURN_IF_ERROR(CheckDependence(search));
  const std::vector<MeasuredOptimum> bounds = Usable(search.bounds);
  usable.insert(usable.end(), bounds.begin(), bounds.end());
  const AbsoluteError error(usable);
  const double a = error.Minimize();
  return FractionLaw{.a = a,
                     .a_stderr = error.StandardError(a),
                     .optimum_count = usable_count,
                     .bound_count = static_cast<int>(bounds.size()),
                     .mean_absolute_error = error.Mean(a),
                     .log_a_scatter = error.LogScatter(a)};
}

double PredictOptimalFraction(double a, double tokens_per_parameter_byte) {
  return std::exp(-a / std::log(tokens_per_parameter_byte));
}

}  // namespace bitbudget::fitter
