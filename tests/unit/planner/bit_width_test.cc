#include "planner/bit_width.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "planner/optimal_split.h"
#include "planner/size_optimum.h"
#include "tests/support/simulated_study.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"
#include "tests/unit/planner/width_questions.h"

namespace bitbudget::planner {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<double> Widths(const BitWidthAnswer& answer) {
  std::vector<double> widths;
  for (const WidthCandidate& candidate : answer.candidates) {
    widths.push_back(candidate.weight_bits);
  }
  return widths;
}

// The least loss on a grid of sizes and splits at six widths.
double LeastOnGrid(const FittedLaw& law, const BitWidthQuestion& question) {
  constexpr int kPoints = 200;
  double least = std::numeric_limits<double>::infinity();
  for (const double bits : question.weight_bits) {
    const double upper =
        std::log(LargestModel(question.memory_model, *question.memory_bytes, bits));
    const double lower = upper - std::log(1e3);
    for (int i = 0; i < kPoints; ++i) {
      const double log_parameters = lower + (upper - lower) * i / (kPoints - 1);
      const LossSurface surface(law, std::exp(log_parameters), bits);
      const Budget budget = question.budget.At(log_parameters);
      for (int j = 0; j < kPoints; ++j) {
        const double fraction = (j + 0.5) / kPoints;
        least = std::min(least,
                         surface.LossNats(TokensAt(budget, std::log(fraction / (1 - fraction)))));
      }
    }
  }
  return least;
}

TEST(OptimizeBitWidthTest, NeverWorseThanAGridOnRandomCases) {
  test_support::NormalStream random(3);
  const auto between = [&](double lower, double upper) {
    return lower + (upper - lower) * random.Uniform();
  };
  for (int i = 0; i < 100; ++i) {
    auto truth = OwnTruth(i % 3 == 0 ? "grows" : i % 3 == 1 ? "falls" : "faint");
    truth.omega *= between(0.7, 1.3);
    truth.xi *= between(0.7, 1.3);
    truth.psi *= between(0.5, 3);
    truth.theta *= between(0.5, 2);
    truth.phi *= between(0.5, 2);
    BitWidthQuestion question = Question(kGiB * std::pow(10, between(-1, 1)), 0);
    question.weight_bits = {1, 1.58, 2, 3, 4, 6};
    question.with_intervals = false;
    if (i % 2 == 0) {
      question.budget = {.flops = std::pow(10, between(18, 23)), .qat_token_cost = 1.3};
    } else {
      question.budget = {.tokens = std::pow(10, between(9, 12))};
    }
    const FittedLaw law = FittedQatLaw(truth);
    const BitWidthAnswer answer = *OptimizeBitWidth(law, question);
    EXPECT_LE(answer.candidates.front().loss_nats.value, LeastOnGrid(law, question) + 1e-13) << i;
  }
}

TEST(OptimizeBitWidthTest, EveryMeasuredWidthIsACandidateBestFirst) {
  const BitWidthAnswer answer = *OptimizeBitWidth(Grows(), kQuestion);
  std::vector<double> widths = Widths(answer);
  EXPECT_TRUE(std::ranges::is_sorted(answer.candidates, {}, [](const WidthCandidate& candidate) {
    return candidate.loss_nats.value;
  }));
  std::ranges::sort(widths);
  EXPECT_THAT(widths, ElementsAre(1, 2, 4, 6));
}

TEST(OptimizeBitWidthTest, CandidatesKeepCapAndBudget) {
  BitWidthQuestion question = kQuestion;
  question.budget.qat_token_cost = 1.5;
  for (const WidthCandidate& candidate : Candidates(Grows(), question)) {
    EXPECT_LE(candidate.memory.total_bytes, kGiB * (1 + 1e-9));
    EXPECT_NEAR(candidate.compute_flops / 1e21, 1, 1e-12);
    EXPECT_NEAR(
        6 * candidate.parameters * (candidate.fp_tokens + 1.5 * candidate.qat_tokens) / 1e21,
        1,
        1e-12);
    if (candidate.size_limit == SizeLimit::kMemory) {
      EXPECT_NEAR(candidate.memory.total_bytes / kGiB, 1, 1e-9);
    }
  }
}

TEST(OptimizeBitWidthTest, TightCapIsUsedUpAndAWideOneIsNot) {
  const BitWidthAnswer tight = *OptimizeBitWidth(Grows(), Question(0.2 * kGiB, 1e22));
  EXPECT_EQ(tight.candidates.front().size_limit, SizeLimit::kMemory);
  const BitWidthAnswer wide = *OptimizeBitWidth(Grows(), Question(1000 * kGiB, 1e19));
  EXPECT_EQ(wide.candidates.front().size_limit, SizeLimit::kBudget);
}

TEST(OptimizeBitWidthTest, MoreMemoryNeverHurts) {
  double last = std::numeric_limits<double>::infinity();
  for (const double share : {0.1, 0.3, 1.0, 3.0, 10.0}) {
    const double loss =
        OptimizeBitWidth(Grows(), Question(share * kGiB, 1e21))->candidates.front().loss_nats.value;
    EXPECT_LE(loss, last + 1e-14);
    last = loss;
  }
}

TEST(OptimizeBitWidthTest, GivenSizeIsKeptAndNeedsNoCap) {
  BitWidthQuestion question;
  question.parameters = 396e6;
  question.budget.tokens = 5e10;
  const BitWidthAnswer answer = *OptimizeBitWidth(Grows(), question);
  ASSERT_THAT(answer.candidates, SizeIs(4));
  for (const WidthCandidate& candidate : answer.candidates) {
    EXPECT_NEAR(candidate.parameters, 396e6, 1e-5);
    EXPECT_NEAR(candidate.fp_tokens + candidate.qat_tokens, 5e10, 1e-3);
    EXPECT_EQ(candidate.size_limit, SizeLimit::kGiven);
  }
  // At one size more bits have less loss.
  EXPECT_THAT(Widths(answer), ElementsAre(6, 4, 2, 1));
}

TEST(OptimizeBitWidthTest, WidthsThatDoNotFitAreRefusedOneByOne) {
  BitWidthQuestion question = Question(0, 1e21);
  question.parameters = 396e6;
  question.memory_bytes = MemoryOf({}, 396e6, 3).total_bytes;
  const BitWidthAnswer answer = *OptimizeBitWidth(Grows(), question);
  EXPECT_THAT(Widths(answer), ElementsAre(2, 1));
  ASSERT_THAT(answer.refused, SizeIs(2));
  EXPECT_EQ(answer.refused[0].weight_bits, 4);
  EXPECT_THAT(answer.refused[0].reason, HasSubstr("396000000 parameters at 4 bits take"));
}

TEST(OptimizeBitWidthTest, CapBelowEveryModelNamesTheSmallest) {
  BitWidthQuestion question = Question(1e6, 1e21);
  question.parameters = 396e6;
  const absl::Status status = OptimizeBitWidth(Grows(), question).status();
  EXPECT_THAT(status, ViolatesField(absl::StatusCode::kOutOfRange, "memory_bytes"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at 1 bit take"));
  const absl::Status free_size = OptimizeBitWidth(Grows(), Question(100, 1e21)).status();
  EXPECT_THAT(free_size, ViolatesField(absl::StatusCode::kOutOfRange, "memory_bytes"));
  EXPECT_THAT(std::string(free_size.message()),
              AllOf(HasSubstr("; even "), HasSubstr("embedding and head (vocabulary 32000)")));
}

TEST(OptimizeBitWidthTest, BudgetThatBuysNothingIsRefused) {
  BitWidthQuestion question = Question(kGiB, 1e9);
  question.parameters = 396e6;
  EXPECT_THAT(OptimizeBitWidth(Grows(), question).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "compute_flops"));
  EXPECT_THAT(OptimizeBitWidth(Grows(), Question(kGiB, 1)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "compute_flops"));
}

// The largest models under the cap would see next to no token, and have no best split.
TEST(OptimizeBitWidthTest, SmallBudgetUnderAWideCapHasTheAnswerOfANarrowOne) {
  const double flops = 1e15;
  // As the bundled runs have it: the best fraction vanishes with the budget.
  const FittedLaw law =
      WithTheta(WithTheta(WithTheta(Grows(), "rho", 0), "omega", 0.05), "xi", 1.9);
  ASSERT_FALSE(SizeSearch(law, 4).At(std::log(2.2e12), {.flops = flops}));
  const BitWidthAnswer narrow = *OptimizeBitWidth(law, Question(kGiB / 4, flops));
  const absl::StatusOr<BitWidthAnswer> wide = OptimizeBitWidth(law, Question(1e5 * kGiB, flops));
  ASSERT_TRUE(wide.ok()) << wide.status();
  EXPECT_NEAR(wide->candidates[0].parameters / narrow.candidates[0].parameters, 1, 1e-6);
}

TEST(OptimizeBitWidthTest, LessThanATokenOfQatIsRefused) {
  BitWidthQuestion question;
  question.parameters = 396e6;
  question.budget.tokens = 3;
  EXPECT_THAT(OptimizeBitWidth(Grows(), question).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
  question.budget = {};
  question.objective = WidthObjective::kLeastCompute;
  question.target_loss_nats = 1e7;
  EXPECT_THAT(OptimizeBitWidth(Grows(), question).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "target_loss_nats"));
}

TEST(OptimizeBitWidthTest, EndlessSizeAsksForACap) {
  BitWidthQuestion question;
  question.budget.tokens = 1e13;
  // No penalty of quantization grows with the size.
  const FittedLaw law = WithTheta(WithTheta(Grows(), "psi", 2), "nu", 2);
  EXPECT_THAT(OptimizeBitWidth(law, question).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "parameters"));
}

TEST(OptimizeBitWidthTest, WidthsOutsideTheDataAreRefused) {
  BitWidthQuestion question = kQuestion;
  question.weight_bits = {4, 8};
  const absl::Status status = OptimizeBitWidth(Grows(), question).status();
  EXPECT_THAT(status, CannotAnswer("8 bits, outside the measured widths 1, 2, 4, 6"));
  EXPECT_THAT(MissingAxes(status), ElementsAre("weight_bits 4 of 5"));
}

TEST(OptimizeBitWidthTest, WidthsBetweenMeasuredOnesComeWithAWarning) {
  BitWidthQuestion question = kQuestion;
  question.weight_bits = {2, 3};
  EXPECT_THAT(OptimizeBitWidth(Grows(), question)->warnings,
              ElementsAre(HasSubstr("No run has 3 bits")));
  EXPECT_THAT(OptimizeBitWidth(Grows(), kQuestion)->warnings, IsEmpty());
}

TEST(OptimizeBitWidthTest, FreeSizeNeedsMeasuredSizes) {
  FittedLaw law = Grows();
  law.support.parameters = {396e6, 396e6};
  law.support.parameters_level_count = 1;
  EXPECT_THAT(MissingAxes(OptimizeBitWidth(law, kQuestion).status()),
              ElementsAre("parameters 1 of 2"));
  BitWidthQuestion fixed = kQuestion;
  fixed.parameters = 396e6;
  EXPECT_TRUE(OptimizeBitWidth(law, fixed).ok());
}

TEST(OptimizeBitWidthTest, LawWithoutTradeOffIsRefused) {
  EXPECT_THAT(OptimizeBitWidth(FittedPerBitLaw(), kQuestion).status(),
              CannotAnswer("does not depend on the split"));
  EXPECT_THAT(OptimizeBitWidth(FittedChinchillaLaw(), kQuestion).status(),
              CannotAnswer("compute_optimal_qat"));
}

TEST(OptimizeBitWidthTest, NoOptimumInsideIsRefused) {
  EXPECT_THAT(OptimizeBitWidth(WithTheta(Grows(), "xi", 0), kQuestion).status(),
              CannotAnswer("no optimum in between"));
}

TEST(OptimizeBitWidthTest, BudgetFarBeyondTheDataIsNotBlamedOnThem) {
  BitWidthQuestion question;
  question.parameters = 396e6;
  question.budget.flops = 1e300;
  EXPECT_THAT(OptimizeBitWidth(Grows(), question).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "total_tokens"));
}

TEST(OptimizeBitWidthTest, CancelledQuestionStops) {
  BitWidthQuestion question = kQuestion;
  question.cancelled = [] { return true; };
  EXPECT_EQ(OptimizeBitWidth(Grows(), question).status().code(), absl::StatusCode::kCancelled);
}

TEST(OptimizeBitWidthTest, CancellationEndsTheDraws) {
  BitWidthQuestion question = kQuestion;
  question.draw_count = 100'000;
  int polls = 0;
  question.cancelled = [&] { return ++polls > 6; };
  EXPECT_EQ(OptimizeBitWidth(WithCovariance(Grows(), 0.01), question).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(polls, 7);
}

}  // namespace
}  // namespace bitbudget::planner
