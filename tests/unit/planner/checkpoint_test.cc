#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

constexpr double kFpTokens = 4e10;

FittedLaw Grows() { return FittedQatLaw(OwnTruth("grows")); }
FittedLaw UncertainGrows() { return WithCovariance(Grows(), 0.01); }

FractionQuestion Checkpoint() {
  return {.parameters = 396e6, .weight_bits = 2, .fixed_fp_tokens = kFpTokens};
}

FractionQuestion WithBudget(double tokens, double cost = 1) {
  FractionQuestion question = Checkpoint();
  question.budget_tokens = tokens;
  question.qat_token_cost = cost;
  return question;
}

FractionQuestion WithTarget(double loss_nats) {
  FractionQuestion question = Checkpoint();
  question.target_loss_nats = loss_nats;
  return question;
}

Estimate LossAfter(const FittedLaw& law, double qat_tokens) {
  return PredictLoss(law, {396e6, kFpTokens, qat_tokens, 2}, 0.9)->loss_nats;
}

TEST(CheckpointTest, TheBudgetPaysForWhatIsLeft) {
  const FractionAnswer answer = *OptimizeQatFraction(UncertainGrows(), WithBudget(5.5e10, 1.5));
  EXPECT_DOUBLE_EQ(answer.checkpoint->qat_tokens.value(), 1e10);
  EXPECT_EQ(answer.fp_tokens, kFpTokens);
  EXPECT_DOUBLE_EQ(answer.qat_tokens, 1e10);
  EXPECT_DOUBLE_EQ(answer.qat_fraction.value, 0.2);
  EXPECT_FALSE(answer.qat_fraction.interval);
}

TEST(CheckpointTest, LossIsThatOfTheRun) {
  const FractionAnswer answer = *OptimizeQatFraction(UncertainGrows(), WithBudget(5e10));
  const Estimate expected = LossAfter(UncertainGrows(), 1e10);
  EXPECT_NEAR(answer.checkpoint->loss_nats->value, expected.value, 1e-13);
  EXPECT_NEAR(answer.checkpoint->loss_nats->interval->lower, expected.interval->lower, 1e-12);
  EXPECT_EQ(answer.loss_nats.value, answer.checkpoint->loss_nats->value);
}

TEST(CheckpointTest, NoSplitIsOptimizedOrCompared) {
  const FractionAnswer answer = *OptimizeQatFraction(Grows(), WithBudget(5e10));
  EXPECT_FALSE(answer.flat_range);
  EXPECT_FALSE(answer.caller_split);
}

TEST(CheckpointTest, LossPerFurtherTokenIsTheDerivative) {
  const FractionAnswer answer = *OptimizeQatFraction(Grows(), WithBudget(5e10));
  constexpr double kStep = 1e5;  // 1e-5 of the QAT tokens
  const double difference =
      LossAfter(Grows(), 1e10 + kStep).value - LossAfter(Grows(), 1e10 - kStep).value;
  // Losses of 2.5 to 1e-15 over 2e5 tokens.
  EXPECT_NEAR(*answer.checkpoint->loss_change_per_qat_token_nats, difference / (2 * kStep), 1e-20);
  EXPECT_LT(*answer.checkpoint->loss_change_per_qat_token_nats, 0);
}

TEST(CheckpointTest, BalancedTokensMakeItsSplitTheBestOne) {
  for (const double cost : {0.6, 1.0, 1.5}) {
    const double qat_tokens = OptimizeQatFraction(Grows(), WithBudget(9e10, cost))
                                  ->checkpoint->balanced_qat_tokens.value();
    FractionQuestion whole{.parameters = 396e6,
                           .weight_bits = 2,
                           .budget_tokens = kFpTokens + cost * qat_tokens,
                           .qat_token_cost = cost};
    // A ratio of tokens to 1e-12.
    EXPECT_NEAR(OptimizeQatFraction(Grows(), whole)->fp_tokens / kFpTokens, 1, 1e-11) << cost;
  }
}

TEST(CheckpointTest, NoBalanceIfQatAlwaysPaysMore) {
  const FittedLaw law = WithTheta(Grows(), "lambda", -90);
  EXPECT_FALSE(OptimizeQatFraction(law, WithBudget(5e10))->checkpoint->balanced_qat_tokens);
}

TEST(CheckpointTest, FloorIsTheLossOfEndlessQat) {
  const FractionAnswer answer = *OptimizeQatFraction(Grows(), WithBudget(5e10));
  // With rho = .02 the interaction goes down very slowly.
  const double endless =
      std::exp(fitter::LogLoss(Grows().law, Grows().theta, {396e6, kFpTokens, 1e300, 2}));
  EXPECT_LT(answer.checkpoint->loss_floor_nats, endless);
  EXPECT_LT(answer.checkpoint->loss_floor_nats, answer.loss_nats.value);
}

TEST(CheckpointTest, InteractionWithoutRhoStaysInTheFloor) {
  const FittedLaw law = WithTheta(Grows(), "rho", 0);
  const FractionAnswer answer = *OptimizeQatFraction(law, WithBudget(5e10));
  // What is left at 1e60 tokens of terms with exponents of .3 and more: 1e-15.
  const double endless = std::exp(fitter::LogLoss(law.law, law.theta, {396e6, kFpTokens, 1e60, 2}));
  EXPECT_NEAR(answer.checkpoint->loss_floor_nats, endless, 1e-14);
}

TEST(CheckpointTest, TokensToTheTargetReachIt) {
  const FittedLaw law = UncertainGrows();
  for (const double qat_tokens : {1e5, 1e8, 1e10, 1e13, 1e18}) {
    const double target_nats = LossAfter(law, qat_tokens).value;
    const FractionAnswer answer = *OptimizeQatFraction(law, WithTarget(target_nats));
    const Estimate& tokens = *answer.checkpoint->target_qat_tokens;
    EXPECT_NEAR(LossAfter(law, tokens.value).value, target_nats, 1e-13);
    // The loss is known to 1e-15; at 1e18 tokens its elasticity is 1e-4.
    EXPECT_NEAR(tokens.value / qat_tokens, 1, 1e-9);
    EXPECT_LT(tokens.interval->lower, tokens.value);
    EXPECT_GT(tokens.interval->lower, 0);
    EXPECT_GT(tokens.interval->upper, tokens.value);
  }
}

TEST(CheckpointTest, IntervalOfTheTargetFollowsTheWholeAnswer) {
  const FittedLaw law = WithCovariance(Grows(), 1e-3);
  const double target_nats = LossAfter(law, 1e10).value;
  const int size = law.law.parameter_count();
  std::vector<double> gradient(size);
  for (int i = 0; i < size; ++i) {
    const auto at = [&](double shift) {
      FittedLaw moved = law;
      moved.theta[i] += shift;
      return std::log(OptimizeQatFraction(moved, WithTarget(target_nats))
                          ->checkpoint->target_qat_tokens->value);
    };
    gradient[i] = (at(1e-6) - at(-1e-6)) / 2e-6;
  }
  double variance = 0;
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      variance += gradient[i] * law.covariance[i * size + j] * gradient[j];
    }
  }
  const Estimate tokens =
      *OptimizeQatFraction(law, WithTarget(target_nats))->checkpoint->target_qat_tokens;
  // Gradients of order 30, differences good to 1e-7 of them.
  EXPECT_NEAR(std::log(tokens.interval->upper / tokens.value),
              IntervalFactor(0.9, law.degrees_of_freedom) * std::sqrt(variance),
              1e-6);
}

TEST(CheckpointTest, TargetWithoutABudgetLeavesTheRestUnset) {
  const FractionAnswer answer =
      *OptimizeQatFraction(Grows(), WithTarget(LossAfter(Grows(), 1e10).value));
  EXPECT_FALSE(answer.checkpoint->qat_tokens);
  EXPECT_FALSE(answer.checkpoint->loss_nats);
  EXPECT_FALSE(answer.checkpoint->loss_change_per_qat_token_nats);
  EXPECT_EQ(answer.qat_fraction.value, 0);
  EXPECT_TRUE(answer.checkpoint->balanced_qat_tokens);
}

TEST(CheckpointTest, TargetBelowTheFloorIsOutOfRange) {
  EXPECT_THAT(OptimizeQatFraction(Grows(), WithTarget(1)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "target_loss_nats"));
}

TEST(CheckpointTest, TargetAtTheFloorIsOutOfRange) {
  const double floor_nats =
      OptimizeQatFraction(Grows(), WithBudget(5e10))->checkpoint->loss_floor_nats;
  EXPECT_THAT(OptimizeQatFraction(Grows(), WithTarget(floor_nats)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "target_loss_nats"));
}

TEST(CheckpointTest, TargetThatNoNumberOfTokensReachesIsOutOfRange) {
  // A floor that is approached with the power .02 only.
  const double floor_nats =
      OptimizeQatFraction(Grows(), WithBudget(5e10))->checkpoint->loss_floor_nats;
  EXPECT_THAT(OptimizeQatFraction(Grows(), WithTarget(floor_nats * (1 + 1e-12))).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "target_loss_nats"));
}

TEST(CheckpointTest, BudgetThatLeavesNothingIsOutOfRange) {
  EXPECT_THAT(OptimizeQatFraction(Grows(), WithBudget(kFpTokens)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "fixed_fp_tokens"));
}

TEST(CheckpointTest, LessThanOneTokenIsOutOfRange) {
  FractionQuestion question = WithBudget(kFpTokens + 1);
  question.qat_token_cost = 2;
  EXPECT_THAT(OptimizeQatFraction(Grows(), question).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "fixed_fp_tokens"));
  EXPECT_THAT(OptimizeQatFraction(Grows(), WithTarget(1e4)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "target_loss_nats"));
}

TEST(CheckpointTest, SizeThatTheDataDoNotKnowIsRefused) {
  FittedLaw law = Grows();
  law.support.parameters = {1e8, 1e8};
  law.support.parameters_level_count = 1;
  EXPECT_THAT(MissingAxes(OptimizeQatFraction(law, WithBudget(5e10)).status()),
              testing::ElementsAre("parameters 1 of 2"));
}

TEST(CheckpointTest, SaysWhereTheRunLiesOutsideTheData) {
  EXPECT_THAT(OptimizeQatFraction(Grows(), WithBudget(4.01e10))->outside,
              testing::Contains(testing::Field(&OutsideAxis::axis, "qat_fraction")));
}

}  // namespace
}  // namespace bitbudget::planner
