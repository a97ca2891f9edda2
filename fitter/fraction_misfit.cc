#include "fitter/fraction_misfit.h"

#include <Eigen/Core>
#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <vector>

#include "fitter/fraction_law.h"
#include "fitter/lack_of_fit.h"
#include "fitter/measured_optima.h"
#include "fitter/noise.h"
#include "fitter/published_laws.h"

namespace bitbudget::fitter {
namespace {

using Eigen::ArrayXd;

double Logit(double f) { return std::log(f / (1 - f)); }

// ln L of a law at one size, width and budget, as a function of logit f.
class LawCurve {
 public:
  LawCurve(const FittedLaw& law, double parameters, double weight_bits, double total_tokens)
      : law_(law),
        parameters_(parameters),
        weight_bits_(weight_bits),
        total_tokens_(total_tokens) {}

  double At(double logit) const {
    return LogLoss(law_.law,
                   law_.theta,
                   {.parameters = parameters_,
                    .fp_tokens = total_tokens_ / (1 + std::exp(logit)),
                    .qat_tokens = total_tokens_ / (1 + std::exp(-logit)),
                    .weight_bits = weight_bits_});
  }

  double SlopeAt(double logit) const {
    constexpr double kStep = 1e-3;
    return (At(logit + kStep) - At(logit - kStep)) / (2 * kStep);
  }

  // Logit of the least loss; nullopt if the loss falls all the way to an end.
  std::optional<double> Minimum() const {
    constexpr double kLargestLogit = 20;
    constexpr int kBits = 26;  // half of a double's: a minimum has no more
    const double logit =
        boost::math::tools::brent_find_minima(
            [this](double x) { return At(x); }, -kLargestLogit, kLargestLogit, kBits)
            .first;
    if (std::abs(logit) > kLargestLogit - 1) return std::nullopt;
    return logit;
  }

 private:
  const FittedLaw& law_;
  double parameters_;
  double weight_bits_;
  double total_tokens_;
};

// The shift of the law's curve along logit f that would fit the runs of a cell best,
// to first order, with the curve free to move up and down.
struct Shift {
  double logit = 0;
  double information = 0;  // one over its variance
};

Shift FindShift(const FittedLaw& law, const FractionCell& cell, double run_variance) {
  const auto count = static_cast<Eigen::Index>(cell.levels.size());
  ArrayXd residuals(count), slopes(count), weights(count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const FractionLevel& level = cell.levels[i];
    const LawCurve curve(law, cell.parameters, cell.weight_bits, level.total_tokens);
    const double logit = Logit(level.qat_fraction);
    residuals[i] = level.log_loss - curve.At(logit);
    slopes[i] = -curve.SlopeAt(logit);
    weights[i] = static_cast<double>(level.runs.size()) / run_variance;
  }
  slopes -= (weights * slopes).sum() / weights.sum();
  const double information = (weights * slopes.square()).sum();
  return {.logit = (weights * slopes * residuals).sum() / information, .information = information};
}

// Of the law from a measured optimum.
struct Difference {
  double logit = 0;
  double variance = 0;  // of the measured optimum
};

std::optional<Difference> Compare(const FittedLaw& law,
                                  const MeasuredOptimum& optimum,
                                  double information) {
  const std::optional<double> minimum =
      LawCurve(law, optimum.parameters, optimum.weight_bits, optimum.total_tokens).Minimum();
  if (!minimum) return std::nullopt;
  const double f = optimum.qat_fraction;
  const double stddev = *optimum.qat_fraction_stderr / (f * (1 - f));
  return Difference{.logit = *minimum - Logit(f),
                    .variance = std::max(stddev * stddev, 1 / information)};
}

// The excess variance that makes the mean square over variances 1; it falls with it.
double FindExcess(const std::vector<Difference>& differences) {
  const auto sum_with = [&](double excess) {
    double sum = 0;
    for (const Difference& difference : differences) {
      sum += difference.logit * difference.logit / (difference.variance + excess);
    }
    return sum;
  };
  const double expected = static_cast<double>(differences.size());
  double lower = 0;
  double upper = 0;
  for (const Difference& difference : differences) upper += difference.logit * difference.logit;
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (lower + upper) / 2;
    (sum_with(middle) > expected ? lower : upper) = middle;
  }
  return lower;
}

// Root mean square difference of the published law of the fraction; nullopt if it is
// undefined at one of the optima.
std::optional<double> PublishedLogitRms(const std::vector<MeasuredOptimum>& optima) {
  const FractionLaw law = ToFractionLaw(*FindPublishedLaw(kPublishedFractionLaw)).value();
  double sum_of_squares = 0;
  for (const MeasuredOptimum& optimum : optima) {
    if (optimum.tokens_per_parameter_byte <= 1) return std::nullopt;
    const double published = PredictOptimalFraction(law.a, optimum.tokens_per_parameter_byte);
    const double difference = Logit(published) - Logit(optimum.qat_fraction);
    sum_of_squares += difference * difference;
  }
  return std::sqrt(sum_of_squares / static_cast<double>(optima.size()));
}

// The rows with losses at most kCutScales robust scales from the law: one mistyped
// loss would move the optimum of its cell at will.
Dataset CutOutliers(Dataset data, std::span<const int> rows, const FittedLaw& law) {
  std::vector<double> residuals;
  residuals.reserve(rows.size());
  for (const int i : rows) {
    const Observation& row = data.rows[i];
    residuals.push_back(std::log(row.loss_nats) - LogLoss(law.law, law.theta, row.point));
  }
  const double cut = kCutScales * RobustScale(residuals);
  for (size_t k = 0; k < rows.size(); ++k) {
    data.rows[rows[k]].loss_nats *= std::exp(std::clamp(residuals[k], -cut, cut) - residuals[k]);
  }
  return data;
}

}  // namespace

std::optional<double> OptimalLogit(const FittedLaw& law,
                                   double parameters,
                                   double weight_bits,
                                   double total_tokens) {
  return LawCurve(law, parameters, weight_bits, total_tokens).Minimum();
}

bool KnowsFraction(const Law& law) { return law.FindParameter("omega").has_value(); }

std::optional<FractionMisfit> MeasureFractionMisfit(const Dataset& data,
                                                    std::span<const int> rows,
                                                    const FittedLaw& law) {
  const Dataset cut = CutOutliers(data, rows, law);
  const OptimumSearch search = FindMeasuredOptima(cut, rows);
  if (!search.run_variance || !(*search.run_variance > 0)) return std::nullopt;
  double chi_squared = 0;
  double sum_of_squares = 0;
  std::vector<Difference> differences;
  std::vector<MeasuredOptimum> compared;
  for (const FractionCell& cell : search.cells) {
    const Shift shift = FindShift(law, cell, *search.run_variance);
    chi_squared += shift.logit * shift.logit * shift.information;
    if (!cell.optimum) continue;
    const auto difference = Compare(law, *cell.optimum, shift.information);
    if (!difference) continue;
    differences.push_back(*difference);
    compared.push_back(*cell.optimum);
    sum_of_squares += difference->logit * difference->logit;
  }
  const int count = static_cast<int>(differences.size());
  if (count < kLeastComparedOptima || !std::isfinite(chi_squared)) return std::nullopt;

  const boost::math::chi_squared distribution(static_cast<double>(search.cells.size()));
  FractionMisfit misfit = {
      .optimum_count = count,
      .logit_rms = std::sqrt(sum_of_squares / count),
      .p_value = boost::math::cdf(boost::math::complement(distribution, chi_squared)),
      .published_logit_rms = PublishedLogitRms(compared)};
  if (misfit.p_value < kLeastPValue) misfit.logit_stddev = std::sqrt(FindExcess(differences));
  return misfit;
}

}  // namespace bitbudget::fitter
