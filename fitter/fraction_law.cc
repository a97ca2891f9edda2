#include "fitter/fraction_law.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include "fitter/lack_of_fit.h"
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

// The sum of absolute errors as a function of a, over optima sorted by the `a` that
// each alone would give.
class AbsoluteError {
 public:
  explicit AbsoluteError(const std::vector<MeasuredOptimum>& optima) {
    for (const MeasuredOptimum& optimum : optima) {
      const double log_s = std::log(optimum.tokens_per_parameter_byte);
      points_.push_back({-std::log(optimum.qat_fraction) * log_s, log_s, optimum.qat_fraction});
    }
    std::sort(points_.begin(), points_.end(), [](const Point& x, const Point& y) {
      return std::tie(x.a, x.log_s) < std::tie(y.a, y.log_s);
    });
  }

  // Least over all a. Between the values of single optima the sum is smooth and may
  // have a minimum of its own where it falls on the left and rises on the right.
  double Minimize() const {
    double best = points_.front().a;
    for (size_t i = 0; i < points_.size(); ++i) {
      Improve(points_[i].a, &best);
      if (i + 1 == points_.size()) continue;
      double left = points_[i].a;
      double right = points_[i + 1].a;
      if (Slope(left, i + 1) >= 0 || Slope(right, i + 1) <= 0) continue;
      for (int step = 0; step < 60; ++step) {
        const double middle = (left + right) / 2;
        (Slope(middle, i + 1) < 0 ? left : right) = middle;
      }
      Improve((left + right) / 2, &best);
    }
    return best;
  }

  double Mean(double a) const {
    double sum = 0;
    for (const Point& point : points_) sum += std::abs(point.fraction - Predict(a, point));
    return sum / static_cast<double>(points_.size());
  }

  // Of a: the median of normal errors has pi / 2 of the variance of their mean, and
  // their standard deviation is sqrt(pi / 2) of their mean absolute value.
  double StandardError(double a) const {
    double information = 0;
    for (const Point& point : points_) {
      const double sensitivity = Predict(a, point) / point.log_s;
      information += sensitivity * sensitivity;
    }
    const double count = static_cast<double>(points_.size());
    return std::numbers::pi / 2 * Mean(a) * std::sqrt(count / (count - 1)) / std::sqrt(information);
  }

 private:
  struct Point {
    double a = 0;
    double log_s = 0;
    double fraction = 0;
  };

  static double Predict(double a, const Point& point) { return std::exp(-a / point.log_s); }

  // Derivative at a, if the first `below` points lie below it.
  double Slope(double a, size_t below) const {
    double slope = 0;
    for (size_t i = 0; i < points_.size(); ++i) {
      const double change = Predict(a, points_[i]) / points_[i].log_s;
      slope += i < below ? change : -change;
    }
    return slope;
  }

  void Improve(double candidate, double* best) const {
    if (Mean(candidate) < Mean(*best)) *best = candidate;
  }

  std::vector<Point> points_;
};

}  // namespace

absl::StatusOr<FractionLawFit> FitFractionLaw(const Dataset& data, std::span<const int> rows) {
  OptimumSearch search = FindMeasuredOptima(data, rows);
  std::vector<MeasuredOptimum> usable;
  for (const MeasuredOptimum& optimum : search.optima) {
    if (optimum.tokens_per_parameter_byte > 1) usable.push_back(optimum);
  }
  const int usable_count = static_cast<int>(usable.size());
  if (usable_count < kNeededOptima) return TooFewOptima(search, usable_count);
  RETURN_IF_ERROR(CheckDependence(search));
  const AbsoluteError error(usable);
  const double a = error.Minimize();
  return FractionLawFit{.law = {.a = a,
                                .a_stderr = error.StandardError(a),
                                .optimum_count = usable_count,
                                .mean_absolute_error = error.Mean(a)},
                        .optima = std::move(search.optima)};
}

double PredictOptimalFraction(double a, double tokens_per_parameter_byte) {
  return std::exp(-a / std::log(tokens_per_parameter_byte));
}

}  // namespace bitbudget::fitter
