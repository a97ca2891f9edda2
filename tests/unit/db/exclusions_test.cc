#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ExclusionsTest : public StoreTest {
 protected:
  static constexpr auto kFirst = "studies/s/experiments/1";
  static constexpr auto kSecond = "studies/s/experiments/2";

  InsertResult InsertAs(const std::string& import_batch, std::vector<v1::Experiment> rows) {
    InsertBatch batch = Batch(std::move(rows));
    batch.import_batch = import_batch;
    absl::StatusOr<InsertResult> result = store_->InsertExperiments(batch);
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }
  absl::StatusOr<ExclusionResult> ExcludeBatch(const std::string& import_batch) {
    return store_->ExcludeExperiments(
        {.study = "studies/s", .import_batch = import_batch, .reason = "wrong tokenizer"});
  }
};

TEST_F(ExclusionsTest, ExclusionSetsMarkAndReasonAndAdvancesTheRevision) {
  Insert(QatRuns(0, 2));
  const absl::StatusOr<ExclusionResult> result = Exclude({kFirst});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->revision, 2);
  EXPECT_EQ(result->changed_count, 1);
  const absl::StatusOr<v1::Experiment> row = store_->GetExperiment(kFirst);
  EXPECT_TRUE(row->excluded());
  EXPECT_EQ(row->exclude_reason(), "mistyped");
}

TEST_F(ExclusionsTest, ExcludedRowKeepsItsFirstReasonAndRevision) {
  Insert({QatRun(0)});
  ASSERT_THAT(Exclude({kFirst}), IsOk());
  const absl::StatusOr<ExclusionResult> again = store_->ExcludeExperiments(
      {.study = "studies/s", .names = {kFirst}, .reason = "another reason"});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->changed_count, 0);
  EXPECT_EQ(again->revision, 2);
  EXPECT_EQ(store_->GetExperiment(kFirst)->exclude_reason(), "mistyped");
}

TEST_F(ExclusionsTest, RowNamedTwiceCountsOnce) {
  Insert({QatRun(0)});
  EXPECT_EQ(Exclude({kFirst, kFirst})->changed_count, 1);
}

TEST_F(ExclusionsTest, ExcludedRowFreesItsKey) {
  Insert({QatRun(0, 9)});
  ASSERT_THAT(Exclude({kFirst}), IsOk());
  EXPECT_EQ(Insert({QatRun(0)}).created_count, 1);
  EXPECT_THAT(RowsAt(3), ElementsAre("1:9 x", "2:3.25"));
}

TEST_F(ExclusionsTest, InclusionTakesTheMarkBack) {
  Insert({QatRun(0)});
  ASSERT_THAT(Exclude({kFirst}), IsOk());
  const absl::StatusOr<ExclusionResult> result = Include({kFirst});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->revision, 3);
  EXPECT_EQ(result->changed_count, 1);
  EXPECT_FALSE(store_->GetExperiment(kFirst)->excluded());
  EXPECT_EQ(store_->GetExperiment(kFirst)->exclude_reason(), "");
  EXPECT_EQ(store_->GetStudy("studies/s")->experiment_count(), 1);
}

TEST_F(ExclusionsTest, InclusionIsRefusedWhenTheKeyIsTaken) {
  Insert({QatRun(0, 9)});
  ASSERT_THAT(Exclude({kFirst}), IsOk());
  Insert({QatRun(0)});
  const absl::Status status = Include({kFirst}).status();
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kAlreadyExists, "EXPERIMENT_CONFLICT"));
  EXPECT_THAT(GetErrorDetails(status)->conflicts,
              ElementsAre(RowConflict{
                  .index = 0, .existing_experiment = kSecond, .differing_fields = {"loss_nats"}}));
  EXPECT_EQ(store_->GetStudy("studies/s")->revision(), 3);
}

TEST_F(ExclusionsTest, TwoRowsOfOneKeyAreNotIncludedTogether) {
  Insert({QatRun(0, 9)});
  ASSERT_THAT(Exclude({kFirst}), IsOk());
  Insert({QatRun(0)});
  ASSERT_THAT(Exclude({kSecond}), IsOk());
  const absl::Status status = Include({kFirst, kSecond}).status();
  ASSERT_THAT(status, FailsWith(absl::StatusCode::kAlreadyExists, "EXPERIMENT_CONFLICT"));
  EXPECT_THAT(
      GetErrorDetails(status)->conflicts,
      ElementsAre(RowConflict{.index = 1, .differing_fields = {"loss_nats"}, .earlier_index = 0}));
  EXPECT_TRUE(store_->GetExperiment(kFirst)->excluded());
}

TEST_F(ExclusionsTest, UnknownNameChangesNothing) {
  Insert({QatRun(0)});
  for (const char* name : {"studies/s/experiments/2",
                           "studies/s/experiments/01",
                           "studies/t/experiments/1",
                           "studies/s/experiments/99999999999999999999",
                           "studies/s/fits/1",
                           ""}) {
    EXPECT_THAT(Exclude({kFirst, name}),
                FailsWith(absl::StatusCode::kNotFound, "EXPERIMENT_NOT_FOUND"))
        << name;
  }
  EXPECT_THAT(RowsAt(1), ElementsAre("1:3.25"));
}

TEST_F(ExclusionsTest, BatchIsExcludedAsAWhole) {
  InsertAs("june", {QatRun(0)});
  InsertAs("july", QatRuns(1, 2));
  InsertAs("july", {QatRun(3)});
  EXPECT_EQ(ExcludeBatch("july")->changed_count, 3);
  EXPECT_THAT(RowsAt(4), ElementsAre("1:3.25", "2:3.25 x", "3:3.25 x", "4:3.25 x"));
}

TEST_F(ExclusionsTest, UnknownBatchIsNotFound) {
  InsertAs("june", {QatRun(0)});
  EXPECT_THAT(ExcludeBatch("july"),
              FailsWith(absl::StatusCode::kNotFound, "IMPORT_BATCH_NOT_FOUND"));
}

TEST_F(ExclusionsTest, EventsTellACacheWhatChanged) {
  Insert(QatRuns(0, 3));
  ASSERT_THAT(Exclude({kSecond, kFirst}), IsOk());
  ASSERT_THAT(Include({kSecond}), IsOk());
  const auto events = [&](int64_t revision) {
    std::vector<std::string> texts;
    const auto result = store_->ReadExclusionsSince("studies/s", revision);
    for (const Store::ExclusionEvent& event : *result) {
      texts.push_back(testing::PrintToString(
          std::make_tuple(event.revision, event.row_number, event.excluded)));
    }
    return texts;
  };
  EXPECT_THAT(events(0), ElementsAre("(2, 1, true)", "(2, 2, true)", "(3, 2, false)"));
  EXPECT_THAT(events(2), ElementsAre("(3, 2, false)"));
  EXPECT_THAT(events(3), IsEmpty());
}

}  // namespace
}  // namespace bitbudget::db
