// From a grid file to a fit, by the command line and an agent; and a trainer that
// is not ours.

#include <fstream>
#include <string>
#include <vector>

#include "tests/worker/worker_fixture.h"

namespace bitbudget::testing {
namespace {

// 3 sizes, 3 budgets, 2 fractions, 2 widths: enough for fits on the way.
constexpr char kGrid[] = R"json({
  "title": "closed loop",
  "training": {
    "batch_sequences": 8, "evaluation_tokens": 16384, "max_epochs": 1000,
    "schedule": {"peak_rate": 0.01, "warmup_tokens": 5120}
  },
  "grids": [{
    "models": [{"shape": {"width": 16, "layers": 1, "context": 16}},
               {"shape": {"width": 32, "layers": 1, "context": 16}},
               {"shape": {"width": 48, "layers": 1, "context": 16}}],
    "total_tokens": [100000, 300000, 900000],
    "weight_bits": [1, 4],
    "qat_fractions": [0.2, 0.5]
  }]
})json";

class ClosedLoopTest : public WorkerTest {
 protected:
  Completed Bitbudget(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {BITBUDGET_PROGRAM, "--server", address()});
    const auto completed = testing::Run(std::move(arguments), {}, absl::Minutes(4));
    EXPECT_TRUE(completed.ok()) << completed.status();
    return completed.ok() ? *completed : Completed();
  }
};

TEST_F(ClosedLoopTest, AGridBecomesAFit) {
  std::ofstream(File("grid.json")) << kGrid;
  const Completed dry = Bitbudget(
      {"campaign", "create", "loop", "--study", "small", "--grid", File("grid.json"), "--dry-run"});
  EXPECT_EQ(dry.status, (ExitStatus{0, 0})) << dry.errors;
  EXPECT_NE(dry.output.find("nothing was stored"), std::string::npos) << dry.output;
  EXPECT_TRUE(Jobs().empty());

  const Completed created =
      Bitbudget({"campaign", "create", "loop", "--study", "small", "--grid", File("grid.json")});
  ASSERT_EQ(created.status, (ExitStatus{0, 0})) << created.errors;
  const v1::CampaignCost cost = Campaign("loop").cost();
  EXPECT_EQ(cost.measurement_count(), 3 * 3 * (2 * 2 + 2));
  EXPECT_LT(cost.flops(), 0.6 * cost.flops_alone());

  const auto agent = StartAgent("a");
  const Completed watched = Bitbudget({"campaign", "watch", "loop", "--study", "small"});
  EXPECT_EQ(watched.status, (ExitStatus{0, 0})) << watched.errors;
  EXPECT_NE(watched.output.find("100 % of the FLOPs"), std::string::npos) << watched.output;
  ExpectEachMeasuredOnce();

  v1::GetStudyRequest request;
  request.set_name(study());
  const auto study = client().GetStudy(request);
  ASSERT_TRUE(study.ok()) << study.status();
  EXPECT_EQ(study->experiment_count(), cost.measurement_count());
  // The trainer has named its results as the server expected.
  const Completed again =
      Bitbudget({"campaign", "create", "again", "--study", "small", "--grid", File("grid.json")});
  EXPECT_EQ(again.status, (ExitStatus{0, 0})) << again.errors;
  EXPECT_NE(again.output.find("the study had 36 runs already"), std::string::npos) << again.output;
  // So few runs identify a law at some revisions and contradict it at others; the
  // server has fitted what it could while they arrived.
  v1::ListFitsRequest fits;
  fits.set_parent(request.name());
  const auto made = client().ListFits(fits);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_FALSE(made->fits().empty());
}

TEST_F(ClosedLoopTest, SharedTrunksChangeNoResult) {
  const auto agent = StartAgent("a");
  CreateCampaign("shared", 0, 1);
  WaitForCampaign("shared", absl::Minutes(2));
  const std::vector<v1::Experiment> shared = Experiments();
  ASSERT_EQ(shared.size(), 6U);
  for (const v1::Experiment& run : shared) {
    if (run.role() != v1::FP_THEN_QAT) continue;
    // The same run alone; its key is free once the other is excluded.
    v1::ExcludeExperimentsRequest exclude;
    exclude.set_parent(study());
    exclude.add_names(run.name());
    exclude.set_reason("to be measured alone");
    ASSERT_TRUE(client().ExcludeExperiments(std::move(exclude)).ok());
    v1::TrainingSpec training = SmallTraining(run.replicate(), run.fp_tokens());
    training.mutable_schedule()->set_qat_tokens(run.qat_tokens());
    training.mutable_quantization()->set_bits(run.weight_bits());
    const v1::Job alone = WaitForState(CreateJob(training).name(), v1::SUCCEEDED);
    v1::GetExperimentRequest request;
    request.set_name(alone.experiment());
    const auto again = client().GetExperiment(request);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->loss_nats(), run.loss_nats());
    EXPECT_EQ(again->trunk(), run.trunk());
  }
}

TEST_F(ClosedLoopTest, AFailedJobFailsTheWatch) {
  v1::CreateCampaignRequest request;
  request.set_parent(study());
  request.set_campaign_id("bad");
  v1::TrainingSpec& training = *request.mutable_campaign()->mutable_training();
  training = SmallTraining(0, 0);
  training.clear_model();
  training.set_max_epochs(0.001);
  v1::CampaignGrid& grid = *request.mutable_campaign()->add_grids();
  *grid.add_models()->mutable_shape() = SmallTraining(0, 0).model();
  grid.add_total_tokens(200'000);
  grid.set_full_precision(true);
  ASSERT_TRUE(client().CreateCampaign(std::move(request)).ok());
  const auto agent = StartAgent("a");
  const Completed watched = Bitbudget({"campaign", "watch", "bad", "--study", "small"});
  EXPECT_EQ(watched.status, (ExitStatus{1, 0})) << watched.output;
  EXPECT_NE(watched.errors.find("1 job failed"), std::string::npos) << watched.errors;
}

TEST_F(ClosedLoopTest, ATrainerOfAnyoneLeasesReportsAndCompletes) {
  v1::CreateJobRequest request;
  request.set_parent(study());
  v1::Job& job = *request.mutable_job();
  job.set_trainer("bigram");
  job.mutable_training()->mutable_model()->set_parameters(1'024);
  job.mutable_training()->mutable_schedule()->set_peak_rate(0.5);
  job.mutable_training()->mutable_schedule()->set_fp_tokens(20'000);
  const auto created = client().CreateJob(std::move(request));
  ASSERT_TRUE(created.ok()) << created.status();
  const auto example = Process::Start(
      {BITBUDGET_SOURCE_DIR "/worker/examples/lease_loop.py", address(), File("text.txt")});
  ASSERT_TRUE(example.ok()) << example.status();
  const v1::Job done = WaitForState(created->name(), v1::SUCCEEDED);
  v1::GetExperimentRequest get;
  get.set_name(done.experiment());
  const auto experiment = client().GetExperiment(get);
  ASSERT_TRUE(experiment.ok()) << experiment.status() << (*example)->Errors();
  // A model that knows nothing has ln 32 = 3.47; twelve words are easier than that.
  EXPECT_LT(experiment->loss_nats(), 2.5);
  EXPECT_GT(done.progress().tokens(), 0);
}

}  // namespace
}  // namespace bitbudget::testing
