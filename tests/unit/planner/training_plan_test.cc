#include "planner/training_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/qat_fraction.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

FittedLaw Law() { return WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01); }

PlanQuestion Question() {
  PlanQuestion question;
  question.choice.parameters = 396e6;
  question.choice.budget.tokens = 5e10;
  return question;
}

std::vector<std::string> Names(const TrainingSchedule& schedule) {
  std::vector<std::string> names;
  for (const SchedulePhase& phase : schedule.phases) names.push_back(phase.name);
  return names;
}

int64_t Steps(const TrainingSchedule& schedule) {
  return std::accumulate(schedule.phases.begin(),
                         schedule.phases.end(),
                         int64_t{0},
                         [](int64_t sum, const SchedulePhase& phase) { return sum + phase.steps; });
}

// Schedules.

ScheduleQuestion TwoPhases(double weight_bits) {
  return {.weight_bits = weight_bits,
          .fp_tokens = 3e10,
          .qat_tokens = 1e10,
          .compute_flops = 1e20,
          .tokens_per_step = 1e6};
}

TEST(ScheduleTest, ClassicCoolsDownBeforeQat) {
  const TrainingSchedule schedule = *MakeSchedule(TwoPhases(1));
  EXPECT_FALSE(schedule.is_fused);
  EXPECT_THAT(Names(schedule),
              ElementsAre("fp_warmup", "fp_stable", "fp_cooldown", "qat_warmup", "qat_decay"));
  EXPECT_EQ(schedule.fp_steps, 30'000);
  EXPECT_EQ(schedule.qat_steps, 10'000);
  EXPECT_EQ(Steps(schedule), 40'000);
  EXPECT_EQ(schedule.phases[2].steps, 6'000);
}

TEST(ScheduleTest, FusedDecaysInsideQatFromTheStableRate) {
  const TrainingSchedule schedule = *MakeSchedule(TwoPhases(4));
  EXPECT_TRUE(schedule.is_fused);
  EXPECT_THAT(Names(schedule), ElementsAre("fp_warmup", "fp_stable", "qat_decay"));
  EXPECT_EQ(schedule.phases[2].first_rate, 1);
  EXPECT_EQ(schedule.phases[2].last_rate, 0);
  EXPECT_EQ(Steps(schedule), 40'000);
}

TEST(ScheduleTest, MixedEvidenceKeepsTheClassicOne) {
  const TrainingSchedule schedule = *MakeSchedule(TwoPhases(2));
  EXPECT_EQ(schedule.advice.advice, Cooldown::kUndecided);
  EXPECT_FALSE(schedule.is_fused);
}

TEST(ScheduleTest, RatesJoinWithinAPhaseOfEach) {
  for (const double bits : {1.0, 4.0}) {
    const TrainingSchedule schedule = *MakeSchedule(TwoPhases(bits));
    for (size_t i = 1; i < schedule.phases.size(); ++i) {
      // A new warm-up begins at 0, wherever the phase before has ended.
      EXPECT_EQ(schedule.phases[i].first_rate, schedule.phases[i - 1].last_rate) << i;
    }
  }
}

TEST(ScheduleTest, CheckpointHasQatStepsAloneAndAWordOfCaution) {
  ScheduleQuestion question = TwoPhases(4);
  question.has_checkpoint = true;
  const TrainingSchedule schedule = *MakeSchedule(question);
  EXPECT_EQ(schedule.fp_steps, 0);
  EXPECT_THAT(Names(schedule), ElementsAre("qat_decay"));
  EXPECT_THAT(schedule.advice.reason, HasSubstr("not been cooled down"));
}

TEST(ScheduleTest, UnsetBatchFollowsTheCompute) {
  ScheduleQuestion question = TwoPhases(4);
  question.tokens_per_step.reset();
  question.compute_flops = 1e20;
  const TrainingSchedule schedule = *MakeSchedule(question);
  // 0.292 * 10^(20 * 0.3271)
  EXPECT_NEAR(schedule.tokens_per_step, 0.292 * std::pow(10, 6.542), 1);
  EXPECT_THAT(schedule.tokens_per_step_source, HasSubstr("2401.02954"));
}

TEST(ScheduleTest, TinyRunsHaveAStepAPhaseAtLeast) {
  ScheduleQuestion question = TwoPhases(4);
  question.tokens_per_step.reset();
  question.fp_tokens = 25;
  question.qat_tokens = 10;
  const TrainingSchedule schedule = *MakeSchedule(question);
  EXPECT_EQ(schedule.tokens_per_step, 10);
  EXPECT_EQ(schedule.fp_steps, 2);
  EXPECT_EQ(schedule.qat_steps, 1);
}

TEST(ScheduleTest, StepsSpendNoMoreThanThePhasesHave) {
  ScheduleQuestion question = TwoPhases(4);
  question.tokens_per_step = 3e9;
  const TrainingSchedule schedule = *MakeSchedule(question);
  EXPECT_EQ(schedule.fp_steps, 10);
  EXPECT_EQ(schedule.qat_steps, 3);
}

TEST(ScheduleTest, StepLeftOverGoesToThePhaseThatLacksMore) {
  ScheduleQuestion question = TwoPhases(4);
  question.tokens_per_step = 1e9;
  question.fp_tokens = 11.4e9;
  question.qat_tokens = 1.9e9;
  TrainingSchedule schedule = *MakeSchedule(question);
  EXPECT_EQ(schedule.fp_steps, 11);
  EXPECT_EQ(schedule.qat_steps, 2);
  question.fp_tokens = 11.9e9;
  question.qat_tokens = 1.4e9;
  schedule = *MakeSchedule(question);
  EXPECT_EQ(schedule.fp_steps, 12);
  EXPECT_EQ(schedule.qat_steps, 1);
}

TEST(ScheduleTest, StepsCostNoMoreThanTheTokens) {
  ScheduleQuestion question = TwoPhases(4);
  question.tokens_per_step = 1e9;
  for (const double cost : {0.1, 0.5, 1.5, 10.0}) {
    question.qat_token_cost = cost;
    for (const double fp_rest : {0.0, 0.2, 0.5, 0.8, 0.95}) {
      for (const double qat_rest : {0.0, 0.2, 0.5, 0.8, 0.95}) {
        question.fp_tokens = (11 + fp_rest) * 1e9;
        question.qat_tokens = (2 + qat_rest) * 1e9;
        const TrainingSchedule schedule = *MakeSchedule(question);
        EXPECT_LE(schedule.fp_steps + cost * schedule.qat_steps,
                  (11 + fp_rest + cost * (2 + qat_rest)) * (1 + 1e-9))
            << cost << ", " << fp_rest << ", " << qat_rest;
        EXPECT_EQ(Steps(schedule), schedule.fp_steps + schedule.qat_steps);
      }
    }
  }
}

TEST(ScheduleTest, StepBeyondAPhaseIsRefused) {
  ScheduleQuestion question = TwoPhases(4);
  question.tokens_per_step = 2e10;
  const absl::Status status = MakeSchedule(question).status();
  EXPECT_THAT(status, ViolatesField(absl::StatusCode::kOutOfRange, "tokens_per_step"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("1e+10 with QAT"));
  // What a checkpoint has been trained on is no matter.
  question.has_checkpoint = true;
  question.fp_tokens = 1;
  question.tokens_per_step = 1e10;
  EXPECT_EQ(MakeSchedule(question)->qat_steps, 1);
}

// Devices.

TEST(DevicesTest, CatalogueIsSortedAndSane) {
  EXPECT_TRUE(std::ranges::is_sorted(Devices(), {}, &Device::name));
  for (const Device& device : Devices()) {
    EXPECT_GT(device.peak_flops, 1e14) << device.name;
    EXPECT_LT(device.peak_flops, 1e16) << device.name;
    EXPECT_FALSE(device.source.empty());
    EXPECT_EQ(FindDevice(device.name), &device);
  }
  EXPECT_EQ(FindDevice("abacus"), nullptr);
}

TEST(DevicesTest, AnHourOfAnA100AtFortyPercent) {
  const Hardware hardware{.peak_flops = FindDevice("a100-sxm-80gb")->peak_flops};
  EXPECT_DOUBLE_EQ(hardware.FlopsPerDeviceHour(), 312e12 * 0.4 * 3600);
  EXPECT_DOUBLE_EQ(hardware.DeviceHours(1e21), 1e21 / (312e12 * 0.4 * 3600));
}

// Plans.

TEST(PlanTrainingTest, IsTheBestChoiceWithStepsAndCost) {
  PlanQuestion question = Question();
  question.tokens_per_step = 5e5;
  question.hardware = {
      .peak_flops = 1e15, .utilization = 0.5, .device_count = 8, .price_per_device_hour = 2};
  const PlanAnswer plan = *PlanTraining(Law(), question);
  const WidthCandidate& chosen = plan.choice.candidates.front();
  EXPECT_EQ(chosen.weight_bits, 6);
  EXPECT_NEAR(plan.cost.compute_flops / (6 * 396e6 * 5e10), 1, 1e-12);
  EXPECT_NEAR(*plan.cost.device_hours / (plan.cost.compute_flops / 1.8e18), 1, 1e-12);
  EXPECT_NEAR(*plan.cost.wall_hours * 8, *plan.cost.device_hours, 1e-9);
  EXPECT_NEAR(*plan.cost.money, 2 * *plan.cost.device_hours, 1e-9);
  EXPECT_NEAR(plan.schedule.fp_steps * 5e5, chosen.fp_tokens, 5e5);
  EXPECT_NEAR(plan.schedule.qat_steps * 5e5, chosen.qat_tokens, 5e5);
  EXPECT_EQ(plan.caller_split->qat_fraction, 0.1);
  EXPECT_GE(plan.caller_split->loss_nats.value, chosen.loss_nats.value);
}

TEST(PlanTrainingTest, RuleOfThumbCostsWhatTheFractionQuestionSays) {
  PlanQuestion question = Question();
  question.choice.weight_bits = {2};
  const PlanAnswer plan = *PlanTraining(Law(), question);
  const FractionAnswer fraction =
      *OptimizeQatFraction(Law(), {.parameters = 396e6, .weight_bits = 2, .budget_tokens = 5e10});
  EXPECT_NEAR(plan.caller_split->wasted_token_fraction.value,
              fraction.caller_split->wasted_token_fraction.value,
              1e-9);
}

TEST(PlanTrainingTest, WithoutHardwareNoHours) {
  const PlanAnswer plan = *PlanTraining(Law(), Question());
  EXPECT_FALSE(plan.cost.device_hours);
  EXPECT_FALSE(plan.cost.money);
}

TEST(PlanTrainingTest, TargetLossTakesTheLeastCompute) {
  PlanQuestion question = Question();
  question.choice.objective = WidthObjective::kLeastCompute;
  question.choice.budget = {};
  question.choice.target_loss_nats = 3;
  const PlanAnswer plan = *PlanTraining(Law(), question);
  EXPECT_NEAR(plan.choice.candidates.front().loss_nats.value, 3, 1e-9);
  EXPECT_EQ(plan.cost.compute_flops, plan.choice.candidates.front().needed->value);
}

// Checkpoints.

PlanQuestion Checkpoint(double fp_tokens) {
  PlanQuestion question = Question();
  question.choice.fixed_fp_tokens = fp_tokens;
  return question;
}

TEST(PlanCheckpointTest, WidthsAreThoseOfTheFractionQuestion) {
  const PlanAnswer plan = *PlanTraining(Law(), Checkpoint(3e10));
  for (const WidthCandidate& candidate : plan.choice.candidates) {
    const FractionAnswer fraction = *OptimizeQatFraction(Law(),
                                                         {.parameters = 396e6,
                                                          .weight_bits = candidate.weight_bits,
                                                          .budget_tokens = 5e10,
                                                          .fixed_fp_tokens = 3e10});
    EXPECT_EQ(candidate.fp_tokens, 3e10);
    EXPECT_NEAR(candidate.qat_tokens, 2e10, 1);
    EXPECT_NEAR(candidate.loss_nats.value, fraction.loss_nats.value, 1e-12);
    EXPECT_NEAR(candidate.loss_nats.interval->upper, fraction.loss_nats.interval->upper, 1e-12);
    EXPECT_FALSE(candidate.qat_fraction.interval);
  }
  EXPECT_FALSE(plan.caller_split);
}

TEST(PlanCheckpointTest, CostIsWhatIsLeft) {
  const PlanAnswer plan = *PlanTraining(Law(), Checkpoint(3e10));
  EXPECT_NEAR(plan.cost.compute_flops / (6 * 396e6 * 2e10), 1, 1e-9);
  EXPECT_EQ(plan.schedule.fp_steps, 0);
}

TEST(PlanCheckpointTest, TargetIsReachedExactly) {
  PlanQuestion question = Checkpoint(3e10);
  question.choice.objective = WidthObjective::kLeastCompute;
  question.choice.budget = {};
  question.choice.weight_bits = {4};
  question.choice.target_loss_nats = 2.95;
  const PlanAnswer plan = *PlanTraining(Law(), question);
  const WidthCandidate& chosen = plan.choice.candidates.front();
  EXPECT_NEAR(chosen.loss_nats.value, 2.95, 1e-9);
  const FractionAnswer fraction = *OptimizeQatFraction(
      Law(),
      {.parameters = 396e6, .weight_bits = 4, .fixed_fp_tokens = 3e10, .target_loss_nats = 2.95});
  EXPECT_NEAR(chosen.qat_tokens / fraction.checkpoint->target_qat_tokens->value, 1, 1e-9);
  EXPECT_TRUE(chosen.needed->interval);
}

PlanQuestion CheckpointToTarget(double target_loss_nats) {
  PlanQuestion question = Checkpoint(3e10);
  question.choice.objective = WidthObjective::kLeastCompute;
  question.choice.budget = {.qat_token_cost = 1.5};
  question.choice.target_loss_nats = target_loss_nats;
  return question;
}

TEST(PlanCheckpointTest, NeedBeginsAtWhatIsSpent) {
  PlanQuestion question = CheckpointToTarget(2.95);
  question.choice.weight_bits = {4};
  const WidthCandidate chosen = PlanTraining(Law(), question)->choice.candidates.front();
  const FractionAnswer fraction = *OptimizeQatFraction(Law(),
                                                       {.parameters = 396e6,
                                                        .weight_bits = 4,
                                                        .qat_token_cost = 1.5,
                                                        .fixed_fp_tokens = 3e10,
                                                        .target_loss_nats = 2.95});
  const Interval qat_tokens = *fraction.checkpoint->target_qat_tokens->interval;
  const auto flops = [](double qat) { return 6 * 396e6 * (3e10 + 1.5 * qat); };
  EXPECT_NEAR(chosen.needed->value / chosen.compute_flops, 1, 1e-12);
  EXPECT_NEAR(chosen.needed->interval->lower / flops(qat_tokens.lower), 1, 1e-9);
  EXPECT_NEAR(chosen.needed->interval->upper / flops(qat_tokens.upper), 1, 1e-9);
}

// Refused for needing too little, they would leave the plan to a width that needs more.
TEST(PlanCheckpointTest, WidthsThatNeedLessThanATokenAreTheBest) {
  const FittedLaw law = Law();
  const double after_a_token = std::exp(fitter::LogLoss(law.law, law.theta, {396e6, 3e10, 1, 4}));
  const double target_nats = after_a_token * 1.001;
  const PlanAnswer plan = *PlanTraining(law, CheckpointToTarget(target_nats));
  EXPECT_THAT(plan.choice.refused, IsEmpty());
  std::vector<double> widths;
  for (const WidthCandidate& candidate : plan.choice.candidates) {
    widths.push_back(candidate.weight_bits);
    EXPECT_EQ(candidate.qat_tokens == 1, candidate.weight_bits >= 4) << candidate.weight_bits;
    EXPECT_LE(candidate.loss_nats.value, target_nats * (1 + 1e-12));
  }
  EXPECT_THAT(widths, ElementsAre(4, 6, 2, 1));
  EXPECT_THAT(plan.choice.warnings,
              IsSupersetOf({HasSubstr("nats at 4 bits"), HasSubstr("nats at 6 bits")}));
  EXPECT_THAT(plan.choice.warnings, Not(Contains(HasSubstr("nats at 2 bits"))));
}

TEST(PlanCheckpointTest, BudgetThatIsSpentIsRefused) {
  EXPECT_THAT(PlanTraining(Law(), Checkpoint(5e10)).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "fixed_fp_tokens"));
}

TEST(PlanCheckpointTest, UnreachableTargetIsRefused) {
  PlanQuestion question = Checkpoint(3e10);
  question.choice.objective = WidthObjective::kLeastCompute;
  question.choice.budget = {};
  question.choice.target_loss_nats = 1;
  EXPECT_THAT(PlanTraining(Law(), question).status(),
              ViolatesField(absl::StatusCode::kOutOfRange, "target_loss_nats"));
}

}  // namespace
}  // namespace bitbudget::planner
