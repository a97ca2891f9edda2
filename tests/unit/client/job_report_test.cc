#include "client/cli/job_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitbudget::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void AddCount(v1::Campaign& campaign, v1::JobState state, int64_t count) {
  v1::Campaign::StateCount& entry = *campaign.add_state_counts();
  entry.set_state(state);
  entry.set_count(count);
}

v1::Campaign HalfDone() {
  v1::Campaign campaign;
  campaign.set_name("studies/micro/campaigns/small");
  campaign.mutable_cost()->set_job_count(17);
  campaign.mutable_cost()->set_measurement_count(16);
  campaign.mutable_cost()->set_flops(4e11);
  campaign.mutable_cost()->set_flops_alone(1e12);
  campaign.mutable_cost()->set_trained_tokens(4'000'000);
  campaign.mutable_cost()->set_trained_tokens_alone(10'000'000);
  campaign.set_flops_done(1e11);
  AddCount(campaign, v1::SUCCEEDED, 12);
  AddCount(campaign, v1::RUNNING, 2);
  AddCount(campaign, v1::QUEUED, 3);
  return campaign;
}

v1::Job RunningJob() {
  v1::Job job;
  job.set_name("studies/micro/jobs/17");
  job.set_label("24.7k parameters, 1M tokens, 2 bits");
  job.set_kind(v1::MEASUREMENT);
  job.set_state(v1::RUNNING);
  job.set_attempt(2);
  job.set_worker("node7");
  job.mutable_training()->mutable_schedule()->set_fp_tokens(900'000);
  job.mutable_training()->mutable_schedule()->set_qat_tokens(100'000);
  job.mutable_progress()->set_tokens(450'000);
  job.mutable_progress()->set_loss_nats(2.3041);
  return job;
}

TEST(JobReportTest, CampaignLineCountsStatesThatOccur) {
  EXPECT_EQ(CampaignLine(HalfDone()), "12 of 17 jobs done, 2 running, 3 queued; 25 % of the FLOPs");
}

TEST(JobReportTest, ACampaignWithoutJobsSaysThatNothingIsToBeDone) {
  v1::Campaign campaign;
  campaign.mutable_cost()->set_existing_count(12);
  EXPECT_EQ(CampaignLine(campaign), "nothing to train: the study had 12 runs already");
  EXPECT_EQ(CostText(campaign.cost()), "12 runs that the study has already: not trained again\n");
}

TEST(JobReportTest, CostSaysWhichRunsAreThereAlready) {
  v1::Campaign campaign = HalfDone();
  EXPECT_THAT(CostText(campaign.cost()), Not(HasSubstr("already")));
  campaign.mutable_cost()->set_existing_count(1);
  EXPECT_THAT(CostText(campaign.cost()),
              HasSubstr("17 jobs, 16 measurements\n1 run that the study has already"));
}

TEST(JobReportTest, CostComparesSharedTrunksWithRunsAlone) {
  const std::string text = CostText(HalfDone().cost());
  EXPECT_THAT(text, HasSubstr("17 jobs, 16 measurements"));
  EXPECT_THAT(text, HasSubstr("0.40"));
  EXPECT_THAT(text, HasSubstr("10M"));
}

TEST(JobReportTest, JobsInAStateThatDoesNotOccurAreNone) {
  EXPECT_EQ(JobsIn(HalfDone(), v1::SUCCEEDED), 12);
  EXPECT_EQ(JobsIn(HalfDone(), v1::FAILED), 0);
}

TEST(JobReportTest, JobLineShowsProgressOfARunningJob) {
  EXPECT_EQ(JobLine(RunningJob()),
            "17 running 45 %, loss 2.3041: 24.7k parameters, 1M tokens, 2 bits\n");
}

TEST(JobReportTest, JobLineSaysWhyAJobFailed) {
  v1::Job job = RunningJob();
  job.set_state(v1::FAILED);
  job.mutable_failure()->set_message("diverged after 512 tokens");
  EXPECT_EQ(JobLine(job),
            "17 failed, diverged after 512 tokens: 24.7k parameters, 1M tokens, 2 bits\n");
}

TEST(JobReportTest, JobTextLeavesOutWhatIsNotKnown) {
  const std::string text = JobText(RunningJob());
  EXPECT_THAT(text, HasSubstr("studies/micro/jobs/17"));
  EXPECT_THAT(text, HasSubstr("2, 0 failed, 0 lost"));
  EXPECT_THAT(text, Not(HasSubstr("Last failure")));
  EXPECT_THAT(text, Not(HasSubstr("Ended")));
}

TEST(JobReportTest, JobTableHasALineForEachJob) {
  v1::ListJobsResponse jobs;
  *jobs.add_jobs() = RunningJob();
  EXPECT_EQ(JobTable(jobs).TabSeparated(),
            "JOB\tKIND\tSTATE\tATTEMPT\tWORKER\tPROGRESS\tTRAIN LOSS\tLABEL\n"
            "17\tmeasurement\trunning\t2\tnode7\t45 %\t2.3041\t"
            "24.7k parameters, 1M tokens, 2 bits\n");
}

TEST(JobReportTest, CampaignTableHasALineForEachCampaign) {
  v1::ListCampaignsResponse campaigns;
  *campaigns.add_campaigns() = HalfDone();
  EXPECT_EQ(CampaignTable(campaigns).TabSeparated(),
            "CAMPAIGN\tSTATE\tJOBS\tDONE\tFAILED\tFLOP\tTITLE\n"
            "small\tunder way\t17\t12\t0\t400B\t\n");
}

}  // namespace
}  // namespace bitbudget::cli
