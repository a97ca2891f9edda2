#include "tests/unit/db/store_fixture.h"

#include <SQLiteCpp/Database.h>
#include <fmt/format.h>

#include "util/ids.h"

namespace bitbudget::db {

namespace {

// In memory where there is such a place: what is tested here does not depend on
// the disk, whose syncs would take most of the time.
std::filesystem::path Parent() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() : path_(Parent() / ("bitbudget-db-" + RandomUuid())) {
  std::filesystem::create_directories(path_);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
  std::filesystem::remove_all(path_, error);
}

v1::Experiment QatRun(int replicate, double loss_nats) {
  v1::Experiment run;
  run.set_role(v1::FP_THEN_QAT);
  run.set_recipe("lsq");
  run.set_optimizer("adamw");
  run.set_schedule("classic");
  run.set_parameters(100'000'000);
  run.set_fp_tokens(2'000'000'000);
  run.set_qat_tokens(500'000'000);
  run.set_weight_bits(4);
  run.set_replicate(replicate);
  run.set_trunk("trunk");
  run.set_loss_nats(loss_nats);
  return run;
}

std::vector<v1::Experiment> QatRuns(int first, int count) {
  std::vector<v1::Experiment> runs;
  for (int i = 0; i < count; ++i) runs.push_back(QatRun(first + i));
  return runs;
}

std::string ReasonOf(const absl::Status& status) {
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  return details.has_value() ? details->reason : "";
}

StoreTest::StoreTest() {
  Open();
  EXPECT_THAT(store_->CreateStudy("s", StudyFields(), {}), IsOk());
}

StoreOptions StoreTest::Options() const {
  StoreOptions options;
  options.path = path_;
  options.clock = &clock_;
  return options;
}

void StoreTest::Open() {
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(Options());
  ASSERT_THAT(store, IsOk());
  store_ = *std::move(store);
}

void StoreTest::Reopen() {
  Close();
  Open();
}

v1::Study StoreTest::StudyFields() {
  v1::Study study;
  study.set_display_name("A study");
  study.set_loss_unit(v1::NATS_PER_TOKEN);
  study.set_parameter_convention(v1::NON_EMBEDDING);
  study.set_law("compute_optimal_qat");
  return study;
}

InsertBatch StoreTest::Batch(std::vector<v1::Experiment> rows, const std::string& request_id) {
  InsertBatch batch;
  batch.study = "studies/s";
  batch.experiments = std::move(rows);
  batch.request = {request_id, "BatchCreateExperiments studies/s", "hash of " + request_id};
  return batch;
}

InsertResult StoreTest::Insert(std::vector<v1::Experiment> rows) {
  absl::StatusOr<InsertResult> result = store_->InsertExperiments(Batch(std::move(rows)));
  EXPECT_THAT(result, IsOk());
  return result.ok() ? *std::move(result) : InsertResult();
}

absl::StatusOr<ExclusionResult> StoreTest::Exclude(const std::vector<std::string>& names) {
  return store_->ExcludeExperiments({.study = "studies/s", .names = names, .reason = "mistyped"});
}

absl::StatusOr<ExclusionResult> StoreTest::Include(const std::vector<std::string>& names) {
  return store_->IncludeExperiments({.study = "studies/s", .names = names, .reason = "right"});
}

std::vector<std::string> StoreTest::RowsAt(int64_t revision) {
  std::vector<std::string> rows;
  EXPECT_THAT(
      store_->ReadFittingRows("studies/s",
                              revision,
                              0,
                              [&](const Store::FittingRow& row) {
                                rows.push_back(fmt::format("{}:{}{}",
                                                           row.row_number,
                                                           row.experiment->loss_nats(),
                                                           row.experiment->excluded() ? " x" : ""));
                              }),
      IsOk());
  return rows;
}

void StoreTest::ExecuteSql(const std::string& sql) {
  SQLite::Database database(path_, SQLite::OPEN_READWRITE, 1000);
  database.exec(sql);
}

int64_t StoreTest::QueryNumber(const std::string& sql) {
  const SQLite::Database database(path_, SQLite::OPEN_READONLY, 1000);
  SQLite::Statement statement(database, sql);
  return statement.executeStep() ? statement.getColumn(0).getInt64() : -1;
}

}  // namespace bitbudget::db
