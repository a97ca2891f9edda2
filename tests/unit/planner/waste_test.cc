#include "planner/waste.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planner/qat_fraction.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

FittedLaw Law() { return WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01); }

WasteQuestion Question(std::vector<double> tokens) {
  WasteQuestion question{.parameters = 396e6, .weight_bits = 2};
  for (const double budget : tokens) question.budgets.push_back({.tokens = budget});
  return question;
}

TEST(EstimateWasteTest, IsThatOfTheFractionQuestion) {
  const WasteAnswer answer = *EstimateWaste(Law(), Question({1e10, 5e10, 1e12}));
  ASSERT_EQ(answer.budgets.size(), 3);
  for (const Waste& waste : answer.budgets) {
    const FractionAnswer fraction = *OptimizeQatFraction(
        Law(), {.parameters = 396e6, .weight_bits = 2, .budget_tokens = waste.budget_tokens});
    const Estimate& expected = fraction.caller_split->wasted_token_fraction;
    EXPECT_NEAR(waste.split.wasted_token_fraction.value, expected.value, 1e-12);
    EXPECT_NEAR(waste.split.wasted_token_fraction.interval->upper, expected.interval->upper, 1e-12);
    EXPECT_NEAR(waste.best_qat_fraction, fraction.qat_fraction.value, 1e-12);
    EXPECT_NEAR(waste.wasted_tokens.value, expected.value * waste.budget_tokens, 1);
    EXPECT_NEAR(waste.wasted_flops.value / (6 * 396e6 * waste.wasted_tokens.value), 1, 1e-12);
    EXPECT_FALSE(waste.wasted_device_hours);
    EXPECT_FALSE(waste.wasted_money);
  }
}

TEST(EstimateWasteTest, DeviceHoursAndMoneyFollowTheFlops) {
  WasteQuestion question = Question({5e10});
  question.hardware = {.peak_flops = 1e15, .utilization = 0.5, .price_per_device_hour = 3};
  const WasteAnswer answer = *EstimateWaste(Law(), question);
  const Waste& waste = answer.budgets[0];
  EXPECT_NEAR(waste.wasted_device_hours->value / (waste.wasted_flops.value / 1.8e18), 1, 1e-12);
  EXPECT_NEAR(waste.wasted_money->value / (3 * waste.wasted_device_hours->value), 1, 1e-12);
  EXPECT_NEAR(waste.wasted_money->interval->lower /
                  (waste.wasted_money->value * waste.split.wasted_token_fraction.interval->lower /
                   waste.split.wasted_token_fraction.value),
              1,
              1e-12);
}

TEST(EstimateWasteTest, BestSplitWastesNothing) {
  WasteQuestion question = Question({5e10});
  question.qat_fraction =
      OptimizeQatFraction(Law(), {.parameters = 396e6, .weight_bits = 2, .budget_tokens = 5e10})
          ->qat_fraction.value;
  EXPECT_NEAR(EstimateWaste(Law(), question)->budgets[0].wasted_flops.value, 0, 1);
}

TEST(EstimateWasteTest, RunsOutsideTheDataAreFlagged) {
  const WasteAnswer answer = *EstimateWaste(Law(), Question({5e10, 1e14}));
  EXPECT_TRUE(answer.budgets[0].outside.empty());
  EXPECT_FALSE(answer.budgets[1].outside.empty());
  EXPECT_FALSE(answer.outside.empty());
}

TEST(EstimateWasteTest, BudgetThatBuysNothingIsRefused) {
  EXPECT_THAT(EstimateWaste(Law(), Question({1.5})).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
}

TEST(EstimateWasteTest, SplitWithLessThanATokenOfQatIsRefused) {
  EXPECT_THAT(EstimateWaste(Law(), Question({9})).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
}

TEST(EstimateWasteTest, WidthBetweenMeasuredOnesComesWithAWarning) {
  WasteQuestion question = Question({5e10});
  question.weight_bits = 3;
  EXPECT_EQ(EstimateWaste(Law(), question)->warnings.size(), 1);
  EXPECT_TRUE(EstimateWaste(Law(), Question({5e10}))->warnings.empty());
}

TEST(EstimateWasteTest, CancelledQuestionStops) {
  WasteQuestion question = Question({1e10, 2e10, 3e10});
  int polls = 0;
  question.cancelled = [&] { return ++polls > 1; };
  EXPECT_EQ(EstimateWaste(Law(), question).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(polls, 2);
}

}  // namespace
}  // namespace bitbudget::planner
