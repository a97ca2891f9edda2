// Campaigns, from their request to their end.

#include "tests/unit/server/job_service_fixture.h"

namespace bitbudget::server {
namespace {

using testing::FieldsOf;
using testing::ReadAll;
using CampaignServiceTest = testing::JobServiceTest;

v1::CreateCampaignRequest CampaignRequest() {
  v1::CreateCampaignRequest request;
  request.set_parent("studies/s");
  request.set_campaign_id("c");
  v1::Campaign& campaign = *request.mutable_campaign();
  campaign.mutable_training()->mutable_schedule()->set_peak_rate(0.004);
  v1::CampaignGrid& grid = *campaign.add_grids();
  v1::TrainingModel& shape = *grid.add_models()->mutable_shape();
  shape.set_width(32);
  shape.set_layers(2);
  grid.add_total_tokens(1'000'000);
  grid.add_weight_bits(2);
  grid.add_weight_bits(4);
  grid.add_qat_fractions(0.25);
  return request;
}

TEST_F(CampaignServiceTest, CampaignIsPlannedStoredAndFollowedToItsEnd) {
  v1::CreateCampaignRequest request = CampaignRequest();
  request.set_validate_only(true);
  const auto cost = all_->campaigns.CreateCampaign(call_, request);
  ASSERT_TRUE(cost.ok()) << cost.status();
  EXPECT_EQ(cost->name(), "");
  EXPECT_GT(cost->cost().flops_alone(), cost->cost().flops());
  EXPECT_FALSE(Lease().has_job());

  request.set_validate_only(false);
  const auto created = all_->campaigns.CreateCampaign(call_, request);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "studies/s/campaigns/c");
  v1::WatchCampaignRequest watched;
  watched.set_name(created->name());
  auto watch = all_->campaigns.WatchCampaign(watched, [] {});
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  EXPECT_TRUE(Lease().has_job());
  EXPECT_EQ(ReadAll(**watch).size(), 1);

  v1::CancelCampaignRequest cancel;
  cancel.set_name(created->name());
  const auto cancelled = all_->campaigns.CancelCampaign(call_, cancel);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_TRUE(cancelled->ended());
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  EXPECT_TRUE((*watch)->has_ended());
}

TEST_F(CampaignServiceTest, CampaignThatNoTrainerCanTrainIsRefused) {
  v1::CreateCampaignRequest request = CampaignRequest();
  request.mutable_campaign()->mutable_grids(0)->mutable_models(0)->mutable_shape()->set_width(40);
  EXPECT_EQ(FieldsOf(all_->campaigns.CreateCampaign(call_, request).status()),
            std::vector<std::string>{"campaign.grids[0].models[0].shape.width"});
}

TEST_F(CampaignServiceTest, FieldsAreNamedWhereTheyAreStated) {
  v1::CreateCampaignRequest request = CampaignRequest();
  v1::Campaign& campaign = *request.mutable_campaign();
  campaign.mutable_training()->set_batch_sequences(5'000);
  campaign.mutable_training()->mutable_optimizer()->set_beta1(2);
  campaign.add_grids()->CopyFrom(campaign.grids(0));
  campaign.mutable_grids(1)->mutable_training()->mutable_optimizer()->set_beta1(3);
  campaign.mutable_grids(1)->set_total_tokens(0, 2'000'000'000);
  // Rules of one trainer are looked at once those for all hold.
  EXPECT_EQ(FieldsOf(all_->campaigns.CreateCampaign(call_, request).status()),
            (std::vector<std::string>{"campaign.training.optimizer.beta1",
                                      "campaign.grids[1].training.optimizer.beta1"}));
  campaign.mutable_training()->clear_optimizer();
  campaign.mutable_grids(1)->clear_training();
  EXPECT_EQ(FieldsOf(all_->campaigns.CreateCampaign(call_, request).status()),
            std::vector<std::string>{"campaign.training.batch_sequences"});
}

TEST_F(CampaignServiceTest, TrunkThatHadToLeaveTooManyCheckpointsIsRefused) {
  v1::CreateCampaignRequest request = CampaignRequest();
  v1::CampaignGrid& grid = *request.mutable_campaign()->mutable_grids(0);
  grid.clear_weight_bits();
  grid.clear_total_tokens();
  grid.set_full_precision(true);
  grid.clear_qat_fractions();
  for (int i = 1; i <= 100; ++i) grid.add_total_tokens(i * (1'024'000 + i * 512));
  grid.add_weight_bits(2);
  for (int i = 1; i <= 20; ++i) grid.add_qat_fractions(i * 0.04);
  const absl::Status refused = all_->campaigns.CreateCampaign(call_, request).status();
  EXPECT_EQ(FieldsOf(refused), std::vector<std::string>{"campaign.grids"});
  EXPECT_NE(refused.message().find("need a trunk whose milestone_tokens"), absl::string_view::npos)
      << refused;
}

TEST_F(CampaignServiceTest, RunsThatAreThereGetNoJob) {
  v1::Experiment run = testing::FullPrecisionRun(24'736, 999'936);
  run.set_fp_tokens(750'080);
  run.set_qat_tokens(249'856);
  run.set_weight_bits(2);
  run.set_role(v1::FP_THEN_QAT);
  run.set_recipe("learned-log-scale");
  run.set_optimizer("adamw");
  run.set_schedule("classic");
  Store("studies/s", {run});
  const auto created = all_->campaigns.CreateCampaign(call_, CampaignRequest());
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->cost().existing_count(), 1);
  EXPECT_EQ(created->cost().job_count(), 2);  // the cooldown, and 4 bits
}

TEST_F(CampaignServiceTest, CampaignThatNobodyTakesSaysWhy) {
  ASSERT_TRUE(all_->campaigns.CreateCampaign(call_, CampaignRequest()).ok());
  v1::GetCampaignRequest request;
  request.set_name("studies/s/campaigns/c");
  EXPECT_EQ(all_->campaigns.GetCampaign(call_, request)->reason(),
            "no worker has asked for jobs in the last 2 minutes");
  EXPECT_TRUE(Lease().has_job());
  EXPECT_EQ(all_->campaigns.GetCampaign(call_, request)->reason(), "");
}

TEST_F(CampaignServiceTest, RetryQueuesWhatHasFailedAndNothingElse) {
  ASSERT_TRUE(all_->campaigns.CreateCampaign(call_, CampaignRequest()).ok());
  // The cooldown fails for good, and its branches end with it.
  Fail(Lease().job(), v1::JobFailure::INVALID);
  v1::RetryCampaignRequest request;
  request.set_name("studies/s/campaigns/c");
  request.set_request_id("once");
  const auto retried = all_->campaigns.RetryCampaign(call_, request);
  ASSERT_TRUE(retried.ok()) << retried.status();
  ASSERT_EQ(retried->state_counts_size(), 1);
  EXPECT_EQ(retried->state_counts(0).state(), v1::QUEUED);
  EXPECT_EQ(retried->state_counts(0).count(), 3);

  v1::CancelCampaignRequest cancel;
  cancel.set_name(request.name());
  ASSERT_TRUE(all_->campaigns.CancelCampaign(call_, cancel).ok());
  // A repeat of the request is told what the first was, and changes nothing.
  EXPECT_EQ(all_->campaigns.RetryCampaign(call_, request)->state_counts(0).state(), v1::QUEUED);
  request.set_request_id("again");
  EXPECT_EQ(all_->campaigns.RetryCampaign(call_, request)->state_counts(0).state(), v1::CANCELLED);
}

}  // namespace
}  // namespace bitbudget::server
