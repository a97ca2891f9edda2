#include "planner/width_ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/draws.h"
#include "planner/run_loss.h"

namespace bitbudget::planner {
namespace {

constexpr int kDrawsBetweenPolls = 256;

double LinearScore(const Contender& contender,
                   std::span<const double> estimate,
                   std::span<const double> theta) {
  double score = contender.log_score;
  for (size_t i = 0; i < contender.gradient.size(); ++i) {
    score += contender.gradient[i] * (theta[i] - estimate[i]);
  }
  return score;
}

}  // namespace

Estimate RelativeExcess(const Contender& best,
                        const Contender& contender,
                        const Uncertainty& uncertainty) {
  const double log_ratio = contender.log_score - best.log_score;
  if (&best == &contender || !uncertainty.wanted()) return {std::expm1(log_ratio)};
  const double misfit = std::hypot(best.misfit_stddev, contender.misfit_stddev);
  const Estimate ratio = uncertainty.Positive(
      std::exp(log_ratio), Difference(contender.gradient, best.gradient), misfit * misfit);
  Estimate excess{std::expm1(log_ratio)};
  if (ratio.interval) excess.interval = {ratio.interval->lower - 1, ratio.interval->upper - 1};
  return excess;
}

absl::StatusOr<std::vector<double>> ProbabilitiesOfBest(const FittedLaw& law,
                                                        std::span<const Contender> contenders,
                                                        std::span<const RunPoint> runs,
                                                        int draw_count,
                                                        uint64_t seed,
                                                        const std::function<bool()>& cancelled) {
  std::vector<RunLoss> losses;
  losses.reserve(runs.size());
  for (const RunPoint& run : runs) losses.emplace_back(law.law, run);
  ParameterStream draws(law, seed);
  std::vector<double> scores(contenders.size());
  std::vector<double> shares(contenders.size(), 0.0);
  for (int draw = 0; draw < draw_count; ++draw) {
    if (draw % kDrawsBetweenPolls == 0 && cancelled && cancelled()) {
      return absl::CancelledError("the ranking was cancelled");
    }
    const std::vector<double>& theta = draws.NextTheta();
    for (size_t i = 0; i < scores.size(); ++i) {
      const Contender& contender = contenders[i];
      scores[i] =
          losses.empty() ? LinearScore(contender, law.theta, theta) : losses[i].LogLoss(theta);
      if (contender.misfit_stddev > 0) scores[i] += contender.misfit_stddev * draws.NextNormal();
    }
    ++shares[std::ranges::min_element(scores) - scores.begin()];
  }
  for (double& share : shares) share /= draw_count;
  return shares;
}

}  // namespace bitbudget::planner
