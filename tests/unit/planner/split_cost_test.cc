#include "planner/split_cost.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/simulated_study.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

constexpr double kParameters = 396e6;

double Logit(double f) { return std::log(f / (1 - f)); }

// A question about splits of one budget, of one law.
struct Case {
  Case(FittedLaw fitted, double bits, double cost = 1)
      : law(std::move(fitted)),
        surface(law, kParameters, bits),
        budget{std::log(5e10), cost},
        optimum(FindOptimalSplit(surface, budget).value()) {}
  Case(const Case&) = delete;

  SplitCost Compare(double fraction) const {
    return CompareSplit(surface, budget, optimum, fraction, Uncertainty(law, 0.9));
  }

  FittedLaw law;
  LossSurface surface;
  Budget budget;
  OptimalSplit optimum;
};

TEST(SplitCostTest, TheSmallerBudgetReachesTheSameLoss) {
  for (const double cost : {1.0, 1.4}) {
    for (const double fraction : {0.01, 0.1, 0.5, 0.95}) {
      const Case at(FittedQatLaw(OwnTruth("grows")), 1, cost);
      const SplitCost split = at.Compare(fraction);
      const double smaller = at.budget.log_tokens + std::log1p(-split.wasted_token_fraction.value);
      EXPECT_NEAR(FindOptimalSplit(at.surface, {smaller, cost}).value().loss_nats(),
                  split.loss_nats.value,
                  1e-12);
      EXPECT_NEAR(
          at.surface.LossNats(TokensAt(at.budget, Logit(fraction))), split.loss_nats.value, 1e-14);
      EXPECT_NEAR(
          split.excess_loss_nats.value, split.loss_nats.value - at.optimum.loss_nats(), 1e-14);
      EXPECT_DOUBLE_EQ(split.wasted_tokens, split.wasted_token_fraction.value * 5e10);
    }
  }
}

TEST(SplitCostTest, WasteStaysBelowOneAtAbsurdSplits) {
  const Case at(FittedQatLaw(OwnTruth("falls")), 4);
  for (const double fraction : {1e-9, 1 - 1e-9}) {
    const double waste = at.Compare(fraction).wasted_token_fraction.value;
    EXPECT_GT(waste, 0.9);
    EXPECT_LT(waste, 1);
  }
}

TEST(SplitCostTest, StaysInRangeForAnyLawAndSplit) {
  test_support::NormalStream random(3);
  for (int i = 0; i < 300; ++i) {
    auto c = OwnTruth("grows");
    c.phi *= std::exp(3 * random.Normal());
    c.lambda *= std::exp(3 * random.Normal());
    c.omega = 0.05 + 1.5 * random.Uniform();
    c.xi = 0.05 + 1.5 * random.Uniform();
    c.rho = random.Uniform();
    const Case at(WithCovariance(FittedQatLaw(c), 0.05), 2, 0.5 + random.Uniform());
    const SplitCost split = at.Compare(0.001 + 0.998 * random.Uniform());
    EXPECT_GE(split.excess_loss_nats.value, 0);
    for (const Estimate& estimate : {split.wasted_token_fraction, split.excess_loss_nats}) {
      EXPECT_GE(estimate.interval->lower, 0) << "law " << i;
      EXPECT_LE(estimate.interval->lower, estimate.value) << "law " << i;
      EXPECT_GE(estimate.interval->upper, estimate.value) << "law " << i;
    }
    EXPECT_GE(split.wasted_token_fraction.value, 0);
    EXPECT_LT(split.wasted_token_fraction.value, 1);
    EXPECT_LE(split.wasted_token_fraction.interval->upper, 1);
  }
}

TEST(SplitCostTest, TheOptimumItselfWastesNothing) {
  const Case at(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01), 2);
  const SplitCost split = at.Compare(1 / (1 + std::exp(-at.optimum.logit_fraction)));
  EXPECT_NEAR(split.excess_loss_nats.value, 0, 1e-15);
  EXPECT_NEAR(split.wasted_token_fraction.value, 0, 1e-15);
}

TEST(SplitCostTest, AtTheOptimumTheWasteIsStillUncertain) {
  const Case at(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01), 2);
  const SplitCost split = at.Compare(1 / (1 + std::exp(-at.optimum.logit_fraction)));
  EXPECT_EQ(split.wasted_token_fraction.interval->lower, 0);
  EXPECT_GT(split.wasted_token_fraction.interval->upper, 1e-6);
  EXPECT_EQ(split.excess_loss_nats.interval->lower, 0);
  EXPECT_GT(split.excess_loss_nats.interval->upper, 1e-6);
}

TEST(SplitCostTest, WasteBeginsAtZeroWhereTheSplitMayBeTheBest) {
  FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.001);
  const double best = Case(law, 2).optimum.logit_fraction;
  const auto waste_at = [&](double distance) {
    return Case(law, 2).Compare(1 / (1 + std::exp(-best - distance))).wasted_token_fraction;
  };
  EXPECT_GT(waste_at(-0.5).interval->lower, 0);
  law.misfit = {.logit_fraction_stddev = 0.4, .fraction_degrees_of_freedom = 30};
  const double reach = IntervalFactor(0.9, 30) * 0.4;
  EXPECT_EQ(waste_at(-0.9 * reach).interval->lower, 0);
  EXPECT_EQ(waste_at(0.9 * reach).interval->lower, 0);
  EXPECT_GT(waste_at(-1.2 * reach).interval->lower, 0);
}

TEST(SplitCostTest, MisfitOfLossesCountsInExcessAndWaste) {
  FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.001);
  const SplitCost by_law = Case(law, 2).Compare(0.1);
  law.misfit.loss_stddev = 0.01;
  const SplitCost with_misfit = Case(law, 2).Compare(0.1);
  EXPECT_EQ(with_misfit.excess_loss_nats.value, by_law.excess_loss_nats.value);
  const double reach = IntervalFactor(0.9, law.degrees_of_freedom) * std::sqrt(2) * 0.01 *
                       Case(law, 2).optimum.loss_nats();
  EXPECT_NEAR(with_misfit.excess_loss_nats.interval->upper,
              by_law.excess_loss_nats.value + std::hypot(by_law.excess_loss_nats.interval->upper -
                                                             by_law.excess_loss_nats.value,
                                                         reach),
              1e-12);
  EXPECT_EQ(with_misfit.excess_loss_nats.interval->lower, 0);
  EXPECT_EQ(with_misfit.wasted_token_fraction.interval->lower, 0);
  EXPECT_GT(with_misfit.wasted_token_fraction.interval->upper,
            by_law.wasted_token_fraction.interval->upper);
}

TEST(SplitCostTest, ParabolaNearTheOptimumMeetsTheExactPath) {
  // 1e-10 of the loss of 2.4 is reached at about .0003 in the logit; there the
  // third-order term is a share of that order.
  const Case at(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01), 2);
  const double near_distance = std::sqrt(2e-10 * at.optimum.loss_nats() / at.optimum.Curvature());
  const auto waste_at = [&](double distance) {
    return at.Compare(1 / (1 + std::exp(-at.optimum.logit_fraction - distance)))
        .wasted_token_fraction;
  };
  const Estimate inside = waste_at(near_distance * 0.999);
  const Estimate outside = waste_at(near_distance * 1.001);
  EXPECT_NEAR(outside.value / inside.value, 1.004, 1e-3);
  EXPECT_NEAR(outside.interval->upper / inside.interval->upper, 1, 1e-3);
}

// The signed roots against numerical differentiation of the whole answer.
class RootGradientTest : public testing::TestWithParam<double> {};

TEST_P(RootGradientTest, IntervalsFollowTheWholeAnswer) {
  const double fraction = GetParam();
  const FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 1e-3);
  const Case at(law, 1, 1.2);
  const SplitCost split = at.Compare(fraction);
  const double sign = Logit(fraction) > at.optimum.logit_fraction ? 1 : -1;
  const int size = law.law.parameter_count();
  std::vector<double> waste_gradient(size);
  std::vector<double> excess_gradient(size);
  constexpr double kStep = 1e-5;
  for (int i = 0; i < size; ++i) {
    const auto moved = [&](double shift) {
      FittedLaw other = FittedQatLaw(OwnTruth("grows"));
      other.theta[i] += shift;
      return Case(std::move(other), 1, 1.2).Compare(fraction);
    };
    const auto waste_root = [&](const SplitCost& cost) {
      return sign * std::sqrt(-std::log1p(-cost.wasted_token_fraction.value));
    };
    const auto excess_root = [&](const SplitCost& cost) {
      return sign * std::sqrt(cost.excess_loss_nats.value);
    };
    const SplitCost above = moved(kStep);
    const SplitCost below = moved(-kStep);
    waste_gradient[i] = (waste_root(above) - waste_root(below)) / (2 * kStep);
    excess_gradient[i] = (excess_root(above) - excess_root(below)) / (2 * kStep);
  }
  const Uncertainty uncertainty(law, 0.9);
  const Estimate log_waste = uncertainty.Square(
      sign * std::sqrt(-std::log1p(-split.wasted_token_fraction.value)), waste_gradient);
  const Estimate excess =
      uncertainty.Square(sign * std::sqrt(split.excess_loss_nats.value), excess_gradient);
  // Differences of roots of differences of losses: rounding of 1e-15 over a root
  // of .05 and a step of 1e-5.
  EXPECT_NEAR(
      split.wasted_token_fraction.interval->upper, -std::expm1(-log_waste.interval->upper), 1e-7);
  EXPECT_NEAR(
      split.wasted_token_fraction.interval->lower, -std::expm1(-log_waste.interval->lower), 1e-7);
  EXPECT_NEAR(split.excess_loss_nats.interval->upper, excess.interval->upper, 1e-8);
  EXPECT_NEAR(split.excess_loss_nats.interval->lower, excess.interval->lower, 1e-8);
}

INSTANTIATE_TEST_SUITE_P(Fractions, RootGradientTest, testing::Values(0.05, 0.1, 0.7));

}  // namespace
}  // namespace bitbudget::planner
