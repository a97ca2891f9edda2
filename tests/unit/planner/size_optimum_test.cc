#include "planner/size_optimum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

const double kSmall = std::log(1e7);
const double kLarge = std::log(1e11);

TrainingBudget Tokens(double tokens, double cost = 1) {
  return {.tokens = tokens, .qat_token_cost = cost};
}
TrainingBudget Flops(double flops, double cost = 1) {
  return {.flops = flops, .qat_token_cost = cost};
}

class SizeSearchTest : public testing::TestWithParam<const char*> {
 protected:
  const FittedLaw law_ = FittedQatLaw(OwnTruth(GetParam()));
};

TEST_P(SizeSearchTest, SlopesAreDerivatives) {
  constexpr double kStep = 1e-4;
  for (const double bits : {1.0, 2.0, 4.0, 6.0}) {
    const SizeSearch search(law_, bits);
    for (const TrainingBudget& budget : {Tokens(3e10), Flops(1e21), Flops(1e20, 1.4)}) {
      const SizedSplit at = *search.At(kSmall + 3, budget);
      const SizedSplit above = *search.At(kSmall + 3 + kStep, budget);
      const SizedSplit below = *search.At(kSmall + 3 - kStep, budget);
      // Central differences err by the step squared; the losses by 1e-15.
      EXPECT_NEAR(at.slope, (above.loss_nats() - below.loss_nats()) / (2 * kStep), 1e-8);
      EXPECT_NEAR(at.curvature, (above.slope - below.slope) / (2 * kStep), 1e-7);
    }
  }
}

TEST_P(SizeSearchTest, NoSizeIsBetterThanTheBest) {
  for (const double bits : {1.0, 2.0, 4.0, 6.0}) {
    const SizeSearch search(law_, bits);
    for (const TrainingBudget& budget : {Tokens(3e10), Flops(1e21), Flops(1e20, 1.4)}) {
      const SizedSplit best = *search.Best(kSmall, kLarge, budget);
      for (double u = kSmall; u < kLarge; u += 0.05) {
        EXPECT_GE(search.At(u, budget)->loss_nats(), best.loss_nats() - 1e-14);
      }
    }
  }
}

TEST_P(SizeSearchTest, SmallestSizeReachesTheLossExactly) {
  const SizeSearch search(law_, 4);
  const SizedSplit best = *search.Best(kSmall, kLarge, Flops(1e21));
  const double loss_nats = 1.02 * best.loss_nats();
  const SizedSplit smallest = search.Smallest(kSmall, best, Flops(1e21), loss_nats);
  EXPECT_NEAR(smallest.loss_nats(), loss_nats, 1e-12);
  EXPECT_LT(smallest.log_parameters, best.log_parameters);
}

TEST_P(SizeSearchTest, LeastComputeInvertsTheBestLoss) {
  for (const double bits : {1.0, 2.0, 4.0, 6.0}) {
    const SizeSearch search(law_, bits);
    for (const double flops : {1e19, 1e21, 1e23}) {
      for (const double upper : {kSmall + 2, kLarge}) {
        const SizedSplit best = *search.Best(kSmall, upper, Flops(flops, 1.2));
        const auto least = search.LeastCompute(kSmall, upper, 1.2, best.loss_nats());
        ASSERT_TRUE(least && least->reaches);
        EXPECT_NEAR(*least->budget.flops / flops, 1, 1e-6);
        EXPECT_NEAR(least->best.log_parameters, best.log_parameters, 1e-5);
      }
    }
  }
}

TEST_P(SizeSearchTest, LossBelowTheFloorHasNoBudget) {
  const auto least = SizeSearch(law_, 2).LeastCompute(kSmall, kLarge, 1, 0.5);
  ASSERT_TRUE(least);
  EXPECT_FALSE(least->reaches);
  EXPECT_GT(least->best.loss_nats(), 0.5);
}

INSTANTIATE_TEST_SUITE_P(Truths, SizeSearchTest, testing::Values("grows", "falls", "faint"));

// A law whose best split runs away to 1 - 1e-13 long before 1e40 FLOPs.
TEST(SizeSearchEdgeTest, BudgetsWithoutABestSplitHideNoSmallerOnes) {
  auto truth = OwnTruth("grows");
  truth.omega = 0.05;
  truth.xi = 4;
  const FittedLaw law = FittedQatLaw(truth);
  const SizeSearch search(law, 4);
  const double medium = std::log(1e9);
  ASSERT_FALSE(search.Best(kSmall, medium, Flops(1e40)));
  const SizedSplit best = *search.Best(kSmall, medium, Flops(1e21));
  const auto least = search.LeastCompute(kSmall, medium, 1, best.loss_nats());
  ASSERT_TRUE(least && least->reaches);
  EXPECT_NEAR(*least->budget.flops / 1e21, 1, 1e-6);
  EXPECT_FALSE(search.LeastCompute(kSmall, medium, 1, 0.5)->reaches);
}

// Without quantization errors that depend on the split the best size is that of
// the Chinchilla law in closed form: N^eta (C/6N)^-gamma balance.
TEST(SizeSearchClosedFormTest, ChinchillaLimit) {
  auto truth = OwnTruth("grows");
  truth.phi = truth.lambda = 1e-12;
  const FittedLaw law = FittedQatLaw(truth);
  constexpr double kFlops = 1e21;
  const SizedSplit best = *SizeSearch(law, 4).Best(kSmall, kLarge, Flops(kFlops));
  // d/dN of beta (C / 6 N / 1e10)^-gamma + zeta (N / 1e9)^-eta is 0.
  const double log_n = (std::log(truth.eta * truth.zeta / (truth.gamma * truth.beta)) +
                        truth.eta * std::log(1e9) + truth.gamma * std::log(kFlops / 6e10)) /
                       (truth.gamma + truth.eta);
  // The split terms shift it by their share of the loss.
  EXPECT_NEAR(best.log_parameters, log_n, 1e-9);
}

}  // namespace
}  // namespace bitbudget::planner
