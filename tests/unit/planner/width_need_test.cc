// The least memory, and the least compute, for a loss.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"
#include "tests/unit/planner/width_questions.h"

namespace bitbudget::planner {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
  const std::string best = "; at best ";
  ASSERT_THAT(refusal, AllOf(HasSubstr(best), HasSubstr(" is reached at 4 bits")));
  const double named_nats = std::stod(refusal.substr(refusal.find(best) + best.size()));
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
