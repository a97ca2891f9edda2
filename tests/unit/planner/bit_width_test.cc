#include "planner/bit_width.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "planner/optimal_split.h"
#include "planner/size_optimum.h"
#include "tests/support/simulated_study.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr double kGiB = 1024.0 * 1024 * 1024;

FittedLaw Grows() { return FittedQatLaw(OwnTruth("grows")); }

BitWidthQuestion Question(double memory_bytes, double flops) {
  BitWidthQuestion question;
  question.memory_bytes = memory_bytes;
  question.budget.flops = flops;
  return question;
}

const BitWidthQuestion kQuestion = Question(kGiB, 1e21);

std::vector<double> Widths(const BitWidthAnswer& answer) {
  std::vector<double> widths;
  for (const WidthCandidate& candidate : answer.candidates) {
    widths.push_back(candidate.weight_bits);
  }
  return widths;
}

std::vector<WidthCandidate> Candidates(const FittedLaw& law, const BitWidthQuestion& question) {
  return OptimizeBitWidth(law, question)->candidates;
}

const WidthCandidate& At(const BitWidthAnswer& answer, double weight_bits) {
  return *std::ranges::find(answer.candidates, weight_bits, &WidthCandidate::weight_bits);
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
  EXPECT_THAT(std::string(status.message()), HasSubstr("at 1 bits take"));
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
              ElementsAre(HasSubstr("3 bits were not measured")));
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

TEST(WidthProbabilityTest, SharesAddUpAndFavourTheFirst) {
  const BitWidthAnswer answer = *OptimizeBitWidth(WithCovariance(Grows(), 0.02), kQuestion);
  double sum = 0;
  double most = 0;
  for (const WidthCandidate& candidate : answer.candidates) {
    sum += *candidate.probability_best;
    most = std::max(most, *candidate.probability_best);
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_EQ(answer.candidates.front().probability_best, most);
  EXPECT_EQ(answer.draw_count, 1000);
}

TEST(WidthProbabilityTest, SameSeedSameShares) {
  const FittedLaw law = WithCovariance(Grows(), 0.05);
  const auto shares = [&](uint64_t seed) {
    BitWidthQuestion question = kQuestion;
    question.seed = seed;
    std::vector<double> shares;
    const BitWidthAnswer answer = *OptimizeBitWidth(law, question);
    for (const auto& candidate : answer.candidates) shares.push_back(*candidate.probability_best);
    return shares;
  };
  EXPECT_EQ(shares(1), shares(1));
  EXPECT_NE(shares(1), shares(2));
}

TEST(WidthProbabilityTest, DrawsOfTheFitGoBeforeItsCovariance) {
  FittedLaw law = WithCovariance(Grows(), 0.02);
  BitWidthQuestion question = kQuestion;
  question.weight_bits = {2, 4};
  const double best = OptimizeBitWidth(law, question)->candidates[0].weight_bits;
  // One draw in four in which a large floor grows with the bits, or falls: as the
  // other width would have it.
  const size_t size = law.theta.size();
  for (int i = 0; i < 4; ++i) law.draws.insert(law.draws.end(), law.theta.begin(), law.theta.end());
  law.draws[3 * size + *law.law.FindParameter("theta")] += 8;
  law.draws[3 * size + *law.law.FindParameter("kappa")] = best == 4 ? -3 : 3;
  const BitWidthAnswer answer = *OptimizeBitWidth(law, question);
  EXPECT_EQ(*answer.candidates[0].probability_best, 0.75);
}

TEST(WidthProbabilityTest, CertainLawHasNone) {
  EXPECT_FALSE(OptimizeBitWidth(Grows(), kQuestion)->candidates.front().probability_best);
}

// Two widths of equal loss, of which one draw in two favours either.
TEST(WidthProbabilityTest, EqualPlansShareEvenly) {
  FittedLaw law = WithCovariance(Grows(), 0.02);
  law.misfit.loss_stddev = 1;  // drowns all else
  BitWidthQuestion question = kQuestion;
  question.weight_bits = {2, 4};
  question.draw_count = 10'000;
  const BitWidthAnswer answer = *OptimizeBitWidth(law, question);
  // Three standard errors of a half in 10,000 draws, and a loss ratio of some
  // percent against a noise of e.
  EXPECT_NEAR(*answer.candidates[0].probability_best, 0.5, 0.03);
  EXPECT_TRUE(answer.candidates[1].is_tie);
}

TEST(WidthTieTest, SmallDifferencesAreTies) {
  BitWidthQuestion question = kQuestion;
  question.loss_tolerance_nats = 10;
  for (const WidthCandidate& candidate : Candidates(Grows(), question)) {
    EXPECT_TRUE(candidate.is_tie);
  }
  question.loss_tolerance_nats = 1e-9;
  for (const WidthCandidate& candidate : Candidates(Grows(), question)) {
    EXPECT_FALSE(candidate.is_tie);
  }
}

TEST(WidthTieTest, RunnerUpCostsTheDifferenceOfLosses) {
  const BitWidthAnswer answer = *OptimizeBitWidth(WithCovariance(Grows(), 0.01), kQuestion);
  const WidthCandidate& second = answer.candidates[1];
  EXPECT_NEAR(second.excess_loss_nats.value,
              second.loss_nats.value - answer.candidates[0].loss_nats.value,
              1e-14);
  EXPECT_LT(second.excess_loss_nats.interval->lower, second.excess_loss_nats.value);
  EXPECT_GT(second.excess_loss_nats.interval->upper, second.excess_loss_nats.value);
  EXPECT_EQ(answer.candidates[0].excess_loss_nats.value, 0);
}

// Share of draws of theta in which the difference of two plans lies inside its
// interval, which shares the errors of both.
TEST(WidthTieTest, IntervalOfTheDifferenceCoversDraws) {
  FittedLaw law = Grows();
  const int size = law.law.parameter_count();
  const std::vector<double> root = CovarianceRoot(size, 0.02);
  SetCovariance(root, &law);
  law.degrees_of_freedom = 1e6;
  const BitWidthAnswer answer = *OptimizeBitWidth(law, kQuestion);
  const auto run = [&](int i) {
    const WidthCandidate& c = answer.candidates[i];
    return RunPoint{c.parameters, c.fp_tokens, c.qat_tokens, c.weight_bits};
  };
  const Interval interval = *answer.candidates[1].excess_loss_nats.interval;
  test_support::NormalStream random(5);
  constexpr int kDraws = 4000;
  int inside = 0;
  std::vector<double> z(size);
  for (int draw = 0; draw < kDraws; ++draw) {
    for (double& entry : z) entry = random.Normal();
    std::vector<double> theta = law.theta;
    for (int i = 0; i < size; ++i) {
      for (int k = 0; k <= i; ++k) theta[i] += root[i * size + k] * z[k];
    }
    const double difference = std::exp(fitter::LogLoss(law.law, theta, run(1))) -
                              std::exp(fitter::LogLoss(law.law, theta, run(0)));
    inside += difference >= interval.lower && difference <= interval.upper ? 1 : 0;
  }
  // Three standard errors of .9 in 4000 draws are .014; curvature adds below .01.
  EXPECT_NEAR(inside / static_cast<double>(kDraws), 0.9, 0.024);
}

// The inverses.

TEST(LeastMemoryTest, InvertsTheBestLossUnderACap) {
  for (const double cap : {0.1 * kGiB, 0.3 * kGiB, kGiB}) {
    const BitWidthAnswer forward = *OptimizeBitWidth(Grows(), Question(cap, 1e23));
    for (const WidthCandidate& candidate : forward.candidates) {
      if (candidate.size_limit != SizeLimit::kMemory) continue;
      BitWidthQuestion question;
      question.objective = WidthObjective::kLeastMemory;
      question.weight_bits = {candidate.weight_bits};
      question.budget.flops = 1e23;
      question.target_loss_nats = candidate.loss_nats.value;
      const BitWidthAnswer inverse = *OptimizeBitWidth(Grows(), question);
      EXPECT_NEAR(inverse.candidates[0].needed->value / cap, 1, 1e-6);
      EXPECT_NEAR(inverse.candidates[0].loss_nats.value, candidate.loss_nats.value, 1e-9);
    }
  }
}

TEST(LeastComputeTest, InvertsTheBestLossOfABudget) {
  for (const double flops : {1e20, 1e22}) {
    const BitWidthAnswer forward = *OptimizeBitWidth(Grows(), Question(kGiB, flops));
    BitWidthQuestion question;
    question.objective = WidthObjective::kLeastCompute;
    question.memory_bytes = kGiB;
    question.target_loss_nats = forward.candidates[0].loss_nats.value;
    const BitWidthAnswer inverse = *OptimizeBitWidth(Grows(), question);
    EXPECT_EQ(inverse.candidates[0].weight_bits, forward.candidates[0].weight_bits);
    EXPECT_NEAR(inverse.candidates[0].needed->value / flops, 1, 1e-6);
  }
}

TEST(LeastComputeTest, SizeIsSetByTheTargetUnlessTheCapHoldsIt) {
  BitWidthQuestion question;
  question.objective = WidthObjective::kLeastCompute;
  question.target_loss_nats = 2.6;
  question.memory_bytes = 64 * kGiB;
  EXPECT_EQ(OptimizeBitWidth(Grows(), question)->candidates[0].size_limit, SizeLimit::kTarget);
  const double parameters = OptimizeBitWidth(Grows(), question)->candidates[0].parameters;
  question.weight_bits = {4};
  question.memory_bytes = MemoryOf(question.memory_model, parameters / 2, 4).total_bytes;
  EXPECT_EQ(OptimizeBitWidth(Grows(), question)->candidates[0].size_limit, SizeLimit::kMemory);
}

TEST(LeastComputeTest, GivenSizeTakesTokensUntilTheTarget) {
  BitWidthQuestion question;
  question.parameters = 396e6;
  question.budget.tokens = 5e10;
  question.weight_bits = {4};
  const double loss = OptimizeBitWidth(Grows(), question)->candidates[0].loss_nats.value;
  question.objective = WidthObjective::kLeastCompute;
  question.budget = {};
  question.target_loss_nats = loss;
  const BitWidthAnswer inverse = *OptimizeBitWidth(Grows(), question);
  EXPECT_NEAR(inverse.candidates[0].needed->value / (6 * 396e6 * 5e10), 1, 1e-6);
}

TEST(LeastComputeTest, UnreachableTargetNamesTheBestThatIsReached) {
  BitWidthQuestion question;
  question.objective = WidthObjective::kLeastCompute;
  question.memory_bytes = kGiB;
  question.target_loss_nats = 1;
  const absl::Status status = OptimizeBitWidth(Grows(), question).status();
  EXPECT_THAT(status, ViolatesField(absl::StatusCode::kOutOfRange, "target_loss_nats"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at best"));
}

TEST(LeastMemoryTest, LossThatARefusalNamesIsReached) {
  BitWidthQuestion question;
  question.budget.tokens = 1e11;
  question.memory_bytes = kGiB;
  question.weight_bits = {4};
  const double best_nats = OptimizeBitWidth(Grows(), question)->candidates[0].loss_nats.value;
  question.objective = WidthObjective::kLeastMemory;
  question.target_loss_nats = best_nats - 1e-7;
  const std::string refusal(OptimizeBitWidth(Grows(), question).status().message());
  const std::string reach = " bits reach ";
  ASSERT_THAT(refusal, HasSubstr(reach));
  const double named_nats = std::stod(refusal.substr(refusal.find(reach) + reach.size()));
  // Five decimals, rounded up.
  EXPECT_NEAR(named_nats, best_nats, 1.01e-5);
  question.target_loss_nats = named_nats;
  EXPECT_TRUE(OptimizeBitWidth(Grows(), question).ok());
}

TEST(LeastMemoryTest, NextToTheBestLossNoIntervalIsTold) {
  const FittedLaw law = WithCovariance(Grows(), 0.01);
  BitWidthQuestion question;
  question.memory_bytes = kGiB;
  question.weight_bits = {4};
  question.budget.flops = 1e20;
  const WidthCandidate best = OptimizeBitWidth(law, question)->candidates[0];
  ASSERT_EQ(best.size_limit, SizeLimit::kBudget);
  question.objective = WidthObjective::kLeastMemory;
  question.target_loss_nats = best.loss_nats.value * (1 + 1e-9);
  EXPECT_FALSE(OptimizeBitWidth(law, question)->candidates[0].needed->interval);
  question.target_loss_nats = best.loss_nats.value * 1.05;
  EXPECT_TRUE(OptimizeBitWidth(law, question)->candidates[0].needed->interval);
}

// The interval of what is needed: by the derivative of the inverse itself.
class NeedIntervalTest : public testing::TestWithParam<WidthObjective> {};

TEST_P(NeedIntervalTest, GradientIsThatOfTheInverse) {
  BitWidthQuestion question;
  question.objective = GetParam();
  question.weight_bits = {4};
  question.draw_count = 0;
  if (GetParam() == WidthObjective::kLeastMemory) {
    question.budget.flops = 1e22;
    question.target_loss_nats = 2.6;
  } else {
    question.memory_bytes = kGiB;
    question.target_loss_nats = 2.6;
  }
  // One parameter alone is uncertain; its standard error times the derivative is
  // that of the need.
  FittedLaw law = Grows();
  const int size = law.law.parameter_count();
  law.degrees_of_freedom = 1e6;
  constexpr double kStderr = 1e-3;
  constexpr double kStep = 1e-5;
  const double factor = IntervalFactor(0.9, 1e6);
  for (int i = 0; i < size; ++i) {
    law.covariance.assign(static_cast<size_t>(size) * size, 0.0);
    law.covariance[i * size + i] = kStderr * kStderr;
    const auto need = [&](double shift) {
      FittedLaw moved = law;
      moved.theta[i] += shift;
      return std::log(OptimizeBitWidth(moved, question)->candidates[0].needed->value);
    };
    const double slope = (need(kStep) - need(-kStep)) / (2 * kStep);
    const Estimate needed = *OptimizeBitWidth(law, question)->candidates[0].needed;
    ASSERT_TRUE(needed.interval);
    EXPECT_NEAR(std::log(needed.interval->upper / needed.value),
                factor * kStderr * std::abs(slope),
                // The root is exact to 1e-7 in places, which the step magnifies.
                factor * kStderr * (1e-4 * std::abs(slope) + 1e-4))
        << law.law.parameters[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Inverses,
                         NeedIntervalTest,
                         testing::Values(WidthObjective::kLeastMemory,
                                         WidthObjective::kLeastCompute));

TEST(LeastMemoryTest, GivenSizeNeedsItsMemoryForCertain) {
  BitWidthQuestion question;
  question.objective = WidthObjective::kLeastMemory;
  question.parameters = 396e6;
  question.budget.tokens = 5e10;
  question.target_loss_nats = 4;
  const BitWidthAnswer answer = *OptimizeBitWidth(WithCovariance(Grows(), 0.01), question);
  EXPECT_EQ(answer.candidates[0].weight_bits, 1);
  EXPECT_FALSE(answer.candidates[0].needed->interval);
  EXPECT_EQ(At(answer, 4).needed->value, MemoryOf({}, 396e6, 4).total_bytes);
}

}  // namespace
}  // namespace bitbudget::planner
