// Campaigns: jobs that are stored together, or not at all.

#include "tests/unit/db/job_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CampaignTest : public JobTest {
 protected:
  // A trunk and two branches.
  static std::vector<NewJob> Jobs() {
    NewJob branch = Job(1);
    branch.earlier_dependencies = {0};
    branch.earlier_start_job = 0;
    NewJob other = branch;
    other.job.mutable_training()->set_seed(2);
    return {Job(0), branch, other};
  }
  static v1::Campaign Fields(const std::string& title = "bits") {
    v1::Campaign campaign;
    campaign.set_title(title);
    campaign.mutable_cost()->set_job_count(3);
    return campaign;
  }
  absl::StatusOr<CampaignChange> CreateCampaign(const std::string& id = "c",
                                                const v1::Campaign& campaign = Fields()) {
    return jobs().CreateCampaign("studies/s", id, campaign, Jobs(), {});
  }
};

TEST_F(CampaignTest, JobsOfACampaignDependOnOneAnother) {
  const absl::StatusOr<CampaignChange> created = CreateCampaign();
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->campaign.name(), "studies/s/campaigns/c");
  EXPECT_THAT(created->changed, ElementsAre(Name(1), Name(2), Name(3)));
  const v1::Job branch = Get(Name(3));
  EXPECT_EQ(branch.campaign(), "studies/s/campaigns/c");
  EXPECT_EQ(branch.start_job(), Name(1));
  EXPECT_THAT(branch.dependencies(), ElementsAre(Name(1)));
  v1::JobFilter filter;
  filter.set_campaign("studies/s/campaigns/c");
  EXPECT_THAT(jobs().ListJobs("studies/s", filter, {})->jobs, SizeIs(3));
}

TEST_F(CampaignTest, SameCampaignAgainIsTheStoredOne) {
  ASSERT_THAT(CreateCampaign(), IsOk());
  const absl::StatusOr<CampaignChange> again = CreateCampaign();
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->changed, IsEmpty());
  EXPECT_THAT(CreateCampaign("c", Fields("another")),
              FailsWith(absl::StatusCode::kAlreadyExists, "CAMPAIGN_EXISTS"));
  EXPECT_THAT(jobs().ListJobs("studies/s", {}, {})->jobs, SizeIs(3));
}

TEST_F(CampaignTest, CampaignThatHasBecomeCheaperIsTheStoredOne) {
  ASSERT_THAT(CreateCampaign(), IsOk());
  v1::Campaign cheaper = Fields();
  cheaper.mutable_cost()->set_job_count(1);
  const absl::StatusOr<CampaignChange> again = CreateCampaign("c", cheaper);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->changed, IsEmpty());
  EXPECT_EQ(again->campaign.cost().job_count(), 3);
}

TEST_F(CampaignTest, RunsInUseAreFoundByTheirNaturalKeys) {
  ASSERT_THAT(store_->InsertExperiments({.study = "studies/s", .experiments = QatRuns(0, 2)}),
              IsOk());
  ASSERT_THAT(store_->ExcludeExperiments(
                  {.study = "studies/s", .names = {"studies/s/experiments/2"}, .reason = "a slip"}),
              IsOk());
  // Another loss is no other key.
  EXPECT_THAT(*jobs().FindStored("studies/s", {QatRun(0, 4.5), QatRun(1), QatRun(2)}),
              ElementsAre(true, false, false));
  EXPECT_EQ(jobs().FindStored("studies/t", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CampaignTest, CampaignWithoutJobsHasEnded) {
  const absl::StatusOr<CampaignChange> created =
      jobs().CreateCampaign("studies/s", "c", Fields(), {}, {});
  ASSERT_THAT(created, IsOk());
  EXPECT_TRUE(created->campaign.ended());
  EXPECT_THAT(created->changed, IsEmpty());
}

TEST_F(CampaignTest, IdIsMadeWhereNoneIsGiven) {
  ASSERT_THAT(CreateCampaign("campaign-1"), IsOk());
  EXPECT_EQ(CreateCampaign("")->campaign.name(), "studies/s/campaigns/campaign-2");
}

TEST_F(CampaignTest, CampaignCountsItsJobsByState) {
  ASSERT_THAT(CreateCampaign(), IsOk());
  Complete({.attempt = Lease()});
  const absl::StatusOr<v1::Campaign> campaign = jobs().GetCampaign("studies/s/campaigns/c");
  ASSERT_THAT(campaign, IsOk());
  ASSERT_EQ(campaign->state_counts_size(), 2);
  EXPECT_EQ(campaign->state_counts(0).state(), v1::QUEUED);
  EXPECT_EQ(campaign->state_counts(0).count(), 2);
  EXPECT_EQ(campaign->flops_done(), 600);
  EXPECT_FALSE(campaign->ended());
}

TEST_F(CampaignTest, CancellationEndsAllThatHasNotEnded) {
  ASSERT_THAT(CreateCampaign(), IsOk());
  Complete({.attempt = Lease()});
  const absl::StatusOr<CampaignChange> cancelled =
      jobs().CancelCampaign("studies/s/campaigns/c", "enough");
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_TRUE(cancelled->campaign.ended());
  EXPECT_THAT(cancelled->changed, SizeIs(2));
  EXPECT_EQ(StateOf(Name(1)), v1::SUCCEEDED);
  EXPECT_EQ(Get(Name(2)).reason(), "enough");
}

TEST_F(CampaignTest, RetryOfACancelledTrunkBringsItsBranchesBack) {
  ASSERT_THAT(CreateCampaign(), IsOk());
  ASSERT_THAT(jobs().CancelCampaign("studies/s/campaigns/c", "enough"), IsOk());
  EXPECT_EQ(Get(Name(3)).reason(), "enough");
  const absl::StatusOr<JobChange> retried = jobs().RetryJob(Name(1), {});
  ASSERT_THAT(retried, IsOk());
  EXPECT_THAT(retried->changed, ElementsAre(Name(1), Name(2), Name(3)));
  EXPECT_EQ(StateOf(Name(3)), v1::QUEUED);
  EXPECT_EQ(Get(Name(3)).reason(), "waits for studies/s/jobs/1");
}

TEST_F(CampaignTest, PagesGoThroughAllCampaigns) {
  for (const char* id : {"a", "b", "c"}) ASSERT_THAT(CreateCampaign(id), IsOk());
  const absl::StatusOr<CampaignPage> first = jobs().ListCampaigns("studies/s", {.size = 2});
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(first->campaigns, SizeIs(2));
  const absl::StatusOr<CampaignPage> second =
      jobs().ListCampaigns("studies/s", {.size = 2, .token = first->next_page_token});
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(second->campaigns, SizeIs(1));
  EXPECT_EQ(second->next_page_token, "");
}

}  // namespace
}  // namespace bitbudget::db
