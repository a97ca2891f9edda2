#include "server/campaign_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "server/training_shape.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Campaign FromJson(const std::string& json) {
  v1::Campaign campaign;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &campaign);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return campaign;
}

// One model, one budget of 1,000 steps, fractions .1 and .5, at 2 and 16 bits.
v1::Campaign SmallCampaign() {
  return FromJson(R"json({
    "training": {"schedule": {"peak_rate": 0.004}},
    "grids": [{
      "models": [{"shape": {"width": 32, "layers": 2}}],
      "total_tokens": [512000],
      "weight_bits": [2, 16],
      "qat_fractions": [0.1, 0.5]
    }]
  })json");
}

// A study that has the runs for which `is_stored`.
FindStored StudyWith(std::function<bool(const v1::Experiment&)> is_stored) {
  return [is_stored = std::move(is_stored)](const std::vector<v1::Experiment>& runs) {
    std::vector<bool> stored;
    for (const v1::Experiment& run : runs) stored.push_back(is_stored(run));
    return stored;
  };
}

FindStored EmptyStudy() {
  return StudyWith([](const v1::Experiment&) { return false; });
}

CampaignPlan PlanOf(const v1::Campaign& campaign, const FindStored& study = EmptyStudy()) {
  const auto plan = PlanCampaign(campaign, study);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : CampaignPlan();
}

// "kind fp+qat@start<start job", in steps of 512 tokens.
std::vector<std::string> Outline(const CampaignPlan& plan) {
  std::vector<std::string> lines;
  for (const PlannedJob& planned : plan.jobs) {
    const v1::TrainingSpec& training = planned.job.training();
    std::string line = planned.job.kind() == v1::TRUNK ? "trunk " : "run ";
    line += std::to_string(training.schedule().fp_tokens() / 512);
    if (training.schedule().qat_tokens() > 0) {
      line += "+" + std::to_string(training.schedule().qat_tokens() / 512) + " at " +
              std::to_string(static_cast<int>(training.quantization().bits()));
    }
    if (planned.start_job >= 0) {
      line += " from " + std::to_string(planned.job.start_tokens() / 512) + " of " +
              std::to_string(planned.start_job);
    }
    for (const int64_t tokens : training.milestone_tokens()) {
      line += " leaves " + std::to_string(tokens / 512);
    }
    lines.push_back(line);
  }
  return lines;
}

// The paths that the campaign is refused for.
std::vector<std::string> RefusedFields(const v1::Campaign& campaign) {
  const auto plan = PlanCampaign(campaign, EmptyStudy());
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
  const auto details = GetErrorDetails(plan.status());
  std::vector<std::string> fields;
  if (!details) return fields;
  for (const FieldViolation& violation : details->field_violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

TEST(CampaignPlanTest, ClassicRunsBranchFromTheEndOfTheirFullPrecisionPhase) {
  // Phases of 500 and 900 steps cool down over their second halves.
  EXPECT_THAT(Outline(PlanOf(SmallCampaign())),
              ElementsAre("trunk 450 leaves 250 leaves 450",
                          "run 500 from 250 of 0 leaves 500",
                          "run 500+500 at 2 from 500 of 1",
                          "run 500+500 at 16 from 500 of 1",
                          "run 900 from 450 of 0 leaves 900",
                          "run 900+100 at 2 from 900 of 4",
                          "run 900+100 at 16 from 900 of 4"));
}

TEST(CampaignPlanTest, FusedRunsBranchFromTheTrunkItself) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->add_schedules("fused");
  EXPECT_THAT(Outline(PlanOf(campaign)),
              ElementsAre("trunk 900 leaves 500 leaves 900",
                          "run 500+500 at 2 from 500 of 0",
                          "run 500+500 at 16 from 500 of 0",
                          "run 900+100 at 2 from 900 of 0",
                          "run 900+100 at 16 from 900 of 0"));
}

TEST(CampaignPlanTest, BothSchedulesShareOneTrunk) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->clear_weight_bits();
  campaign.mutable_grids(0)->add_weight_bits(1);
  campaign.mutable_grids(0)->clear_qat_fractions();
  campaign.mutable_grids(0)->add_qat_fractions(0.5);
  campaign.mutable_grids(0)->add_schedules("classic");
  campaign.mutable_grids(0)->add_schedules("fused");
  const CampaignPlan plan = PlanOf(campaign);
  std::vector<std::string> outline = Outline(plan);
  ASSERT_EQ(outline.size(), 4U);
  EXPECT_EQ(outline[0], "trunk 500 leaves 250 leaves 500");
  std::ranges::sort(outline);
  EXPECT_EQ(outline[1].substr(0, 21), "run 500+500 at 1 from");
  EXPECT_EQ(plan.cost.measurement_count(), 3);
}

TEST(CampaignPlanTest, PlainFullPrecisionRunsLeaveTheSameTrunk) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->set_full_precision(true);
  const std::vector<std::string> outline = Outline(PlanOf(campaign));
  EXPECT_EQ(outline.front(), "trunk 500 leaves 250 leaves 450 leaves 500");
  EXPECT_EQ(outline.back(), "run 1000 from 500 of 0");
}

TEST(CampaignPlanTest, ARunThatSharesNothingNeedsNoTrunk) {
  v1::Campaign campaign = SmallCampaign();
  v1::CampaignGrid& grid = *campaign.mutable_grids(0);
  grid.clear_weight_bits();
  grid.clear_qat_fractions();
  grid.set_full_precision(true);
  EXPECT_THAT(Outline(PlanOf(campaign)), ElementsAre("run 1000"));
}

TEST(CampaignPlanTest, APhaseThatCoolsDownFromTheStartTakesNothingFromTheTrunk) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_training()->mutable_schedule()->set_cooldown_fraction(1);
  EXPECT_THAT(Outline(PlanOf(campaign)),
              ElementsAre("run 500 leaves 500",
                          "run 500+500 at 2 from 500 of 0",
                          "run 500+500 at 16 from 500 of 0",
                          "run 900 leaves 900",
                          "run 900+100 at 2 from 900 of 3",
                          "run 900+100 at 16 from 900 of 3"));
}

TEST(CampaignPlanTest, APhaseWithoutCooldownIsTheTrunk) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_training()->mutable_schedule()->set_cooldown_fraction(0);
  EXPECT_THAT(Outline(PlanOf(campaign)),
              ElementsAre("trunk 900 leaves 500 leaves 900",
                          "run 500+500 at 2 from 500 of 0",
                          "run 500+500 at 16 from 500 of 0",
                          "run 900+100 at 2 from 900 of 0",
                          "run 900+100 at 16 from 900 of 0"));
}

TEST(CampaignPlanTest, AStartIsAMilestoneOfADependencyThatComesBefore) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->set_replicates(3);
  campaign.mutable_grids(0)->add_total_tokens(2'048'000);
  const CampaignPlan plan = PlanOf(campaign);
  for (size_t i = 0; i < plan.jobs.size(); ++i) {
    const PlannedJob& planned = plan.jobs[i];
    for (const int dependency : planned.dependencies) EXPECT_LT(dependency, static_cast<int>(i));
    if (planned.start_job < 0) continue;
    EXPECT_THAT(planned.dependencies, ElementsAre(planned.start_job));
    EXPECT_THAT(plan.jobs[planned.start_job].job.training().milestone_tokens(),
                ::testing::Contains(planned.job.start_tokens()));
  }
}

TEST(CampaignPlanTest, BranchesAgreeWithTheirTrunkInAllThatDecidesItsState) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_training()->mutable_schedule()->set_warmup_tokens(5120);
  campaign.mutable_training()->mutable_optimizer()->set_beta2(0.95);
  const CampaignPlan plan = PlanOf(campaign);
  const v1::TrainingSpec& trunk = plan.jobs[0].job.training();
  EXPECT_EQ(trunk.schedule().cooldown_fraction(), 0);
  for (const PlannedJob& planned : plan.jobs) {
    const v1::TrainingSpec& training = planned.job.training();
    EXPECT_EQ(training.schedule().peak_rate(), trunk.schedule().peak_rate());
    EXPECT_EQ(training.schedule().warmup_tokens(), 5120);
    EXPECT_EQ(training.optimizer().beta2(), 0.95);
    EXPECT_EQ(training.seed(), trunk.seed());
    EXPECT_EQ(training.model().width(), trunk.model().width());
  }
}

TEST(CampaignPlanTest, ReplicatesComeOneAfterTheOther) {
  v1::Campaign campaign = SmallCampaign();
  v1::CampaignGrid& grid = *campaign.mutable_grids(0);
  grid.set_replicates(2);
  grid.set_first_replicate(5);
  v1::TrainingModel& second = *grid.add_models()->mutable_shape();
  second.set_width(48);
  second.set_layers(2);
  std::vector<std::pair<int, int>> order;
  for (const PlannedJob& planned : PlanOf(campaign).jobs) {
    const std::pair<int, int> place = {planned.job.training().seed(),
                                       planned.job.training().model().width()};
    if (order.empty() || order.back() != place) order.push_back(place);
  }
  EXPECT_THAT(order,
              ElementsAre(std::pair(5, 32), std::pair(5, 48), std::pair(6, 32), std::pair(6, 48)));
}

TEST(CampaignPlanTest, TokensAreRoundedToWholeSteps) {
  v1::Campaign campaign = SmallCampaign();
  // 999.5 steps round up; .1 of 1,000 steps are 100.
  campaign.mutable_grids(0)->set_total_tokens(0, 511'744);
  const CampaignPlan plan = PlanOf(campaign);
  EXPECT_EQ(TotalTokens(plan.jobs.back().job.training()), 512'000);
  EXPECT_EQ(plan.jobs.back().job.training().schedule().qat_tokens(), 51'200);
}

TEST(CampaignPlanTest, ARunThatTwoGridsNameIsTrainedOnce) {
  v1::Campaign campaign = SmallCampaign();
  v1::CampaignGrid again = campaign.grids(0);
  // The same, with a default written out.
  again.mutable_training()->set_batch_sequences(8);
  *campaign.add_grids() = again;
  EXPECT_THAT(Outline(PlanOf(campaign)), Outline(PlanOf(SmallCampaign())));
}

TEST(CampaignPlanTest, RunsThatAStudyCannotTellApartAreRefused) {
  v1::Campaign campaign = SmallCampaign();
  v1::CampaignGrid& other = *campaign.add_grids();
  other = campaign.grids(0);
  other.mutable_training()->mutable_schedule()->set_qat_peak_share(1);
  EXPECT_THAT(RefusedFields(campaign), ElementsAre("campaign.grids"));
  EXPECT_THAT(std::string(PlanCampaign(campaign, EmptyStudy()).status().message()),
              HasSubstr("512k tokens, 2 bits, 50 % QAT classic, seed 0"));
}

TEST(CampaignPlanTest, RunsThatTheStudyHasAreNotTrainedAgain) {
  const CampaignPlan plan =
      PlanOf(SmallCampaign(),
             StudyWith([](const v1::Experiment& run) { return run.role() == v1::CONTROL; }));
  EXPECT_THAT(Outline(plan),
              ElementsAre("trunk 450 leaves 250 leaves 450",
                          "run 500 from 250 of 0 leaves 500",
                          "run 500+500 at 2 from 500 of 1",
                          "run 900 from 450 of 0 leaves 900",
                          "run 900+100 at 2 from 900 of 3"));
  EXPECT_EQ(plan.cost.existing_count(), 2);
  EXPECT_EQ(plan.cost.trained_tokens_alone(), 2 * 1000 * 512);
}

TEST(CampaignPlanTest, ATrunkThatNoRunIsLeftForIsNotTrained) {
  // All of one fraction are there: the other is trained without a trunk.
  const CampaignPlan plan =
      PlanOf(SmallCampaign(),
             StudyWith([](const v1::Experiment& run) { return run.qat_tokens() == 500 * 512; }));
  EXPECT_THAT(Outline(plan),
              ElementsAre("run 900 leaves 900",
                          "run 900+100 at 2 from 900 of 0",
                          "run 900+100 at 16 from 900 of 0"));
}

TEST(CampaignPlanTest, ACooldownThatTheStudyHasIsTrainedForItsCheckpointAlone) {
  const CampaignPlan plan =
      PlanOf(SmallCampaign(),
             StudyWith([](const v1::Experiment& run) { return run.role() == v1::FULL_PRECISION; }));
  EXPECT_THAT(Outline(plan),
              ElementsAre("trunk 450 leaves 250 leaves 450",
                          "trunk 500 from 250 of 0 leaves 500",
                          "run 500+500 at 2 from 500 of 1",
                          "run 500+500 at 16 from 500 of 1",
                          "trunk 900 from 450 of 0 leaves 900",
                          "run 900+100 at 2 from 900 of 4",
                          "run 900+100 at 16 from 900 of 4"));
  EXPECT_EQ(plan.cost.measurement_count(), 4);
  EXPECT_EQ(plan.cost.existing_count(), 0);
}

TEST(CampaignPlanTest, ACampaignWhoseRunsAreAllThereHasNoJobs) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->set_full_precision(true);
  const FindStored study = StudyWith([](const v1::Experiment&) { return true; });
  for (const bool separate : {false, true}) {
    campaign.set_separate_runs(separate);
    const CampaignPlan plan = PlanOf(campaign, study);
    EXPECT_THAT(plan.jobs, IsEmpty());
    EXPECT_EQ(plan.cost.existing_count(), 5);
    EXPECT_EQ(plan.cost.flops_alone(), 0);
  }
}

TEST(CampaignPlanTest, AnotherTrainersRunsAreNotKnownBeforehand) {
  v1::Campaign campaign = SmallCampaign();
  campaign.set_trainer("example");
  const CampaignPlan plan = PlanOf(campaign, StudyWith([](const v1::Experiment&) { return true; }));
  EXPECT_EQ(plan.cost.measurement_count(), 6);
}

TEST(CampaignPlanTest, WhatTheStudyCannotSayIsPassedOn) {
  const auto plan = PlanCampaign(SmallCampaign(), [](const std::vector<v1::Experiment>&) {
    return absl::NotFoundError("no such study");
  });
  EXPECT_EQ(plan.status(), absl::NotFoundError("no such study"));
}

TEST(CampaignPlanTest, ShortFullPrecisionPhasesAreLeftOut) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->set_min_fp_tokens(256'001);
  EXPECT_THAT(Outline(PlanOf(campaign)),
              ElementsAre("run 900 leaves 900",
                          "run 900+100 at 2 from 900 of 0",
                          "run 900+100 at 16 from 900 of 0"));
}

TEST(CampaignPlanTest, SeparateRunsAreTrainedAlone) {
  v1::Campaign campaign = SmallCampaign();
  campaign.set_separate_runs(true);
  const CampaignPlan plan = PlanOf(campaign);
  EXPECT_THAT(
      Outline(plan),
      ElementsAre(
          "run 900+100 at 2", "run 900+100 at 16", "run 500+500 at 2", "run 500+500 at 16"));
  EXPECT_EQ(plan.cost.flops(), plan.cost.flops_alone());
  EXPECT_EQ(plan.cost.trained_tokens(), 4 * 512'000);
}

TEST(CampaignPlanTest, CostCountsWhatIsTrained) {
  const CampaignPlan plan = PlanOf(SmallCampaign());
  // Steps: 450 of the trunk, cooldowns 250 and 450, QAT 2 x 500 and 2 x 100.
  EXPECT_EQ(plan.cost.trained_tokens(), (450 + 250 + 450 + 1000 + 200) * 512);
  EXPECT_EQ(plan.cost.trained_tokens_alone(), 4 * 1000 * 512);
  // 32 x 2: 24,576 weights and 5 gains of 32.
  EXPECT_EQ(plan.cost.flops_alone(), 6.0 * 24'736 * 4 * 512'000);
  EXPECT_EQ(plan.cost.job_count(), 7);
  EXPECT_EQ(plan.cost.measurement_count(), 6);
}

TEST(CampaignPlanTest, TheRecommendedCampaignCostsLessThanHalfOfItsRunsAlone) {
  const CampaignPlan plan = PlanOf(FromJson(R"json({
    "training": {"schedule": {"peak_rate": 0.0045}},
    "grids": [{
      "models": [{"shape": {"width": 32, "layers": 2}}, {"shape": {"width": 48, "layers": 2}}],
      "total_tokens": [1000000, 4000000, 16000000],
      "weight_bits": [1, 2, 3, 4, 16],
      "qat_fractions": [0.03, 0.06, 0.12, 0.25, 0.45, 0.7],
      "replicates": 3
    }]
  })json"));
  // 90 runs of 7 budgets' tokens a model and seed; of the full-precision phases,
  // whose shares of a budget add up to 4.39, half is cooled down, and the trunk is
  // as long as half of the longest.
  const double shared = (0.485 * 16 + (4.39 / 2 + 5 * 1.61) * 21) / (30 * 21);
  EXPECT_NEAR(plan.cost.flops() / plan.cost.flops_alone(), shared, 1e-3);
  EXPECT_LT(plan.cost.flops(), 0.45 * plan.cost.flops_alone());
}

TEST(CampaignPlanTest, EveryViolationIsNamed) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_training()->set_seed(1);
  v1::CampaignGrid& grid = *campaign.mutable_grids(0);
  grid.set_total_tokens(0, 0);
  grid.add_weight_bits(2.5);
  grid.add_qat_fractions(1);
  grid.add_schedules("cosine");
  grid.mutable_models(0)->set_peak_rate(2);
  grid.add_models();
  EXPECT_THAT(RefusedFields(campaign),
              ElementsAre("campaign.training.seed",
                          "campaign.grids[0].models[0].peak_rate",
                          "campaign.grids[0].models[1].shape",
                          "campaign.grids[0].total_tokens[0]",
                          "campaign.grids[0].weight_bits[2]",
                          "campaign.grids[0].qat_fractions[2]",
                          "campaign.grids[0].schedules[0]"));
}

TEST(CampaignPlanTest, ACampaignNeedsAGrid) {
  EXPECT_THAT(RefusedFields(v1::Campaign()), ElementsAre("campaign.grids"));
}

TEST(CampaignPlanTest, APhaseWithoutAStepIsRefused) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->set_total_tokens(0, 2'048);
  EXPECT_THAT(RefusedFields(campaign), ElementsAre("campaign.grids[0].qat_fractions[0]"));
}

TEST(CampaignPlanTest, ParametersThatContradictTheShapeAreRefused) {
  v1::Campaign campaign = SmallCampaign();
  campaign.mutable_grids(0)->mutable_models(0)->mutable_shape()->set_parameters(25'000);
  EXPECT_THAT(RefusedFields(campaign), ElementsAre("campaign.grids[0].models[0].shape.parameters"));
}

TEST(CampaignPlanTest, TooManyRunsAreRefusedBeforeTheyAreMade) {
  v1::Campaign campaign = SmallCampaign();
  v1::CampaignGrid& grid = *campaign.mutable_grids(0);
  grid.set_replicates(1'000);
  for (int i = 0; i < 90; ++i) grid.add_total_tokens(1'000'000 + i * 512);
  EXPECT_THAT(RefusedFields(campaign), ElementsAre("campaign.grids"));
}

TEST(CampaignPlanTest, AnotherTrainerMayHaveOtherWidths) {
  v1::Campaign campaign = SmallCampaign();
  campaign.set_trainer("example");
  campaign.mutable_grids(0)->add_weight_bits(2.5);
  const CampaignPlan plan = PlanOf(campaign);
  EXPECT_EQ(plan.jobs.front().job.trainer(), "example");
  EXPECT_EQ(plan.cost.measurement_count(), 2 + 2 * 3);
}

TEST(CampaignPlanTest, TheRunsOfASpecAreLabelledForPeople) {
  const CampaignPlan plan = PlanOf(SmallCampaign());
  EXPECT_EQ(plan.jobs[0].job.label(), "24.7k parameters, 230k tokens, trunk, seed 0");
  EXPECT_EQ(plan.jobs[1].job.label(), "24.7k parameters, 256k tokens, 16 bits, seed 0");
  EXPECT_EQ(plan.jobs[2].job.label(),
            "24.7k parameters, 512k tokens, 2 bits, 50 % QAT classic, seed 0");
}

}  // namespace
}  // namespace bitbudget::server
