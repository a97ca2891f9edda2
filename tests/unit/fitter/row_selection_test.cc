#include "fitter/row_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/fitter/studies.h"
#include "util/error.h"

namespace bitbudget::fitter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// Four rows that the QAT law takes; tests change one of them. Labels: 1 "classic",
// 2 "fused".
struct Study {
  Dataset data;

  Study() {
    data.labels = {"", "classic", "fused"};
    for (const double fraction : {0.0, 0.1, 0.3, 0.6}) {
      const double bits = fraction == 0 ? 16 : 4;
      data.rows.push_back({.point = test_support::RunAtFraction(1e8, 1e10, bits, fraction),
                           .role = fraction == 0 ? RunRole::kFullPrecision : RunRole::kFpThenQat,
                           .loss_nats = 2});
    }
  }

  absl::StatusOr<RowSelection> Select(const FitOptions& options = {}) const {
    return SelectRows(data, QatLadder()[0], options);
  }
};

void ExpectLeftOut(const absl::StatusOr<RowSelection>& selection, LeaveOutReason reason) {
  ASSERT_TRUE(selection.ok()) << selection.status();
  EXPECT_THAT(selection->left_out, ElementsAre(Pair(reason, 1)));
  EXPECT_EQ(selection->rows.size(), 3u);
}

TEST(RowSelectionTest, DescribedRowsAreAllTaken) {
  const RowSelection selection = Study().Select().value();
  EXPECT_THAT(selection.rows, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(selection.left_out, IsEmpty());
}

TEST(RowSelectionTest, ExcludedRowIsLeftOut) {
  Study study;
  study.data.rows[2].excluded = true;
  ExpectLeftOut(study.Select(), LeaveOutReason::kExcluded);
}

TEST(RowSelectionTest, EveryRoleOutsideTheLawIsLeftOutByItsName) {
  const std::pair<RunRole, LeaveOutReason> cases[] = {
      {RunRole::kControl, LeaveOutReason::kRoleControl},
      {RunRole::kQatFromScratch, LeaveOutReason::kRoleQatFromScratch},
      {RunRole::kPostTraining, LeaveOutReason::kRolePostTraining}};
  for (const auto& [role, reason] : cases) {
    Study study;
    study.data.rows[2].role = role;
    ExpectLeftOut(study.Select(), reason);
  }
}

TEST(RowSelectionTest, ChinchillaLeavesQatRowsOut) {
  const Study study;
  const Law law = LawLadder("chinchilla", {}).value()[0];
  const RowSelection selection = SelectRows(study.data, law, {}).value();
  EXPECT_THAT(selection.left_out, ElementsAre(Pair(LeaveOutReason::kRoleFpThenQat, 3)));
}

TEST(RowSelectionTest, AStudyOfWhichNoRowIsLeftIsToldWhy) {
  Study study;
  for (Observation& row : study.data.rows) row.excluded = true;
  study.data.rows[0].excluded = false;
  study.data.rows[0].role = RunRole::kControl;
  FitOptions options;
  options.start_count = 1;
  options.polish_count = 1;
  const absl::Status status = FitLaw(study.data, options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetErrorDetails(status)->explanation,
            "No run is left to fit; left out are: 3 excluded, 1 of the role CONTROL.");
}

TEST(RowSelectionTest, QuantizedActivationsAreLeftOut) {
  Study study;
  study.data.rows[2].activation_bits = 8;
  ExpectLeftOut(study.Select(), LeaveOutReason::kQuantizedActivations);
}

TEST(RowSelectionTest, OtherScheduleIsLeftOut) {
  Study study;
  for (Observation& row : study.data.rows) row.schedule = 1;
  study.data.rows[2].schedule = 2;
  ExpectLeftOut(study.Select({.schedule = "classic"}), LeaveOutReason::kOtherSchedule);
}

TEST(RowSelectionTest, OtherRecipeIsLeftOut) {
  Study study;
  for (Observation& row : study.data.rows) row.recipe = 1;
  study.data.rows[2].recipe = 2;
  ExpectLeftOut(study.Select({.recipe = "classic"}), LeaveOutReason::kOtherRecipe);
}

TEST(RowSelectionTest, OtherOptimizerIsLeftOutOfFullPrecisionRowsToo) {
  Study study;
  for (Observation& row : study.data.rows) row.optimizer = 1;
  study.data.rows[0].optimizer = 2;
  ExpectLeftOut(study.Select({.optimizer = "classic"}), LeaveOutReason::kOtherOptimizer);
}

TEST(RowSelectionTest, ScheduleOfFullPrecisionRowsDoesNotCount) {
  Study study;
  study.data.rows[0].schedule = 2;
  EXPECT_EQ(study.Select().value().rows.size(), 4u);
}

TEST(RowSelectionTest, ShortFullPrecisionPhaseIsLeftOut) {
  ExpectLeftOut(Study().Select({.min_fp_tokens = 5e9}), LeaveOutReason::kTooFewFpTokens);
}

TEST(RowSelectionTest, WeightZeroLeavesFullPrecisionRowsOut) {
  ExpectLeftOut(Study().Select({.full_precision_weight = 0}), LeaveOutReason::kZeroWeight);
}

TEST(RowSelectionTest, RowCountsForItsFirstReasonAlone) {
  Study study;
  study.data.rows[2].excluded = true;
  study.data.rows[2].role = RunRole::kControl;
  ExpectLeftOut(study.Select(), LeaveOutReason::kExcluded);
}

TEST(RowSelectionTest, MixedSchedulesAreRefusedNamingThem) {
  Study study;
  study.data.rows[1].schedule = 1;
  study.data.rows[2].schedule = 2;
  study.data.rows[3].schedule = 2;
  const absl::Status status = study.Select().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"classic\", \"fused\""));
  EXPECT_THAT(std::string(status.message()), HasSubstr("fit_options.schedule"));
}

TEST(RowSelectionTest, RowsOutsideTheLawDoNotMixSchedules) {
  Study study;
  study.data.rows[2].schedule = 2;
  study.data.rows[2].role = RunRole::kControl;
  EXPECT_TRUE(study.Select().ok());
}

TEST(RowSelectionTest, ScheduleThatNoRowHasIsRefusedNamingThoseThere) {
  Study study;
  for (Observation& row : study.data.rows) row.schedule = 1;
  const absl::Status status = study.Select({.schedule = "cosine"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the rows hold \"classic\""));
}

TEST(RowSelectionTest, OptionsThatWereUnsetSayWhatTheRowsAgreeOn) {
  Study study;
  for (Observation& row : study.data.rows) row.schedule = 2;
  EXPECT_EQ(study.Select().value().options.schedule, "fused");
  EXPECT_EQ(study.Select().value().options.recipe, "");
}

}  // namespace
}  // namespace bitbudget::fitter
