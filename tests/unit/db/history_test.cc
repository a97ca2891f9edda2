// The rows at any revision can be rebuilt, and the past cannot be changed.

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>

#include <map>
#include <random>

#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;

using HistoryTest = StoreTest;

TEST_F(HistoryTest, RowsAreShownAsTheyWereAtARevision) {
  Insert(QatRuns(0, 2));                                      // 1
  ASSERT_THAT(Exclude({"studies/s/experiments/1"}), IsOk());  // 2
  Insert({QatRun(0, 9)});                                     // 3
  EXPECT_THAT(RowsAt(0), ElementsAre());
  EXPECT_THAT(RowsAt(1), ElementsAre("1:3.25", "2:3.25"));
  EXPECT_THAT(RowsAt(2), ElementsAre("1:3.25 x", "2:3.25"));
  EXPECT_THAT(RowsAt(3), ElementsAre("1:3.25 x", "2:3.25", "3:9"));
}

TEST_F(HistoryTest, ReadingStartsAfterARow) {
  Insert(QatRuns(0, 3));
  std::vector<int64_t> rows;
  ASSERT_THAT(
      store_->ReadFittingRows(
          "studies/s", 1, 1, [&](const Store::FittingRow& row) { rows.push_back(row.row_number); }),
      IsOk());
  EXPECT_THAT(rows, ElementsAre(2, 3));
}

// Random inserts, exclusions and inclusions beside a plain model of them.
class Replay {
 public:
  Replay(Store& store, uint64_t seed) : store_(store), random_(seed) {}

  void Step() {
    const uint64_t choice = random_() % 3;
    if (excluded_.empty() || choice == 0) return Insert();
    Mark(choice == 1);
  }

  const std::map<int64_t, std::vector<std::string>>& rows_by_revision() const {
    return rows_by_revision_;
  }

 private:
  void Insert() {
    InsertBatch batch;
    batch.study = "studies/s";
    const auto count = static_cast<int>(1 + random_() % 3);
    batch.experiments = QatRuns(static_cast<int>(excluded_.size()), count);
    const absl::StatusOr<InsertResult> result = store_.InsertExperiments(batch);
    ASSERT_THAT(result, IsOk());
    excluded_.resize(excluded_.size() + static_cast<size_t>(count));
    Remember(result->revision);
  }

  void Mark(bool excluded) {
    ExclusionChange change{.study = "studies/s", .reason = "test"};
    for (int i = 0; i < 3; ++i) {
      const size_t index = random_() % excluded_.size();
      change.names.push_back(fmt::format("studies/s/experiments/{}", index + 1));
      excluded_[index] = excluded;
    }
    const absl::StatusOr<ExclusionResult> result =
        excluded ? store_.ExcludeExperiments(change) : store_.IncludeExperiments(change);
    ASSERT_THAT(result, IsOk());
    Remember(result->revision);
  }

  void Remember(int64_t revision) {
    std::vector<std::string> rows;
    for (size_t i = 0; i < excluded_.size(); ++i) {
      rows.push_back(fmt::format("{}:3.25{}", i + 1, excluded_[i] ? " x" : ""));
    }
    rows_by_revision_[revision] = rows;
  }

  Store& store_;
  std::mt19937_64 random_;
  std::vector<bool> excluded_;  // by row number - 1
  std::map<int64_t, std::vector<std::string>> rows_by_revision_;
};

TEST_F(HistoryTest, EveryRevisionCanBeRebuilt) {
  Replay replay(*store_, 7);
  for (int i = 0; i < 120; ++i) replay.Step();
  ASSERT_GT(replay.rows_by_revision().size(), 60);  // some steps change nothing
  for (const auto& [revision, rows] : replay.rows_by_revision()) {
    EXPECT_EQ(RowsAt(revision), rows) << "revision " << revision;
  }
}

TEST_F(HistoryTest, EveryChangeIsWrittenDown) {
  InsertBatch batch = Batch(QatRuns(0, 2), "request");
  batch.import_batch = "july";
  ASSERT_THAT(store_->InsertExperiments(batch), IsOk());
  ASSERT_THAT(Exclude({"studies/s/experiments/1"}), IsOk());
  ASSERT_THAT(Include({"studies/s/experiments/1"}), IsOk());
  Store::StudyUpdate update{
      .study = StudyFields(), .advance_revision = true, .change_description = "law"};
  update.study.set_name("studies/s");
  update.study.set_law("chinchilla");
  ASSERT_THAT(store_->UpdateStudy(update), IsOk());
  const auto count = [&](const std::string& condition) {
    return QueryNumber("SELECT count(*) FROM changes WHERE " + condition);
  };
  EXPECT_EQ(count("true"), 5);
  EXPECT_EQ(count("revision = 0 AND kind = 'create_study' AND definition IS NOT NULL"), 1);
  EXPECT_EQ(count("revision = 1 AND kind = 'insert' AND first_row_number = 1 AND "
                  "last_row_number = 2 AND description = 'july' AND request_id = 'request'"),
            1);
  EXPECT_EQ(count("revision = 2 AND kind = 'exclude' AND description = 'mistyped'"), 1);
  EXPECT_EQ(count("revision = 3 AND kind = 'include' AND description = 'right'"), 1);
  EXPECT_EQ(count("revision = 4 AND kind = 'update_study' AND description = 'law' "
                  "AND definition IS NOT NULL AND time = 1700000000000000"),
            1);
}

class PastTest : public StoreTest, public testing::WithParamInterface<const char*> {};

TEST_P(PastTest, CannotBeChanged) {
  Insert({QatRun(0)});
  ASSERT_THAT(Exclude({"studies/s/experiments/1"}), IsOk());
  ASSERT_THAT(store_->InsertFit("studies/s", {}, {}), IsOk());
  EXPECT_THROW(ExecuteSql(GetParam()), SQLite::Exception);
}

INSTANTIATE_TEST_SUITE_P(Statements,
                         PastTest,
                         testing::Values("UPDATE changes SET revision = 9",
                                         "DELETE FROM changes",
                                         "UPDATE exclusion_changes SET excluded = 0",
                                         "DELETE FROM exclusion_changes",
                                         "UPDATE experiments SET loss_nats = 1",
                                         "UPDATE experiments SET replicate = 1",
                                         "UPDATE experiments SET row_number = 9",
                                         "DELETE FROM experiments",
                                         "UPDATE fits SET content = x''",
                                         "DELETE FROM fits"));

}  // namespace
}  // namespace bitbudget::db
