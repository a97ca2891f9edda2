#include "planner/qat_fraction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/shared_data.h"
#include "tests/support/simulated_study.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"
#include "util/error.h"

namespace bitbudget::planner {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

FractionQuestion Question(double parameters, double tokens, double bits) {
  return {.parameters = parameters, .weight_bits = bits, .budget_tokens = tokens};
}

const FractionQuestion kQuestion = Question(396e6, 5e10, 2);

FittedLaw Grows() { return FittedQatLaw(OwnTruth("grows")); }
FittedLaw UncertainGrows() { return WithCovariance(Grows(), 0.01); }

double Logit(double f) { return std::log(f / (1 - f)); }

TEST(OptimizeQatFractionTest, AgreesWithTheFiguresOfTheSharedTruths) {
  const auto truths = test_support::ReadSharedTruths();
  if (!truths) GTEST_SKIP() << test_support::kSharedDataAbsent;
  for (const test_support::Truth& truth : *truths) {
    const FittedLaw law = FittedQatLaw(truth.coefficients);
    for (const test_support::TruthCheck& check : truth.checks) {
      const auto answer = OptimizeQatFraction(
          law, Question(check.parameters, check.total_tokens, check.weight_bits));
      // Figures have three decimals and were read off a grid of fractions, up to
      // .0007 beside the minimum; optimal_split_test.cc is exact.
      EXPECT_NEAR(answer->qat_fraction.value, check.optimal_fraction, 1e-3) << truth.name;
    }
  }
}

TEST(OptimizeQatFractionTest, AnswersForAllTokensOfTheBudget) {
  const FractionAnswer answer = *OptimizeQatFraction(Grows(), kQuestion);
  EXPECT_NEAR(answer.fp_tokens + answer.qat_tokens, 5e10, 1e-3);
  EXPECT_NEAR(answer.qat_tokens / 5e10, answer.qat_fraction.value, 1e-14);
  // 5e10 tokens on 396e6 * 2 / 8 bytes.
  EXPECT_NEAR(answer.tokens_per_parameter_byte, 5e10 / 99e6, 1e-9);
  EXPECT_NEAR(
      answer.loss_nats.value,
      test_support::TrueLoss(OwnTruth("grows"), {396e6, answer.fp_tokens, answer.qat_tokens, 2}),
      1e-13);
}

TEST(OptimizeQatFractionTest, CostOfAQatTokenCountsInTheBudget) {
  FractionQuestion question = kQuestion;
  question.qat_token_cost = 1.5;
  const FractionAnswer answer = *OptimizeQatFraction(Grows(), question);
  EXPECT_NEAR(answer.fp_tokens + 1.5 * answer.qat_tokens, 5e10, 1e-3);
  EXPECT_NEAR(
      answer.qat_tokens / (answer.fp_tokens + answer.qat_tokens), answer.qat_fraction.value, 1e-14);
}

TEST(OptimizeQatFractionTest, FlatRangeTakesTheToleranceOfTheQuestion) {
  FractionQuestion question = kQuestion;
  question.loss_tolerance_nats = 0.01;
  const FractionAnswer wide = *OptimizeQatFraction(Grows(), question);
  EXPECT_EQ(wide.loss_tolerance_nats, 0.01);
  const FractionAnswer usual = *OptimizeQatFraction(Grows(), kQuestion);
  EXPECT_DOUBLE_EQ(usual.loss_tolerance_nats, 1e-3 * usual.loss_nats.value);
  EXPECT_LT(wide.flat_range->lower, usual.flat_range->lower);
  EXPECT_LT(usual.flat_range->lower, usual.qat_fraction.value);
  EXPECT_LT(usual.qat_fraction.value, usual.flat_range->upper);
  EXPECT_LT(usual.flat_range->upper, wide.flat_range->upper);
}

TEST(OptimizeQatFractionTest, FlatRangeIsWhatTheMisfitOfTheLawLeaves) {
  FittedLaw law = UncertainGrows();
  const Interval by_law = *OptimizeQatFraction(law, kQuestion)->flat_range;
  law.misfit = {.logit_fraction_stddev = 0.05, .fraction_degrees_of_freedom = 30};
  const double reach = IntervalFactor(0.9, 30) * 0.05;
  const Interval left = *OptimizeQatFraction(law, kQuestion)->flat_range;
  EXPECT_NEAR(Logit(left.lower), Logit(by_law.lower) + reach, 1e-9);
  EXPECT_NEAR(Logit(left.upper), Logit(by_law.upper) - reach, 1e-9);
  law.misfit.logit_fraction_stddev = 2;
  EXPECT_FALSE(OptimizeQatFraction(law, kQuestion)->flat_range.has_value());
}

// Losses nearer to each other than the law misses them cannot be told apart.
TEST(OptimizeQatFractionTest, LawThatMissesLossesByMoreThanTheToleranceHasNoFlatRange) {
  FittedLaw law = UncertainGrows();
  const double reach = IntervalFactor(0.9, law.degrees_of_freedom) * std::sqrt(2);
  law.misfit.loss_stddev = 0.9 * 1e-3 / reach;
  EXPECT_TRUE(OptimizeQatFraction(law, kQuestion)->flat_range.has_value());
  law.misfit.loss_stddev = 1.1 * 1e-3 / reach;
  EXPECT_FALSE(OptimizeQatFraction(law, kQuestion)->flat_range.has_value());
}

TEST(OptimizeQatFractionTest, SplitToCompareWithCountsInTheRangeFlag) {
  FractionQuestion question = kQuestion;
  EXPECT_THAT(OptimizeQatFraction(Grows(), question)->outside, IsEmpty());
  question.caller_fraction = 0.001;  // measured: .05 to .8
  const auto outside = OptimizeQatFraction(Grows(), question)->outside;
  ASSERT_EQ(outside.size(), 1);
  EXPECT_EQ(outside[0].axis, "caller_fraction");
  EXPECT_NEAR(outside[0].factor, 50, 1e-9);
}

TEST(OptimizeQatFractionTest, ComparesWithTheRuleOfThumbByDefault) {
  const FractionAnswer answer = *OptimizeQatFraction(Grows(), kQuestion);
  EXPECT_EQ(answer.caller_split->qat_fraction, 0.1);
  EXPECT_GT(answer.caller_split->wasted_token_fraction.value, 0.01);
}

TEST(OptimizeQatFractionTest, PointOnlyHasTheSamePointsWithoutIntervals) {
  FractionQuestion question = kQuestion;
  const FractionAnswer full = *OptimizeQatFraction(UncertainGrows(), question);
  question.with_intervals = false;
  const FractionAnswer point = *OptimizeQatFraction(UncertainGrows(), question);
  EXPECT_TRUE(full.qat_fraction.interval);
  EXPECT_TRUE(full.loss_nats.interval);
  EXPECT_TRUE(full.caller_split->wasted_token_fraction.interval);
  EXPECT_FALSE(point.qat_fraction.interval);
  EXPECT_FALSE(point.loss_nats.interval);
  EXPECT_FALSE(point.caller_split->loss_nats.interval);
  EXPECT_FALSE(point.caller_split->wasted_token_fraction.interval);
  EXPECT_EQ(point.qat_fraction.value, full.qat_fraction.value);
  EXPECT_EQ(point.caller_split->wasted_token_fraction.value,
            full.caller_split->wasted_token_fraction.value);
}

// Shares of draws of theta in which a quantity lies inside its interval.
struct Coverage {
  double fraction = 0;
  double loss = 0;
  double excess = 0;
  double waste = 0;
};

Coverage DrawCoverage(const FittedLaw& law,
                      const std::vector<double>& root,
                      const FractionQuestion& question,
                      int draw_count) {
  const FractionAnswer answer = *OptimizeQatFraction(law, question);
  const auto inside = [](const Estimate& estimate, double value) {
    return value >= estimate.interval->lower && value <= estimate.interval->upper ? 1.0 : 0.0;
  };
  FractionQuestion point = question;
  point.with_intervals = false;
  test_support::NormalStream random(11);
  const int size = law.law.parameter_count();
  Coverage coverage;
  for (int draw = 0; draw < draw_count; ++draw) {
    FittedLaw moved = law;
    std::vector<double> z(size);
    for (double& entry : z) entry = random.Normal();
    for (int i = 0; i < size; ++i) {
      for (int k = 0; k <= i; ++k) moved.theta[i] += root[i * size + k] * z[k];
    }
    const FractionAnswer drawn = *OptimizeQatFraction(moved, point);
    coverage.fraction += inside(answer.qat_fraction, drawn.qat_fraction.value) / draw_count;
    coverage.loss += inside(answer.loss_nats, drawn.loss_nats.value) / draw_count;
    coverage.excess +=
        inside(answer.caller_split->excess_loss_nats, drawn.caller_split->excess_loss_nats.value) /
        draw_count;
    coverage.waste += inside(answer.caller_split->wasted_token_fraction,
                             drawn.caller_split->wasted_token_fraction.value) /
                      draw_count;
  }
  return coverage;
}

TEST(OptimizeQatFractionTest, IntervalsCoverDrawsFromTheCovariance) {
  FittedLaw law = Grows();
  const std::vector<double> root = CovarianceRoot(law.law.parameter_count(), 0.02);
  SetCovariance(root, &law);
  law.degrees_of_freedom = 1e6;  // draws are normal
  constexpr int kDraws = 4000;
  const Coverage coverage = DrawCoverage(law, root, kQuestion, kDraws);
  // Three standard errors of a share of .9 in 4000 draws are .014; curvature of
  // the transforms at steps of .02 adds less than .01.
  constexpr double kTolerance = 0.024;
  EXPECT_NEAR(coverage.fraction, 0.9, kTolerance);
  EXPECT_NEAR(coverage.loss, 0.9, kTolerance);
  EXPECT_NEAR(coverage.excess, 0.9, kTolerance);
  EXPECT_NEAR(coverage.waste, 0.9, kTolerance);
}

TEST(OptimizeQatFractionTest, WasteAtTheOptimumIsCoveredAsWell) {
  FittedLaw law = Grows();
  const std::vector<double> root = CovarianceRoot(law.law.parameter_count(), 0.02);
  SetCovariance(root, &law);
  law.degrees_of_freedom = 1e6;
  FractionQuestion question = kQuestion;
  question.caller_fraction = OptimizeQatFraction(law, question)->qat_fraction.value;
  const Coverage coverage = DrawCoverage(law, root, question, 4000);
  // As above; an interval folded at 0 covers no less than its level.
  EXPECT_NEAR(coverage.waste, 0.9, 0.024);
  EXPECT_NEAR(coverage.excess, 0.9, 0.024);
}

TEST(OptimizeQatFractionTest, OtherBudgetThanTheOnlyOneMeasuredIsRefused) {
  FittedLaw law = Grows();
  law.support.total_tokens = {2e10, 2e10};
  law.support.total_tokens_level_count = 1;
  EXPECT_THAT(MissingAxes(OptimizeQatFraction(law, kQuestion).status()),
              testing::ElementsAre("total_tokens 1 of 2"));
  EXPECT_TRUE(OptimizeQatFraction(law, Question(396e6, 2e10, 2)).ok());
}

TEST(OptimizeQatFractionTest, LawWithoutTradeOffIsRefused) {
  EXPECT_THAT(OptimizeQatFraction(FittedPerBitLaw(), kQuestion).status(),
              CannotAnswer("does not depend on the split"));
}

TEST(OptimizeQatFractionTest, NoOptimumInsideIsRefused) {
  EXPECT_THAT(OptimizeQatFraction(WithTheta(Grows(), "xi", 0), kQuestion).status(),
              CannotAnswer("no optimum in between"));
}

TEST(OptimizeQatFractionTest, NoOptimumFarOutsideIsAMatterOfTheQuestion) {
  const absl::Status status =
      OptimizeQatFraction(WithTheta(Grows(), "xi", 0), Question(1e15, 2, 2)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(GetErrorDetails(status)->field_violations.at(0).field, "parameters");
}

TEST(WarningTest, NoneForAWellKnownLaw) {
  EXPECT_THAT(OptimizeQatFraction(UncertainGrows(), kQuestion)->warnings, IsEmpty());
}

TEST(WarningTest, FractionThatFallsWithTheBudget) {
  EXPECT_THAT(OptimizeQatFraction(FittedQatLaw(OwnTruth("falls")), kQuestion)->warnings,
              Contains(HasSubstr("falls as the budget grows")));
}

TEST(WarningTest, NoneForAFractionThatTheBudgetDoesNotChange) {
  auto coefficients = OwnTruth("grows");
  coefficients.omega = coefficients.xi + coefficients.rho;
  EXPECT_THAT(OptimizeQatFraction(FittedQatLaw(coefficients), kQuestion)->warnings, IsEmpty());
}

TEST(WarningTest, OptimumAtAnEdge) {
  const FittedLaw law = WithTheta(Grows(), "phi", std::log(1e6));
  EXPECT_THAT(OptimizeQatFraction(law, kQuestion)->warnings, Contains(HasSubstr("at the edge")));
}

TEST(WarningTest, IntervalThatSaysNothing) {
  EXPECT_THAT(OptimizeQatFraction(WithCovariance(Grows(), 1), kQuestion)->warnings,
              Contains(HasSubstr("hardly fix the best QAT fraction")));
}

// 2 to 24 % says as little as 20 to 80 %, although it is a third as wide.
TEST(WarningTest, WideIntervalOfASmallFraction) {
  const FittedLaw law = WithTheta(Grows(), "phi", std::log(2e-2));
  const auto half_width = [&](double scale) {
    const auto answer = OptimizeQatFraction(WithCovariance(law, scale), kQuestion);
    const Interval interval = *answer->qat_fraction.interval;
    return (std::log(interval.upper / (1 - interval.upper)) -
            std::log(interval.lower / (1 - interval.lower))) /
           2;
  };
  // Proportional to the standard errors.
  const double scale = 0.01 * 1.3 / half_width(0.01);
  const auto answer = OptimizeQatFraction(WithCovariance(law, scale), kQuestion);
  const Interval interval = *answer->qat_fraction.interval;
  ASSERT_LT(interval.upper - interval.lower, 0.5);
  EXPECT_THAT(answer->warnings, Contains(HasSubstr("hardly fix the best QAT fraction")));
}

TEST(WarningTest, UnidentifiedParameterThatMatters) {
  FittedLaw law = Grows();
  law.identified[*law.law.FindParameter("chi")] = false;
  EXPECT_THAT(OptimizeQatFraction(law, kQuestion)->warnings, Contains(HasSubstr("depends on chi")));
}

TEST(WarningTest, NoneForAnUnidentifiedParameterThatDoesNotMatter) {
  FittedLaw law = Grows();
  law.identified[*law.law.FindParameter("kappa")] = false;
  EXPECT_THAT(OptimizeQatFraction(law, kQuestion)->warnings, IsEmpty());
}

TEST(OptimizeQatFractionTest, SaysWhereTheBestRunLiesOutsideTheData) {
  EXPECT_THAT(OptimizeQatFraction(Grows(), kQuestion)->outside, IsEmpty());
  EXPECT_THAT(OptimizeQatFraction(Grows(), Question(396e6, 5e13, 2))->outside,
              Contains(Field(&OutsideAxis::axis, "total_tokens")));
}

TEST(CooldownTest, FollowsTheEvidenceByBits) {
  EXPECT_EQ(AdviseCooldown(1).advice, Cooldown::kKeepClassic);
  EXPECT_EQ(AdviseCooldown(1.58).advice, Cooldown::kUndecided);
  EXPECT_EQ(AdviseCooldown(2).advice, Cooldown::kUndecided);
  EXPECT_EQ(AdviseCooldown(3).advice, Cooldown::kUndecided);
  EXPECT_EQ(AdviseCooldown(4).advice, Cooldown::kFuse);
  EXPECT_EQ(AdviseCooldown(6).advice, Cooldown::kFuse);
}

TEST(CooldownTest, EveryReasonNamesItsSource) {
  for (const double bits : {1.0, 2.0, 4.0}) {
    EXPECT_THAT(AdviseCooldown(bits).reason, HasSubstr("arXiv 2509.22935"));
  }
}

TEST(CooldownTest, IsPartOfEveryAnswer) {
  EXPECT_EQ(OptimizeQatFraction(Grows(), Question(396e6, 5e10, 4))->cooldown.advice,
            Cooldown::kFuse);
}

TEST(OptimizeQatFractionTest, IntervalOfTheFractionIsTheDeltaMethodOnItsLogit) {
  const FittedLaw law = UncertainGrows();
  const FractionAnswer answer = *OptimizeQatFraction(law, kQuestion);
  const int size = law.law.parameter_count();
  std::vector<double> gradient(size);
  for (int i = 0; i < size; ++i) {
    const auto at = [&](double shift) {
      FittedLaw moved = law;
      moved.theta[i] += shift;
      return Logit(OptimizeQatFraction(moved, kQuestion)->qat_fraction.value);
    };
    gradient[i] = (at(1e-5) - at(-1e-5)) / 2e-5;
  }
  double variance = 0;
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      variance += gradient[i] * law.covariance[i * size + j] * gradient[j];
    }
  }
  const double half_width = IntervalFactor(0.9, law.degrees_of_freedom) * std::sqrt(variance);
  const double center = Logit(answer.qat_fraction.value);
  // Central differences are good to 1e-9 of gradients of order 1.
  EXPECT_NEAR(Logit(answer.qat_fraction.interval->upper) - center, half_width, 1e-8);
  EXPECT_NEAR(center - Logit(answer.qat_fraction.interval->lower), half_width, 1e-8);
}

}  // namespace
}  // namespace bitbudget::planner
