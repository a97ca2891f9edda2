// Jobs and campaigns from the command line, without a worker.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::HasSubstr;

class JobsTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    CreateStudy();
    Write("grid.json", R"json({
      "training": {"schedule": {"peak_rate": 0.004}},
      "grids": [{
        "models": [{"shape": {"width": 32, "layers": 2}}],
        "total_tokens": [512e3],
        "weight_bits": [2, 16],
        "qat_fractions": [0.1, 0.5]
      }]
    })json");
  }

  void CreateCampaign() const { Output("campaign create c --study s --grid grid.json"); }

  // The full names of all jobs, in their order.
  std::vector<std::string> JobNames() const {
    std::vector<std::string> names;
    const nlohmann::json page = Json("jobs list --study s");
    for (const nlohmann::json& job : page["jobs"]) {
      names.push_back(job["name"]);
    }
    return names;
  }

  int CountIn(const std::string& state) const {
    return static_cast<int>(Json("jobs list --study s --state " + state)["jobs"].size());
  }
};

TEST_F(JobsTest, ADryRunPrintsTheCostAndStoresNothing) {
  const std::string output = Output("campaign create c --study s --grid grid.json --dry-run");
  EXPECT_THAT(output, HasSubstr("7 jobs, 6 measurements"));
  EXPECT_THAT(output, HasSubstr("every run alone"));
  EXPECT_THAT(output, HasSubstr("nothing was stored"));
  EXPECT_TRUE(Json("campaign list --study s")["campaigns"].empty());
  EXPECT_TRUE(JobNames().empty());
}

TEST_F(JobsTest, ACampaignQueuesItsJobs) {
  const nlohmann::json campaign = Json("campaign create c --study s --grid grid.json");
  EXPECT_EQ(campaign["name"], "studies/s/campaigns/c");
  EXPECT_EQ(campaign["cost"]["job_count"], "7");
  EXPECT_EQ(campaign["cost"]["trained_tokens_alone"], "2048000");
  EXPECT_EQ(JobNames().size(), 7U);
  EXPECT_EQ(CountIn("queued"), 7);
  EXPECT_THAT(Output("campaign show c --study s"), HasSubstr("7 queued"));
}

TEST_F(JobsTest, TheSameCampaignAgainChangesNothing) {
  CreateCampaign();
  CreateCampaign();
  EXPECT_EQ(JobNames().size(), 7U);
}

TEST_F(JobsTest, AnotherCampaignOfTheSameIdIsRefused) {
  CreateCampaign();
  Write("other.json", R"json({
    "training": {"schedule": {"peak_rate": 0.004}},
    "grids": [{"models": [{"shape": {"width": 48, "layers": 2}}], "total_tokens": [512000],
               "full_precision": true}]
  })json");
  const testing::Completed completed = Bitbudget("campaign create c --study s --grid other.json");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_EQ(JobNames().size(), 7U);
}

// Rows of the grid as bitbudget-train names them: one of two fractions, both widths.
constexpr char kHalfOfTheGrid[] =
    "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,role,recipe,optimizer,schedule\n"
    "24736,256000,256000,2,2.5,FP_THEN_QAT,learned-log-scale,adamw,classic\n"
    "24736,256000,256000,16,2.4,CONTROL,none,adamw,classic\n";

TEST_F(JobsTest, RunsThatWereImportedAreNotTrainedAgain) {
  Write("runs.csv", kHalfOfTheGrid);
  Output("experiments import --study s runs.csv");
  EXPECT_THAT(Output("campaign create c --study s --grid grid.json --dry-run"),
              HasSubstr("3 jobs, 3 measurements\n"
                        "2 runs that the study has already: not trained again\n"));
  const nlohmann::json campaign = Json("campaign create c --study s --grid grid.json");
  EXPECT_EQ(campaign["cost"]["existing_count"], "2");
  EXPECT_EQ(JobNames().size(), 3U);
}

TEST_F(JobsTest, AnExcludedRunIsTrainedAgain) {
  Write("runs.csv", kHalfOfTheGrid);
  Output("experiments import --study s runs.csv");
  Output("experiments exclude 1 --study s --reason 'a slip'");
  EXPECT_THAT(Output("campaign create c --study s --grid grid.json --dry-run"),
              HasSubstr("1 run that the study has already"));
}

TEST_F(JobsTest, ACampaignWhoseRunsAreAllThereIsCompleteFromTheStart) {
  Write("runs.csv",
        std::string(kHalfOfTheGrid) +
            "24736,460800,51200,2,2.5,FP_THEN_QAT,learned-log-scale,adamw,classic\n"
            "24736,460800,51200,16,2.4,CONTROL,none,adamw,classic\n");
  Output("experiments import --study s runs.csv");
  EXPECT_THAT(Output("campaign create c --study s --grid grid.json"),
              HasSubstr("c has ended: nothing to train: the study had 4 runs already"));
  EXPECT_EQ(Json("campaign show c --study s")["ended"], true);
  EXPECT_THAT(Output("campaign watch c --study s"), HasSubstr("nothing to train"));
  EXPECT_TRUE(JobNames().empty());
}

TEST_F(JobsTest, AnUnknownFieldOfAGridIsNamedByItsPath) {
  Write("grid.json", R"({"grids": [{"total_tokens": [1], "bits": [2]}]})");
  const testing::Completed completed = Bitbudget("campaign create c --study s --grid grid.json");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("grid.json holds no campaign as JSON"));
  EXPECT_THAT(completed.errors, HasSubstr("(grids[0]) bits"));
}

TEST_F(JobsTest, ARuleThatAGridBreaksIsNamedByItsPath) {
  Write("grid.json", R"json({
    "training": {"schedule": {"peak_rate": 0.004}},
    "grids": [{"models": [{"shape": {"width": 32, "layers": 2}}], "total_tokens": [512000],
               "weight_bits": [2.5], "qat_fractions": [0.1]}]
  })json");
  const testing::Completed completed = Bitbudget("campaign create c --study s --grid grid.json");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("campaign.grids[0].weight_bits[0]"));
}

TEST_F(JobsTest, AGridFileThatIsNotThereIsRefused) {
  const testing::Completed completed = Bitbudget("campaign create c --study s --grid none.json");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("cannot read none.json"));
}

TEST_F(JobsTest, CancellingATrunkCancelsItsBranchesAndRetryBringsThemBack) {
  CreateCampaign();
  const std::string trunk = JobNames().front();
  EXPECT_THAT(Output("jobs cancel " + trunk + " --reason 'wrong rate'"), HasSubstr("cancelled"));
  EXPECT_EQ(CountIn("cancelled"), 7);
  EXPECT_THAT(Output("jobs show " + trunk), HasSubstr("wrong rate"));
  Output("jobs retry " + trunk);
  EXPECT_EQ(CountIn("queued"), 7);
}

TEST_F(JobsTest, AJobThatHasNotEndedIsNotRetried) {
  CreateCampaign();
  EXPECT_EQ(Bitbudget("jobs retry " + JobNames().front()).status.code, 1);
}

TEST_F(JobsTest, WatchingACancelledCampaignEndsAtOnce) {
  CreateCampaign();
  EXPECT_THAT(Output("campaign cancel c --study s"), HasSubstr("7 cancelled"));
  const testing::Completed watched = Bitbudget("campaign watch c --study s");
  EXPECT_EQ(watched.status.code, 1);
  EXPECT_THAT(watched.output, HasSubstr("0 of 7 jobs done, 7 cancelled"));
  EXPECT_THAT(watched.errors, HasSubstr("7 jobs were cancelled"));
}

TEST_F(JobsTest, AnIdWithoutAStudyIsWrongUsage) {
  const testing::Completed completed = Bitbudget("jobs show 17");
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_THAT(completed.errors, HasSubstr("add --study NAME, or write studies/NAME/jobs/17"));
}

TEST_F(JobsTest, AJobThatIsNotThereIsNotFound) {
  EXPECT_EQ(Bitbudget("jobs show 17 --study s").status.code, 1);
}

TEST_F(JobsTest, AJobThatIsNotThereKeepsNoneOfTheOthersBack) {
  CreateCampaign();
  const testing::Completed shown = Bitbudget("jobs cancel 98 7 99 6 --study s --json");
  EXPECT_EQ(shown.status.code, 1);
  const nlohmann::json document = nlohmann::json::parse(shown.output);
  ASSERT_EQ(document["jobs"].size(), 2U);
  EXPECT_EQ(document["jobs"][0]["name"], "studies/s/jobs/7");
  EXPECT_EQ(document["jobs"][1]["state"], "CANCELLED");
  EXPECT_THAT(shown.errors, HasSubstr("2 of 4 jobs"));
  EXPECT_THAT(shown.errors, HasSubstr("studies/s/jobs/99"));
}

TEST_F(JobsTest, AJobThatNobodyTakesSaysWhy) {
  CreateCampaign();
  EXPECT_THAT(Output("jobs show 1 --study s"), HasSubstr("no worker has asked for jobs"));
  EXPECT_THAT(Output("jobs show 2 --study s"), HasSubstr("waits for studies/s/jobs/1"));
  EXPECT_THAT(Output("campaign show c --study s"), HasSubstr("no worker has asked for jobs"));
}

TEST_F(JobsTest, AFieldOfTheGridIsNamedAsItWasWritten) {
  Write("grid.json", R"json({
    "training": {"schedule": {"peak_rate": 0.004}, "batch_sequences": 5000},
    "grids": [{"models": [{"shape": {"width": 40, "layers": 2}}], "total_tokens": [5120000],
               "weight_bits": [2], "qat_fractions": [0.1],
               "training": {"quantization": {"granularity": "group", "group_size": 7}}}]
  })json");
  const testing::Completed completed = Bitbudget("campaign create c --study s --grid grid.json");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("campaign.grids[0].models[0].shape.width"));
  EXPECT_THAT(completed.errors, HasSubstr("campaign.grids[0].training.quantization.group_size"));
  EXPECT_THAT(completed.errors, HasSubstr("campaign.training.batch_sequences"));
}

TEST_F(JobsTest, RetryingACampaignWithoutFailedJobsChangesNothing) {
  CreateCampaign();
  EXPECT_THAT(Output("campaign retry c --study s"), HasSubstr("7 queued"));
}

TEST_F(JobsTest, RetryingACancelledCampaignSaysHowItsJobsComeBack) {
  CreateCampaign();
  Output("campaign cancel c --study s");
  const testing::Completed retried = Bitbudget("campaign retry c --study s");
  EXPECT_EQ(retried.status.code, 0);
  EXPECT_THAT(retried.output, HasSubstr("7 cancelled"));
  EXPECT_THAT(retried.errors, HasSubstr("bring it back with: bitbudget jobs retry"));
}

TEST_F(JobsTest, AWorkerIsDrainedAndLetGoOn) {
  EXPECT_THAT(Output("jobs drain node7"), HasSubstr("node7 has no job"));
  EXPECT_THAT(Output("jobs drain node7 --lift"), HasSubstr("node7 may take jobs again"));
}

}  // namespace
}  // namespace bitbudget
