#include "planner/full_precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/simulated_study.h"
#include "tests/support/truth.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A QAT law, the law of full-precision runs alone with the same coefficients as its
// delta-free part, and what their estimates share.
struct Laws {
  FittedLaw law = FittedQatLaw(OwnTruth("grows"));
  FittedLaw full_precision_law = FittedChinchillaLaw();
  std::vector<double> cross_covariance;

  FitLaws View() const { return {&law, &full_precision_law, cross_covariance}; }
};

// E, A, alpha, B, beta of the delta-free part in raw units.
FittedLaw DeltaFreePart() {
  const auto c = OwnTruth("grows");
  FittedLaw law = FittedChinchillaLaw();
  law = WithTheta(law, "E", std::log(c.alpha));
  law = WithTheta(law, "A", std::log(c.zeta) + c.eta * std::log(1e9));
  law = WithTheta(law, "alpha", c.eta);
  law = WithTheta(law, "B", std::log(c.beta) + c.gamma * std::log(1e10));
  return WithTheta(law, "beta", c.gamma);
}

FullPrecisionQuestion Question(double tokens) {
  return {.parameters = 396e6, .budget = {.tokens = tokens}};
}

WidthAgainstFullPrecision At(const FullPrecisionAnswer& answer, double weight_bits) {
  for (const WidthAgainstFullPrecision& width : answer.widths) {
    if (width.weight_bits == weight_bits) return width;
  }
  return {};
}

TEST(CompareToFullPrecisionTest, DifferencesAreThoseOfTheClosedForm) {
  const auto truth = OwnTruth("grows");
  const Laws laws;
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws.View(), Question(5e10));
  const double full_precision = test_support::TrueLoss(truth, {396e6, 5e10, 0, 16});
  for (const double bits : {1.0, 2.0, 4.0, 6.0}) {
    const double fraction = test_support::TrueOptimalFraction(truth, 396e6, 5e10, bits);
    const double quantized =
        test_support::TrueLoss(truth, test_support::RunAtFraction(396e6, 5e10, bits, fraction));
    const Reference reference = At(answer, bits).same_law.reference;
    EXPECT_NEAR(reference.full_precision_loss_nats.value, full_precision, 1e-12);
    EXPECT_NEAR(reference.loss_difference_nats.value, quantized - full_precision, 1e-12);
    EXPECT_NEAR(reference.perplexity_difference.value,
                std::exp(quantized) - std::exp(full_precision),
                1e-10);
    EXPECT_GT(reference.loss_difference_nats.value, 0);
  }
}

TEST(CompareToFullPrecisionTest, BothReferencesAgreeWhereTheLawsDo) {
  Laws laws;
  laws.full_precision_law = DeltaFreePart();
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws.View(), Question(5e10));
  for (const WidthAgainstFullPrecision& width : answer.widths) {
    EXPECT_NEAR(width.full_precision_law->reference.loss_difference_nats.value,
                width.same_law.reference.loss_difference_nats.value,
                1e-12);
    EXPECT_NEAR(width.full_precision_law->extra_token_share->value,
                width.same_law.extra_token_share->value,
                1e-7);
  }
}

TEST(CompareToFullPrecisionTest, TheOtherLawMaySayThatQuantizationHelps) {
  Laws laws;
  laws.full_precision_law = WithTheta(DeltaFreePart(), "E", std::log(2.5));
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws.View(), Question(5e10));
  EXPECT_LT(At(answer, 6).full_precision_law->reference.loss_difference_nats.value, 0);
  EXPECT_LT(At(answer, 6).full_precision_law->extra_token_share->value, 0);
}

TEST(CompareToFullPrecisionTest, WithTheExtraTokensItMatches) {
  const Laws laws;
  FullPrecisionQuestion question = Question(5e10);
  question.tolerance_nats = 0.2;
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws.View(), question);
  for (const double bits : {4.0, 6.0}) {
    const EqualTokens equal = At(answer, bits).same_law;
    ASSERT_TRUE(equal.extra_token_share);
    const FullPrecisionAnswer more =
        *CompareToFullPrecision(laws.View(), Question(5e10 * (1 + equal.extra_token_share->value)));
    EXPECT_NEAR(
        At(more, bits).loss_nats.value, equal.reference.full_precision_loss_nats.value + 0.2, 1e-9);
    EXPECT_EQ(equal.matches, equal.extra_token_share->value <= 0);
  }
}

TEST(CompareToFullPrecisionTest, NoTokensMakeUpForTheFloorOfOneBit) {
  const Laws laws;
  EXPECT_FALSE(
      At(*CompareToFullPrecision(laws.View(), Question(1e15)), 1).same_law.extra_token_share);
}

TEST(CompareToFullPrecisionTest, FewestBitsAreTheFirstThatMatch) {
  const Laws laws;
  FullPrecisionQuestion question = Question(5e10);
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws.View(), question);
  question.tolerance_nats = At(answer, 4).same_law.reference.loss_difference_nats.value;
  EXPECT_EQ(CompareToFullPrecision(laws.View(), question)->fewest_bits_same_law, 4);
  question.tolerance_nats = *question.tolerance_nats * 0.999;
  EXPECT_EQ(CompareToFullPrecision(laws.View(), question)->fewest_bits_same_law, 6);
  question.tolerance_nats = 1e-9;
  EXPECT_FALSE(CompareToFullPrecision(laws.View(), question)->fewest_bits_same_law);
}

TEST(CompareToFullPrecisionTest, EqualMemoryIsUsedUp) {
  const Laws laws;
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws.View(), Question(5e10));
  for (const WidthAgainstFullPrecision& width : answer.widths) {
    ASSERT_TRUE(width.equal_memory);
    EXPECT_NEAR(width.equal_memory->memory.total_bytes / width.memory.total_bytes, 1, 1e-10);
    EXPECT_LT(width.equal_memory->parameters, 396e6);
    EXPECT_EQ(width.equal_memory->total_tokens, At(answer, 1).equal_memory->total_tokens);
  }
}

TEST(CompareToFullPrecisionTest, AtEqualFlopsTheSmallerModelGetsMoreTokens) {
  const Laws laws;
  const FullPrecisionQuestion question{.parameters = 396e6, .budget = {.flops = 1e20}};
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws.View(), question);
  const EqualMemory& equal = *answer.widths.front().equal_memory;
  EXPECT_NEAR(6 * equal.parameters * equal.total_tokens / 1e20, 1, 1e-12);
}

TEST(CompareToFullPrecisionTest, WithoutTheSecondLawOneReferenceAndAWarning) {
  const Laws laws;
  const FullPrecisionAnswer answer = *CompareToFullPrecision({.law = &laws.law}, Question(5e10));
  EXPECT_FALSE(answer.widths.front().full_precision_law);
  EXPECT_THAT(answer.warnings, ElementsAre(HasSubstr("no law of its full-precision runs")));
}

TEST(CompareToFullPrecisionTest, BudgetThatBuysNothingIsRefused) {
  const Laws laws;
  EXPECT_THAT(CompareToFullPrecision(laws.View(), Question(1)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
}

// A few tokens for a billion parameters: no loss of any run, and no perplexity.
TEST(CompareToFullPrecisionTest, BudgetsWithoutALossAreRefused) {
  const Laws laws;
  for (const double tokens : {3.0, 30.0}) {
    EXPECT_THAT(CompareToFullPrecision(laws.View(), Question(tokens)).status(),
                ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"))
        << tokens;
  }
}

TEST(CompareToFullPrecisionTest, BudgetsFarBeyondTheDataAreNotBlamedOnThem) {
  const Laws laws;
  EXPECT_THAT(CompareToFullPrecision(laws.View(), Question(1e300)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
}

TEST(CompareToFullPrecisionTest, CancelledQuestionStops) {
  const Laws laws;
  FullPrecisionQuestion question = Question(5e10);
  question.cancelled = [] { return true; };
  EXPECT_EQ(CompareToFullPrecision(laws.View(), question).status().code(),
            absl::StatusCode::kCancelled);
}

// The intervals, against draws from the joint covariance.
class JointIntervalTest : public testing::Test {
 protected:
  JointIntervalTest() {
    const int a = laws_.law.law.parameter_count();
    const int b = laws_.full_precision_law.law.parameter_count();
    size_ = a + b;
    // One root for both, cut into the two covariances and what lies across.
    root_ = CovarianceRoot(size_, 0.01);
    const auto covariance = [&](int i, int j) {
      double sum = 0;
      for (int k = 0; k < size_; ++k) sum += root_[i * size_ + k] * root_[j * size_ + k];
      return sum;
    };
    for (int i = 0; i < a; ++i) {
      for (int j = 0; j < a; ++j) laws_.law.covariance.push_back(covariance(i, j));
      for (int j = 0; j < b; ++j) laws_.cross_covariance.push_back(covariance(i, a + j));
    }
    for (int i = 0; i < b; ++i) {
      for (int j = 0; j < b; ++j) {
        laws_.full_precision_law.covariance.push_back(covariance(a + i, a + j));
      }
    }
    laws_.law.degrees_of_freedom = laws_.full_precision_law.degrees_of_freedom = 1e6;
  }

  Laws Draw() {
    std::vector<double> z(size_);
    for (double& entry : z) entry = random_.Normal();
    Laws moved = laws_;
    const int a = laws_.law.law.parameter_count();
    for (int i = 0; i < size_; ++i) {
      double step = 0;
      for (int k = 0; k < size_; ++k) step += root_[i * size_ + k] * z[k];
      (i < a ? moved.law.theta[i] : moved.full_precision_law.theta[i - a]) += step;
    }
    return moved;
  }

  Laws laws_{.full_precision_law = DeltaFreePart()};
  int size_ = 0;
  std::vector<double> root_;
  test_support::NormalStream random_{17};
};

TEST_F(JointIntervalTest, DifferencesCoverDraws) {
  FullPrecisionQuestion question = Question(5e10);
  question.weight_bits = {4};
  question.tolerance_nats = 0.2;
  const FullPrecisionAnswer answer = *CompareToFullPrecision(laws_.View(), question);
  question.with_intervals = false;
  constexpr int kDraws = 2000;
  const auto inside = [](const Estimate& estimate, double value) {
    return value >= estimate.interval->lower && value <= estimate.interval->upper ? 1.0 / kDraws
                                                                                  : 0.0;
  };
  const WidthAgainstFullPrecision& width = answer.widths[0];
  double same = 0, other = 0, perplexity = 0, tokens = 0, memory = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const Laws moved = Draw();
    const FullPrecisionAnswer drawn = *CompareToFullPrecision(moved.View(), question);
    const WidthAgainstFullPrecision& at = drawn.widths[0];
    same += inside(width.same_law.reference.loss_difference_nats,
                   at.same_law.reference.loss_difference_nats.value);
    other += inside(width.full_precision_law->reference.loss_difference_nats,
                    at.full_precision_law->reference.loss_difference_nats.value);
    perplexity += inside(width.full_precision_law->reference.perplexity_difference,
                         at.full_precision_law->reference.perplexity_difference.value);
    tokens += inside(*width.full_precision_law->extra_token_share,
                     at.full_precision_law->extra_token_share->value);
    memory += inside(width.equal_memory->full_precision_law->loss_difference_nats,
                     at.equal_memory->full_precision_law->loss_difference_nats.value);
  }
  // Three standard errors of .9 in 2000 draws are .02; curvature adds below .01.
  EXPECT_NEAR(same, 0.9, 0.03);
  EXPECT_NEAR(other, 0.9, 0.03);
  EXPECT_NEAR(perplexity, 0.9, 0.03);
  EXPECT_NEAR(tokens, 0.9, 0.03);
  EXPECT_NEAR(memory, 0.9, 0.03);
}

TEST_F(JointIntervalTest, TokensToMatchAgreeWithTheDifferenceOfLosses) {
  // A miss of the law widens both intervals.
  laws_.law.misfit.loss_stddev = 0.01;
  FullPrecisionQuestion question = Question(5e10);
  int count_above = 0;
  int count_below = 0;
  for (double tolerance_nats = 1e-3; tolerance_nats < 1; tolerance_nats *= 1.05) {
    question.tolerance_nats = tolerance_nats;
    const FullPrecisionAnswer answer = *CompareToFullPrecision(laws_.View(), question);
    for (const WidthAgainstFullPrecision& width : answer.widths) {
      const EqualTokens& equal = width.same_law;
      if (!equal.extra_token_share || !equal.extra_token_share->interval) continue;
      const Interval& difference = *equal.reference.loss_difference_nats.interval;
      const Interval& share = *equal.extra_token_share->interval;
      if (difference.lower > tolerance_nats) {
        ++count_above;
        EXPECT_GE(share.lower, 0) << width.weight_bits << " bits, " << tolerance_nats;
      }
      if (difference.upper <= tolerance_nats) {
        ++count_below;
        EXPECT_LE(share.upper, 0) << width.weight_bits << " bits, " << tolerance_nats;
      }
      EXPECT_LE(share.lower, equal.extra_token_share->value);
      EXPECT_GE(share.upper, equal.extra_token_share->value);
    }
  }
  EXPECT_GT(count_above, 0);
  EXPECT_GT(count_below, 0);
}

TEST_F(JointIntervalTest, WhatBothFitsShareCancels) {
  FullPrecisionQuestion question = Question(5e10);
  question.weight_bits = {4};
  // The same parameters twice, fully correlated: only the quantization terms are
  // left of the difference.
  const auto half_width = [&](bool with_cross) {
    Laws laws{.full_precision_law = DeltaFreePart()};
    const int a = laws.law.law.parameter_count();
    laws.law.covariance.assign(static_cast<size_t>(a) * a, 0.0);
    laws.law.covariance[0] = 1e-4;  // ln alpha
    laws.full_precision_law.covariance.assign(25, 0.0);
    laws.full_precision_law.covariance[0] = 1e-4;  // ln E
    if (with_cross) {
      laws.cross_covariance.assign(static_cast<size_t>(a) * 5, 0.0);
      laws.cross_covariance[0] = 1e-4;
    }
    const Estimate difference = CompareToFullPrecision(laws.View(), question)
                                    ->widths[0]
                                    .full_precision_law->reference.loss_difference_nats;
    return difference.interval ? difference.interval->upper - difference.value : 0;
  };
  EXPECT_GT(half_width(false), 0.01);
  // Rounding of a variance of 1e-4 that cancels.
  EXPECT_LT(half_width(true), 1e-8);
}

}  // namespace
}  // namespace bitbudget::planner
