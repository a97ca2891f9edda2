#include "fitter/simplification.h"

#include <cmath>
#include <optional>
#include <set>
#include <tuple>

#include "fitter/fraction_misfit.h"

namespace bitbudget::fitter {
namespace {

constexpr double kRuleOfThumb = 0.1;

double LossAt(const FittedLaw& law, const RunPoint& run, double fraction) {
  const double tokens = run.total_tokens();
  return std::exp(
      LogLoss(law.law,
              law.theta,
              {run.parameters, tokens * (1 - fraction), tokens * fraction, run.weight_bits}));
}

// Squared differences of the two laws at one size, width and budget.
struct FractionSquares {
  double logit = 0;
  double log_excess = 0;
};

std::optional<FractionSquares> CompareFractions(const FittedLaw& a,
                                                const FittedLaw& b,
                                                const RunPoint& run) {
  double logits[2];
  double log_excess[2];
  int next = 0;
  for (const FittedLaw* law : {&a, &b}) {
    const auto logit = OptimalLogit(*law, run.parameters, run.weight_bits, run.total_tokens());
    if (!logit) return std::nullopt;
    const double best = LossAt(*law, run, 1 / (1 + std::exp(-*logit)));
    logits[next] = *logit;
    // Where one tenth is all but the best, a ratio of the two says nothing.
    const double excess = LossAt(*law, run, kRuleOfThumb) - best;
    log_excess[next] = std::log(std::max(excess, 1e-4 * best));
    ++next;
  }
  return FractionSquares{.logit = std::pow(logits[0] - logits[1], 2),
                         .log_excess = std::pow(log_excess[0] - log_excess[1], 2)};
}

}  // namespace

Simplification MeasureSimplification(const Dataset& data,
                                     std::span<const int> rows,
                                     const FittedLaw& simple,
                                     const FittedLaw& richest) {
  Simplification result;
  double loss_squares = 0;
  FractionSquares sums;
  std::set<std::tuple<double, double, double>> cells;
  for (const int i : rows) {
    const Observation& row = data.rows[i];
    const RunPoint& run = row.point;
    const double difference =
        LogLoss(simple.law, simple.theta, PointOf(simple.law, row, data.labels)) -
        LogLoss(richest.law, richest.theta, PointOf(richest.law, row, data.labels));
    loss_squares += difference * difference;
    if (run.qat_tokens == 0 || !KnowsFraction(simple.law) || !KnowsFraction(richest.law)) continue;
    if (!cells.emplace(run.parameters, run.weight_bits, run.total_tokens()).second) continue;
    const auto squares = CompareFractions(simple, richest, run);
    if (!squares) continue;
    sums.logit += squares->logit;
    sums.log_excess += squares->log_excess;
    ++result.fraction_count;
  }
  if (!rows.empty()) {
    result.log_loss_rms = std::sqrt(loss_squares / static_cast<double>(rows.size()));
  }
  if (result.fraction_count > 0) {
    result.logit_fraction_rms = std::sqrt(sums.logit / result.fraction_count);
    result.log_excess_rms = std::sqrt(sums.log_excess / result.fraction_count);
  }
  return result;
}

}  // namespace bitbudget::fitter
