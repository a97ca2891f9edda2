#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "planner/qat_fraction.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

// arXiv 2509.22935.
const fitter::FractionLaw kPublished{.a = 6.7297, .a_stderr = 0.3, .optimum_count = 20};

// 1e9 parameters at 8 bits are 1e9 bytes: S tokens a byte.
FractionQuestion AtTokensPerByte(double s, double cost = 1) {
  return {.parameters = 1e9, .weight_bits = 8, .budget_tokens = s * 1e9, .qat_token_cost = cost};
}

absl::StatusOr<FractionAnswer> Ask(const FractionQuestion& question) {
  return OptimizeQatFraction(kPublished, FittedQatLaw(OwnTruth("grows")).support, question);
}

TEST(FractionLawTest, GivesThePublishedFractions) {
  // exp(-6.7297 / ln S), four decimals and more.
  EXPECT_NEAR(Ask(AtTokensPerByte(100))->qat_fraction.value, 0.231926, 5e-7);
  EXPECT_NEAR(Ask(AtTokensPerByte(1000))->qat_fraction.value, 0.3775, 5e-5);
  EXPECT_NEAR(Ask(AtTokensPerByte(1e4))->qat_fraction.value, 0.4816, 5e-5);
}

TEST(FractionLawTest, TokensFollowTheFraction) {
  const FractionAnswer answer = *Ask(AtTokensPerByte(100));
  EXPECT_DOUBLE_EQ(answer.fp_tokens + answer.qat_tokens, 1e11);
  EXPECT_DOUBLE_EQ(answer.qat_tokens, answer.qat_fraction.value * 1e11);
  EXPECT_DOUBLE_EQ(answer.tokens_per_parameter_byte, 100);
}

TEST(FractionLawTest, CostChangesTheTokensThatTheBudgetBuys) {
  for (const double cost : {0.1, 0.5, 1.5, 10.0}) {
    const FractionAnswer answer = *Ask(AtTokensPerByte(100, cost));
    EXPECT_NEAR(answer.fp_tokens + cost * answer.qat_tokens, 1e11, 1e-3);
    EXPECT_NEAR(answer.qat_fraction.value,
                std::exp(-6.7297 / std::log(answer.tokens_per_parameter_byte)),
                1e-12);
  }
}

TEST(FractionLawTest, IntervalIsSymmetricInTheLogarithmOfTheCoefficient) {
  FractionQuestion question = AtTokensPerByte(100);
  const Interval interval = Ask(question)->qat_fraction.interval.value();
  const double shift = IntervalFactor(0.9, 19) * 0.3 / 6.7297;
  EXPECT_NEAR(std::log(-std::log(interval.lower) * std::log(100) / 6.7297), shift, 1e-12);
  EXPECT_NEAR(std::log(-std::log(interval.upper) * std::log(100) / 6.7297), -shift, 1e-12);
  question.with_intervals = false;
  EXPECT_FALSE(Ask(question)->qat_fraction.interval);
}

TEST(FractionLawTest, IntervalTakesInTheScatterOfSingleOptima) {
  fitter::FractionLaw law = kPublished;
  law.log_a_scatter = 0.1;
  const FractionAnswer answer =
      *OptimizeQatFraction(law, FittedQatLaw(OwnTruth("grows")).support, AtTokensPerByte(100));
  const double shift = IntervalFactor(0.9, 19) * std::hypot(0.3 / 6.7297, 0.1);
  EXPECT_NEAR(std::log(-std::log(answer.qat_fraction.interval->lower) * std::log(100) / 6.7297),
              shift,
              1e-12);
}

// Off an axis with one level the answer would rest on the law's form alone.
TEST(FractionLawTest, OtherWidthOrSizeThanTheOnlyOneMeasuredIsRefused) {
  fitter::DataSupport support = FittedQatLaw(OwnTruth("grows")).support;
  support.weight_bits = {2};
  const auto missing = [&] {
    return MissingAxes(OptimizeQatFraction(kPublished, support, AtTokensPerByte(100)).status());
  };
  EXPECT_THAT(missing(), testing::ElementsAre("weight_bits 1 of 2"));
  support.weight_bits = {8};
  EXPECT_THAT(missing(), testing::IsEmpty());
  support.parameters_level_count = 1;
  support.parameters = {1e8, 1e8};
  EXPECT_THAT(missing(), testing::ElementsAre("parameters 1 of 2"));
}

TEST(FractionLawTest, SaysWhereTheRunsOnlyBoundTheOptimum) {
  fitter::FractionLaw law = kPublished;
  law.bound_count = 5;
  const auto answer =
      OptimizeQatFraction(law, FittedQatLaw(OwnTruth("grows")).support, AtTokensPerByte(100));
  EXPECT_THAT(answer->warnings, testing::ElementsAre(testing::HasSubstr("in 5 of 25 cases")));
}

TEST(FractionLawTest, KnowsNoLosses) {
  const FractionAnswer answer = *Ask(AtTokensPerByte(100));
  EXPECT_FALSE(answer.flat_range);
  EXPECT_FALSE(answer.caller_split);
  EXPECT_EQ(answer.loss_nats.value, 0);
}

TEST(FractionLawTest, OneTokenPerByteIsOutOfRange) {
  EXPECT_THAT(Ask(AtTokensPerByte(1)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
  EXPECT_THAT(Ask(AtTokensPerByte(0.5)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
}

TEST(FractionLawTest, JustAboveOneTokenPerByteTheFractionVanishes) {
  EXPECT_NEAR(Ask(AtTokensPerByte(1.01))->qat_fraction.value, 0, 1e-12);
}

TEST(FractionLawTest, CheckpointsAreRefused) {
  FractionQuestion question = AtTokensPerByte(100);
  question.fixed_fp_tokens = 1e10;
  EXPECT_THAT(Ask(question).status(), CannotAnswer("no losses"));
}

TEST(FractionLawTest, SaysWhereTheQuestionLiesOutsideTheData) {
  EXPECT_THAT(Ask(AtTokensPerByte(1e5))->outside,
              testing::Contains(testing::Field(&OutsideAxis::axis, "total_tokens")));
}

}  // namespace
}  // namespace bitbudget::planner
