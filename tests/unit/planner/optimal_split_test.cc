#include "planner/optimal_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>

#include "tests/support/simulated_study.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using test_support::QatLawCoefficients;

constexpr double kParameters = 396e6;
constexpr double kTotalTokens = 5e10;

double Logistic(double logit) { return 1 / (1 + std::exp(-logit)); }

Budget TokenBudget(double tokens, double qat_token_cost = 1) {
  return {std::log(tokens), qat_token_cost};
}

// Loss of a split by the law itself, apart from LossSurface.
double LossOfSplit(
    const FittedLaw& law, double parameters, double weight_bits, Budget budget, double logit) {
  const double ratio = std::exp(logit);
  const double fp_tokens = std::exp(budget.log_tokens) / (1 + budget.qat_token_cost * ratio);
  return std::exp(
      fitter::LogLoss(law.law, law.theta, {parameters, fp_tokens, ratio * fp_tokens, weight_bits}));
}

double OptimalFraction(const FittedLaw& law, double parameters, double tokens, double bits) {
  const LossSurface surface(law, parameters, bits);
  return Logistic(FindOptimalSplit(surface, TokenBudget(tokens)).value().logit_fraction);
}

// Coefficients over a wide region, all exponents positive.
QatLawCoefficients RandomCoefficients(test_support::NormalStream* random) {
  QatLawCoefficients c = OwnTruth("grows");
  c.phi *= std::exp(2 * random->Normal());
  c.lambda *= std::exp(2 * random->Normal());
  c.chi = random->Uniform();
  c.mu = random->Uniform();
  c.psi = 0.3 * random->Uniform();
  c.nu = 0.3 * random->Uniform();
  c.omega = 0.05 + 1.5 * random->Uniform();
  c.xi = 0.05 + 1.5 * random->Uniform();
  c.rho = random->Uniform();
  return c;
}

TEST(OptimalSplitTest, AgreesWithTheBestOfAHundredThousandFractions) {
  constexpr int kFractions = 100'000;
  for (const char* name : {"grows", "falls", "faint"}) {
    const FittedLaw law = FittedQatLaw(OwnTruth(name));
    for (const double bits : {1.0, 4.0}) {
      double best = 0;
      double best_loss = std::numeric_limits<double>::infinity();
      for (int i = 1; i < kFractions; ++i) {
        const double f = static_cast<double>(i) / kFractions;
        const double loss = std::exp(fitter::LogLoss(
            law.law, law.theta, {kParameters, (1 - f) * kTotalTokens, f * kTotalTokens, bits}));
        if (loss < best_loss) {
          best_loss = loss;
          best = f;
        }
      }
      // The grid is that fine.
      EXPECT_NEAR(OptimalFraction(law, kParameters, kTotalTokens, bits), best, 1.0 / kFractions)
          << name << " " << bits;
    }
  }
}

TEST(OptimalSplitTest, AgreesWithTheTruthToRounding) {
  for (const char* name : {"grows", "falls", "faint"}) {
    const QatLawCoefficients truth = OwnTruth(name);
    const FittedLaw law = FittedQatLaw(truth);
    for (const double parameters : {86e6, 2.2e9}) {
      for (const double tokens : {2.3e9, 1.4e12}) {
        for (const double bits : {1.0, 1.58, 4.0, 6.0}) {
          EXPECT_NEAR(OptimalFraction(law, parameters, tokens, bits),
                      test_support::TrueOptimalFraction(truth, parameters, tokens, bits),
                      1e-10);
        }
      }
    }
  }
}

// P and Q of the loss P f^-omega + Q (1-f)^-xi f^-rho.
struct TwoTerms {
  double qat;
  double interaction;
};

TwoTerms ScalesOf(const QatLawCoefficients& c, double parameters, double tokens, double bits) {
  const double n = parameters / 1e9;
  const double s = tokens / (parameters * bits / 8) / 100;
  return {c.phi * std::exp2(-c.chi * bits) * std::pow(n, -c.psi) * std::pow(s, -c.omega),
          c.lambda * std::exp2(-c.mu * bits) * std::pow(n, -c.nu) * std::pow(s, -c.xi - c.rho)};
}

TEST(OptimalSplitTest, ClosedFormForEqualExponentsWithoutRho) {
  // omega P f^-(1+x) = x Q (1-f)^-(1+x): f / (1-f) = (P / Q)^(1 / (1+x)).
  QatLawCoefficients c = OwnTruth("grows");
  c.omega = c.xi = 0.7;
  c.rho = 0;
  const auto [p, q] = ScalesOf(c, kParameters, kTotalTokens, 2);
  const double ratio = std::pow(p / q, 1 / 1.7);
  EXPECT_NEAR(
      OptimalFraction(FittedQatLaw(c), kParameters, kTotalTokens, 2), ratio / (1 + ratio), 1e-13);
}

TEST(OptimalSplitTest, ClosedFormForOmegaEqualToRhoAndXiOne) {
  // K (1-f)^2 = (1 + rho) f - rho with K = omega P / Q, a quadratic equation.
  QatLawCoefficients c = OwnTruth("grows");
  c.omega = c.rho = 0.4;
  c.xi = 1;
  const auto [p, q] = ScalesOf(c, kParameters, kTotalTokens, 4);
  const double k = c.omega * p / q;
  const double half = k + (1 + c.rho) / 2;
  const double fraction = (half - std::sqrt(half * half - k * (k + c.rho))) / k;
  EXPECT_NEAR(OptimalFraction(FittedQatLaw(c), kParameters, kTotalTokens, 4), fraction, 1e-13);
}

TEST(OptimalSplitTest, WithoutThePureTermTheExponentsAloneDecide) {
  QatLawCoefficients c = OwnTruth("grows");
  c.phi = 1e-40;
  c.rho = 0.3;
  EXPECT_NEAR(OptimalFraction(FittedQatLaw(c), kParameters, kTotalTokens, 4),
              c.rho / (c.rho + c.xi),
              1e-13);
}

TEST(OptimalSplitTest, LossRisesOnBothSidesAllTheWay) {
  test_support::NormalStream random(1);
  for (int i = 0; i < 200; ++i) {
    const FittedLaw law = FittedQatLaw(RandomCoefficients(&random));
    const Budget budget = TokenBudget(kTotalTokens, i % 2 == 0 ? 1 : 1.5);
    const LossSurface surface(law, kParameters, 2);
    const double optimum = FindOptimalSplit(surface, budget).value().logit_fraction;
    for (const double side : {-1.0, 1.0}) {
      double last = LossOfSplit(law, kParameters, 2, budget, optimum);
      for (double distance = 0.05; distance < 5; distance += 0.05) {
        const double loss = LossOfSplit(law, kParameters, 2, budget, optimum + side * distance);
        ASSERT_GT(loss, last) << "law " << i << " at " << side * distance;
        last = loss;
      }
    }
  }
}

TEST(OptimalSplitTest, GrowsWithTheBudgetIfAndOnlyIfOmegaIsBelowXiPlusRho) {
  test_support::NormalStream random(2);
  int growing_count = 0;
  for (int i = 0; i < 1000; ++i) {
    const QatLawCoefficients c = RandomCoefficients(&random);
    const FittedLaw law = FittedQatLaw(c);
    const LossSurface surface(law, kParameters, 4);
    const auto optimum = FindOptimalSplit(surface, TokenBudget(kTotalTokens));
    if (!optimum) continue;  // beyond 1e-13 of an end
    EXPECT_EQ(optimum->Growth() > 0, c.omega < c.xi + c.rho) << "law " << i;
    growing_count += optimum->Growth() > 0 ? 1 : 0;
  }
  EXPECT_GT(growing_count, 500);
  EXPECT_LT(growing_count, 950);
}

TEST(OptimalSplitTest, WithoutPsiAndNuOnlyTokensPerByteMatter) {
  QatLawCoefficients c = OwnTruth("grows");
  c.psi = c.nu = 0;
  const FittedLaw law = FittedQatLaw(c);
  EXPECT_NEAR(OptimalFraction(law, 1e8, 1e10, 4), OptimalFraction(law, 3e9, 3e11, 4), 1e-13);
}

TEST(OptimalSplitTest, CostlyQatTokensAreUsedLess) {
  const FittedLaw law = FittedQatLaw(OwnTruth("grows"));
  const LossSurface surface(law, kParameters, 2);
  double last = 1;
  for (const double cost : {0.1, 0.5, 1.0, 1.4, 5.0, 10.0}) {
    const double fraction =
        Logistic(FindOptimalSplit(surface, TokenBudget(kTotalTokens, cost)).value().logit_fraction);
    EXPECT_LT(fraction, last);
    last = fraction;
  }
}

TEST(OptimalSplitTest, AgreesWithAMinimizerOfTheLossAtAnyCost) {
  for (const char* name : {"grows", "falls"}) {
    const FittedLaw law = FittedQatLaw(OwnTruth(name));
    for (const double cost : {0.1, 0.7, 1.0, 1.35, 10.0}) {
      const Budget budget = TokenBudget(kTotalTokens, cost);
      const auto [logit, loss] = boost::math::tools::brent_find_minima(
          [&](double y) { return LossOfSplit(law, kParameters, 4, budget, y); }, -8.0, 8.0, 60);
      const OptimalSplit optimum =
          FindOptimalSplit(LossSurface(law, kParameters, 4), budget).value();
      // A minimizer sees losses to 2e-16 of 2.4; with a curvature of .01 that is
      // 3e-7 in the logit.
      EXPECT_NEAR(optimum.logit_fraction, logit, 1e-6) << name << " " << cost;
      EXPECT_NEAR(optimum.loss_nats(), loss, 1e-14);
    }
  }
}

TEST(OptimalSplitTest, TokensExhaustTheBudget) {
  const LogTokens tokens = TokensAt(TokenBudget(1e10, 1.5), std::log(0.25 / 0.75));
  EXPECT_NEAR(std::exp(tokens.fp) + 1.5 * std::exp(tokens.qat), 1e10, 1e-3);
  EXPECT_NEAR(std::exp(tokens.qat - tokens.total), 0.25, 1e-14);
  EXPECT_NEAR(std::exp(tokens.total), std::exp(tokens.fp) + std::exp(tokens.qat), 1e-3);
}

TEST(OptimalSplitTest, NoneIfNothingRestrainsTheFraction) {
  QatLawCoefficients c = OwnTruth("grows");
  c.xi = 0;
  const FittedLaw law = FittedQatLaw(c);
  EXPECT_FALSE(FindOptimalSplit(LossSurface(law, kParameters, 4), TokenBudget(kTotalTokens)));
}

TEST(OptimalSplitTest, NoneIfNothingAsksForQat) {
  QatLawCoefficients c = OwnTruth("grows");
  c.omega = c.rho = 0;
  const FittedLaw law = FittedQatLaw(c);
  EXPECT_FALSE(FindOptimalSplit(LossSurface(law, kParameters, 4), TokenBudget(kTotalTokens)));
}

TEST(OptimalSplitTest, NoneAtAnEndThatOnlyCostRestrains) {
  // Costly QAT tokens, but the loss falls up to f = 1.
  QatLawCoefficients c = OwnTruth("grows");
  c.xi = 0;
  c.omega = 1.5;
  c.phi = 10;
  const FittedLaw law = FittedQatLaw(c);
  EXPECT_FALSE(FindOptimalSplit(LossSurface(law, kParameters, 1), TokenBudget(kTotalTokens, 1.1)));
}

TEST(OptimalSplitTest, CostAloneCanRestrainTheFraction) {
  QatLawCoefficients c = OwnTruth("grows");
  c.xi = 0;
  const FittedLaw law = FittedQatLaw(c);
  const Budget budget = TokenBudget(kTotalTokens, 10);
  const OptimalSplit optimum = FindOptimalSplit(LossSurface(law, kParameters, 6), budget).value();
  const double y = optimum.logit_fraction;
  EXPECT_LT(optimum.loss_nats(), LossOfSplit(law, kParameters, 6, budget, y - 0.01));
  EXPECT_LT(optimum.loss_nats(), LossOfSplit(law, kParameters, 6, budget, y + 0.01));
}

class DerivativeTest : public testing::TestWithParam<double> {
 protected:
  const FittedLaw law_ = FittedQatLaw(OwnTruth("grows"));
  const LossSurface surface_{law_, kParameters, 2};
  const Budget budget_ = TokenBudget(kTotalTokens, GetParam());
  const OptimalSplit optimum_ = FindOptimalSplit(surface_, budget_).value();

  OptimalSplit AtLogBudget(double shift) const {
    return FindOptimalSplit(surface_, {budget_.log_tokens + shift, GetParam()}).value();
  }
};

// Central differences with step h have an error of h^2 times a third derivative
// of order 1, and rounding of 1e-16 / h of a result known to 1e-15 or so.
constexpr double kStep = 1e-5;
constexpr double kDifferenceTolerance = 1e-8;

TEST_P(DerivativeTest, GradientOfTheOptimum) {
  const std::vector<double> gradient = LogitFractionGradient(surface_, budget_, optimum_);
  for (int i = 0; i < law_.law.parameter_count(); ++i) {
    const auto at = [&](double shift) {
      FittedLaw moved = law_;
      moved.theta[i] += shift;
      const LossSurface surface(moved, kParameters, 2);
      return FindOptimalSplit(surface, budget_).value().logit_fraction;
    };
    EXPECT_NEAR(gradient[i], (at(kStep) - at(-kStep)) / (2 * kStep), kDifferenceTolerance)
        << law_.law.parameters[i].name;
  }
}

TEST_P(DerivativeTest, Growth) {
  const double difference = AtLogBudget(kStep).logit_fraction - AtLogBudget(-kStep).logit_fraction;
  EXPECT_NEAR(optimum_.Growth(), difference / (2 * kStep), kDifferenceTolerance);
}

TEST_P(DerivativeTest, LossElasticity) {
  const double difference =
      std::log(AtLogBudget(kStep).loss_nats() / AtLogBudget(-kStep).loss_nats());
  EXPECT_NEAR(optimum_.LossElasticity(), difference / (2 * kStep), kDifferenceTolerance);
}

TEST_P(DerivativeTest, SlopesOfTheBalance) {
  const double y = -0.4;
  const auto at = [&](double shift) { return BalanceAt(surface_, budget_, y + shift); };
  const Balance balance = at(0);
  const Balance above = at(kStep);
  const Balance below = at(-kStep);
  EXPECT_NEAR(balance.up_slope, (above.up - below.up) / (2 * kStep), kDifferenceTolerance);
  EXPECT_NEAR(balance.down_slope, (above.down - below.down) / (2 * kStep), kDifferenceTolerance);
  const double loss_slope = (LossOfSplit(law_, kParameters, 2, budget_, y + kStep) -
                             LossOfSplit(law_, kParameters, 2, budget_, y - kStep)) /
                            (2 * kStep);
  EXPECT_NEAR(balance.up - balance.down, loss_slope, kDifferenceTolerance);
}

TEST_P(DerivativeTest, SlopeInLogQatTokens) {
  const auto loss_at = [&](double shift) {
    return surface_.LossNats(LogTokens::Of(1e10, 2e9 * std::exp(shift)));
  };
  EXPECT_NEAR(surface_.SlopeInLogQatTokens(LogTokens::Of(1e10, 2e9)),
              (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep),
              kDifferenceTolerance);
}

INSTANTIATE_TEST_SUITE_P(Costs, DerivativeTest, testing::Values(0.5, 1.0, 1.3));

TEST(FlatRangeTest, LossAtBothEndsIsTheToleranceAboveTheOptimum) {
  for (const double cost : {1.0, 1.3}) {
    const FittedLaw law = FittedQatLaw(OwnTruth("grows"));
    const LossSurface surface(law, kParameters, 4);
    const Budget budget = TokenBudget(kTotalTokens, cost);
    const OptimalSplit optimum = FindOptimalSplit(surface, budget).value();
    for (const double tolerance : {1e-5, 2e-3, 0.1}) {
      const Interval range = FlatRange(surface, budget, optimum, tolerance);
      for (const double f : {range.lower, range.upper}) {
        EXPECT_NEAR(LossOfSplit(law, kParameters, 4, budget, std::log(f / (1 - f))),
                    optimum.loss_nats() + tolerance,
                    1e-12);
      }
      EXPECT_LT(range.lower, Logistic(optimum.logit_fraction));
      EXPECT_GT(range.upper, Logistic(optimum.logit_fraction));
    }
  }
}

TEST(FlatRangeTest, AnyFractionWillDoIfTheToleranceIsHuge) {
  const FittedLaw law = FittedQatLaw(OwnTruth("grows"));
  const LossSurface surface(law, kParameters, 4);
  const Budget budget = TokenBudget(kTotalTokens);
  const Interval range =
      FlatRange(surface, budget, FindOptimalSplit(surface, budget).value(), 1e20);
  EXPECT_LT(range.lower, 1e-12);
  EXPECT_GT(range.upper, 1 - 1e-12);
}

TEST(EquivalentBudgetTest, ItsOptimumHasTheLossGiven) {
  for (const double cost : {1.0, 1.3}) {
    const FittedLaw law = FittedQatLaw(OwnTruth("grows"));
    const LossSurface surface(law, kParameters, 1);
    const Budget budget = TokenBudget(kTotalTokens, cost);
    const OptimalSplit optimum = FindOptimalSplit(surface, budget).value();
    for (const double excess_nats : {1e-8, 1e-3, 0.1, 5.0}) {
      const auto [smaller, at] =
          FindEquivalentBudget(surface, budget, optimum, optimum.loss_nats() + excess_nats);
      EXPECT_LT(smaller.log_tokens, budget.log_tokens);
      EXPECT_NEAR(FindOptimalSplit(surface, smaller).value().loss_nats(),
                  optimum.loss_nats() + excess_nats,
                  1e-12);
    }
  }
}

TEST(EquivalentBudgetTest, TheBestLossNeedsTheWholeBudget) {
  const FittedLaw law = FittedQatLaw(OwnTruth("grows"));
  const LossSurface surface(law, kParameters, 1);
  const Budget budget = TokenBudget(kTotalTokens);
  const OptimalSplit optimum = FindOptimalSplit(surface, budget).value();
  EXPECT_EQ(FindEquivalentBudget(surface, budget, optimum, optimum.loss_nats()).budget.log_tokens,
            budget.log_tokens);
}

}  // namespace
}  // namespace bitbudget::planner
