#include "server/refit_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <mutex>
#include <string>

#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using testing::FullPrecisionGrid;
using testing::FullPrecisionRun;
using ::testing::IsEmpty;
using ::testing::Le;
using testing::ReasonOf;
using testing::ServerFixture;

class RefitScheduling : public ServerFixture {
 protected:
  v1::Study Study(const std::string& name) {
    v1::GetStudyRequest request;
    request.set_name(name);
    return *core().studies.GetStudy(call_, request);
  }
  v1::Fit LatestFit(const std::string& study) {
    v1::GetFitRequest request;
    request.set_name(study + "/fits/latest");
    return *core().fits.GetFit(call_, request);
  }
};

TEST_F(RefitScheduling, IngestIsFollowedByAFitThatCoversIt) {
  const std::string study = CreateStudy("x");
  const int64_t revision = Store(study, FullPrecisionGrid());
  const auto state = Await(study, revision);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->snapshot->fit.revision(), revision);
  EXPECT_EQ(state->snapshot->fit.experiment_count(), 36);
  // alpha, of rows that are off by .2 % at most.
  EXPECT_NEAR(state->snapshot->fit.coefficients(2).value(), 0.34, 0.05);
  EXPECT_EQ(Study(study).fit_status().state(), v1::FitStatus::CURRENT);
  EXPECT_EQ(Study(study).fit_status().latest_fit(), state->snapshot->fit.name());
}

TEST_F(RefitScheduling, ChangesThatComeTogetherAreFewRefits) {
  const std::string study = CreateStudy("x");
  Store(study, FullPrecisionGrid());
  int64_t revision = 0;
  constexpr int kWrites = 40;
  {
    // Nothing is published meanwhile, so the refit under way cannot end.
    const std::unique_lock publishing(core().deletion_mutex);
    for (int i = 0; i < kWrites; ++i) {
      revision = Store(study, {FullPrecisionRun(50'000'000 + 1'000'000 * i, 3'000'000'000)});
    }
  }
  ASSERT_TRUE(Await(study, revision).ok());
  // One that had begun or ended before, perhaps one for writes that came in while it
  // began, and one for all the others.
  EXPECT_THAT(core().refits.refit_count(), Le(3));
  const v1::Fit fit = LatestFit(study);
  EXPECT_EQ(fit.revision(), revision);
  EXPECT_EQ(fit.experiment_count(), 36 + kWrites);
}

TEST_F(RefitScheduling, SecondRefitStartsFromTheFirst) {
  const std::string study = CreateStudy("x");
  ASSERT_TRUE(Await(study, Store(study, FullPrecisionGrid())).ok());
  EXPECT_THAT(LatestFit(study).inputs().warm_starts(), IsEmpty());
  const v1::Fit first = LatestFit(study);
  const int64_t second = Store(study, {FullPrecisionRun(123'456'789, 1'000'000'000)});
  ASSERT_TRUE(Await(study, second).ok());
  const v1::Fit fit = LatestFit(study);
  ASSERT_EQ(fit.inputs().warm_starts_size(), 1);
  EXPECT_EQ(fit.inputs().warm_starts(0).values_size(), 5);
}

TEST_F(RefitScheduling, ChangeOfOptionsIsFittedFromScratch) {
  const std::string study = CreateStudy("x");
  ASSERT_TRUE(Await(study, Store(study, FullPrecisionGrid())).ok());
  v1::UpdateStudyRequest request;
  request.mutable_study()->set_name(study);
  request.mutable_study()->mutable_fit_options()->set_huber_delta(1e-3);
  request.mutable_update_mask()->add_paths("fit_options.huber_delta");
  const auto updated = core().studies.UpdateStudy(call_, request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  ASSERT_TRUE(Await(study, updated->revision()).ok());
  EXPECT_THAT(LatestFit(study).inputs().warm_starts(), IsEmpty());
  EXPECT_EQ(LatestFit(study).huber_delta(), 1e-3);
}

TEST_F(RefitScheduling, ExcludedRowLeavesTheFit) {
  const std::string study = CreateStudy("x");
  ASSERT_TRUE(Await(study, Store(study, FullPrecisionGrid())).ok());
  v1::ExcludeExperimentsRequest request;
  request.set_parent(study);
  request.add_names(study + "/experiments/1");
  request.set_reason("diverged");
  const auto excluded = core().experiments.ExcludeExperiments(call_, request);
  ASSERT_TRUE(excluded.ok()) << excluded.status();
  ASSERT_TRUE(Await(study, excluded->revision()).ok());
  const v1::Fit fit = LatestFit(study);
  EXPECT_EQ(fit.experiment_count(), 35);
  ASSERT_EQ(fit.rows_left_out_size(), 1);
  EXPECT_EQ(fit.rows_left_out(0).reason(), v1::ROW_EXCLUDED);
}

TEST_F(RefitScheduling, DataThatCannotBeFittedAreSaidToBe) {
  const std::string study = CreateStudy("x");
  const int64_t revision = Store(study, {FullPrecisionRun(1'000'000, 1'000'000)});
  const auto state = Await(study, revision);
  EXPECT_EQ(ReasonOf(state.status()), "DATA_CANNOT_ANSWER");
  const v1::FitStatus status = Study(study).fit_status();
  EXPECT_EQ(status.state(), v1::FitStatus::FAILED);
  EXPECT_FALSE(status.error().empty());
}

TEST_F(RefitScheduling, StudyWithoutRowsHasNoData) {
  EXPECT_EQ(Study(CreateStudy("x")).fit_status().state(), v1::FitStatus::NO_DATA);
}

TEST_F(RefitScheduling, RestartLoadsTheLastFitAndComputesNone) {
  const std::string study = CreateStudy("x");
  const int64_t revision = Store(study, FullPrecisionGrid());
  ASSERT_TRUE(Await(study, revision).ok());
  const v1::Fit before = Await(study, revision)->snapshot->fit;
  Restart();
  const auto after = Await(study, revision);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->snapshot->fit.SerializeAsString(), before.SerializeAsString());
  EXPECT_EQ(core().refits.refit_count(), 0);
}

TEST_F(RefitScheduling, RestartAnswersWithTheSameBits) {
  const std::string study = CreateStudy("x");
  const int64_t revision = Store(study, FullPrecisionGrid());
  const auto before = Await(study, revision);
  ASSERT_TRUE(before.ok());
  const std::vector<double> theta = before->snapshot->law.law->theta;
  Restart();
  EXPECT_EQ(Await(study, revision)->snapshot->law.law->theta, theta);
}

TEST_F(RefitScheduling, FitThatWasCutShortIsMadeUpForAfterARestart) {
  const std::string study = CreateStudy("x");
  const int64_t revision = Store(study, FullPrecisionGrid());
  Restart();
  EXPECT_TRUE(Await(study, revision).ok());
}

TEST_F(RefitScheduling, DeletedStudyTakesItsFitsAlong) {
  const std::string study = CreateStudy("x");
  ASSERT_TRUE(Await(study, Store(study, FullPrecisionGrid())).ok());
  v1::DeleteStudyRequest request;
  request.set_name(study);
  request.set_force(true);
  ASSERT_TRUE(core().studies.DeleteStudy(call_, request).ok());
  EXPECT_EQ(ReasonOf(Await(study, 0).status()), "STUDY_NOT_FOUND");
  CreateStudy("x");
  EXPECT_EQ(Study(study).fit_status().state(), v1::FitStatus::NO_DATA);
  EXPECT_EQ(core().registry.Find(study)->snapshot, nullptr);
}

}  // namespace
}  // namespace bitbudget::server
