#include "planner/draw_spread.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "planner/joint_uncertainty.h"
#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "planner/uncertainty.h"
#include "tests/support/simulated_study.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

constexpr int kDraws = 2000;

// Draws theta + root z of standard normal z, the same stream for every law.
fitter::FittedLaw WithDraws(fitter::FittedLaw law, double scale) {
  const auto count = static_cast<int>(law.theta.size());
  const std::vector<double> root = CovarianceRoot(count, scale);
  test_support::NormalStream stream(1);
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> z(count);
    for (double& value : z) value = stream.Normal();
    for (int i = 0; i < count; ++i) {
      double theta = law.theta[i];
      for (int j = 0; j < count; ++j) theta += root[i * count + j] * z[j];
      law.draws.push_back(theta);
    }
  }
  return law;
}

std::vector<double> AlongParameter(const fitter::FittedLaw& law, int parameter) {
  std::vector<double> gradient(law.theta.size(), 0);
  gradient[parameter] = 1;
  return gradient;
}

// 2000 draws tell their 90 % quantile within sqrt(.9 .1 / 2000) / density = 3 % of it;
// three of these.
TEST(DrawSpreadTest, SpreadOfNormalDrawsIsTheirStandardError) {
  const fitter::FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  const fitter::FittedLaw drawn = WithDraws(law, 0.01);
  for (const int parameter : {0, 5, 15}) {
    const std::vector<double> gradient = AlongParameter(law, parameter);
    const double by_covariance = *Uncertainty(law, 0.9).StandardError(gradient);
    const double by_draws = *Uncertainty(drawn, 0.9).StandardError(gradient);
    EXPECT_NEAR(by_draws, by_covariance, 0.09 * by_covariance);
  }
}

TEST(DrawSpreadTest, DrawsOfTwoLawsBelongTogetherByTheirNumber) {
  const fitter::FittedLaw law =
      WithDraws(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01), 0.01);
  const std::vector<double> gradient = AlongParameter(law, 0);
  std::vector<double> against(law.theta.size(), 0);
  against[0] = -1;
  const DrawnGradient alike[] = {{&law, gradient}, {&law, against}};
  ASSERT_TRUE(HasDraws(alike));
  EXPECT_EQ(SpreadOfDraws(alike, 0.9), 0);
}

TEST(DrawSpreadTest, LawsWithoutDrawsOrWithOtherCountsHaveNone) {
  const fitter::FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  const fitter::FittedLaw drawn = WithDraws(law, 0.01);
  fitter::FittedLaw fewer = drawn;
  fewer.draws.resize(fewer.theta.size());
  const std::vector<double> gradient = AlongParameter(law, 0);
  const DrawnGradient without[] = {{&law, gradient}};
  EXPECT_FALSE(HasDraws(without));
  const DrawnGradient unlike[] = {{&drawn, gradient}, {&fewer, gradient}};
  EXPECT_FALSE(HasDraws(unlike));
  const DrawnGradient one[] = {{&drawn, gradient}, {nullptr, {}}};
  EXPECT_TRUE(HasDraws(one));
}

constexpr RunPoint kRun{1e8, 4e9, 1e9, 4};

// Draws along the valley in which a larger floor makes up for a smaller term of size:
// the floor goes up and down by 8 %, the loss of kRun by .1 % alone.
fitter::FittedLaw WithDrawsAlongAValley(fitter::FittedLaw law) {
  const int floor = *law.law.FindParameter("alpha");
  const int size = *law.law.FindParameter("zeta");
  const double loss_nats = std::exp(fitter::LogLoss(law.law, law.theta, kRun));
  test_support::NormalStream stream(1);
  while (law.draws.size() < kDraws * law.theta.size()) {
    std::vector<double> theta = law.theta;
    theta[floor] += 0.08 * stream.Normal();
    const double moved_nats = std::exp(fitter::LogLoss(law.law, theta, kRun));
    std::vector<double> without = theta;
    without[size] = -HUGE_VAL;
    const double size_nats = moved_nats - std::exp(fitter::LogLoss(law.law, without, kRun));
    const double aim_nats = loss_nats * std::exp(0.001 * stream.Normal());
    const double ratio = 1 + (aim_nats - moved_nats) / size_nats;
    if (!(ratio > 0)) continue;
    theta[size] += std::log(ratio);
    law.draws.insert(law.draws.end(), theta.begin(), theta.end());
  }
  return law;
}

fitter::FittedLaw AtDraw(const fitter::FittedLaw& law, int draw) {
  fitter::FittedLaw drawn = law;
  const std::span<const double> theta = Draw(law, draw);
  drawn.theta.assign(theta.begin(), theta.end());
  drawn.draws.clear();
  return drawn;
}

// Share of the draws whose value, a function of the law at the draw, the interval holds.
template <typename ValueAt>
double ShareInside(const fitter::FittedLaw& law, const Interval& interval, ValueAt value_at) {
  int inside = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const double value = value_at(AtDraw(law, draw));
    if (interval.lower <= value && value <= interval.upper) ++inside;
  }
  return static_cast<double>(inside) / kDraws;
}

// Intervals of 90 % are those that hold 90 % of the draws, times Student's t over the
// normal distribution: 1.009 with 100 degrees of freedom, .3 % of the draws.
constexpr double kLeastShare = 0.9;
constexpr double kMostShare = 0.91;

TEST(DrawSpreadTest, IntervalOfALossHoldsTheLossesOfTheDraws) {
  const fitter::FittedLaw law =
      WithDrawsAlongAValley(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01));
  const Interval interval = *PredictLoss(law, kRun, 0.9)->loss_nats.interval;
  const double share = ShareInside(law, interval, [](const fitter::FittedLaw& drawn) {
    return std::exp(fitter::LogLoss(drawn.law, drawn.theta, kRun));
  });
  EXPECT_GE(share, kLeastShare);
  EXPECT_LE(share, kMostShare);
}

TEST(DrawSpreadTest, IntervalOfADifferenceHoldsTheDifferencesOfTheDraws) {
  const fitter::FittedLaw law =
      WithDrawsAlongAValley(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01));
  RunPoint other = kRun;
  other.parameters *= 2;
  const auto loss_at = [](const fitter::FittedLaw& drawn, const RunPoint& run) {
    return std::exp(fitter::LogLoss(drawn.law, drawn.theta, run));
  };
  const FitLaws laws{.law = &law};
  JointGradient gradient;
  for (const auto& [run, weight] : {std::pair(kRun, 1.0), std::pair(other, -1.0)}) {
    std::vector<double> log_gradient;
    fitter::LogLoss(law.law, law.theta, run, &log_gradient);
    gradient.AddLoss(laws, law, run, loss_at(law, run), log_gradient, weight);
  }
  const double difference = loss_at(law, kRun) - loss_at(law, other);
  const Estimate estimate = JointUncertainty(laws, 0.9).Signed(difference, gradient);
  const double share = ShareInside(law, *estimate.interval, [&](const fitter::FittedLaw& drawn) {
    return loss_at(drawn, kRun) - loss_at(drawn, other);
  });
  EXPECT_GE(share, kLeastShare);
  EXPECT_LE(share, kMostShare);
}

TEST(DrawSpreadTest, IntervalOfAFractionHoldsTheBestFractionsOfTheDraws) {
  const fitter::FittedLaw law =
      WithDraws(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.05), 0.05);
  FractionQuestion question{.parameters = 1e8, .weight_bits = 4, .budget_tokens = 5e9};
  const Interval interval = *OptimizeQatFraction(law, question)->qat_fraction.interval;
  question.with_intervals = false;
  const double share = ShareInside(law, interval, [&](const fitter::FittedLaw& drawn) {
    const auto answer = OptimizeQatFraction(drawn, question);
    return answer.ok() ? answer->qat_fraction.value : 0;
  });
  EXPECT_GE(share, kLeastShare);
  EXPECT_LE(share, kMostShare);
}

}  // namespace
}  // namespace bitbudget::planner
