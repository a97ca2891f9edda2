// Files of earlier versions, made by the scripts of those versions.

#include <SQLiteCpp/Database.h>
#include <fmt/format.h>

#include "db/job_store.h"
#include "db/migrations.h"
#include "db/schema.h"
#include "tests/unit/db/job_fixture.h"

namespace bitbudget::db {
namespace {

// A study with a run, written by this version into a file that is then made
// anew by the script of version 1 alone, table by table.
class MigrationTest : public JobTest {
 protected:
  static constexpr const char* kTables[] = {
      "studies", "experiments", "changes", "exclusion_changes", "requests", "fits"};

  void MakeVersion1() {
    Insert(QatRuns(0, 2));
    ASSERT_THAT(Exclude({"studies/s/experiments/1"}), IsOk());
    Close();
    const std::string newer = directory_.File("newer.db");
    std::filesystem::rename(path_, newer);
    SQLite::Database file(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    file.exec(Migrations()[0]);
    file.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = 1", kApplicationId));
    file.exec(fmt::format("ATTACH '{}' AS newer", newer));
    for (const char* table : kTables) CopyTable(file, table);
  }

  // The columns that version 1 has.
  static void CopyTable(SQLite::Database& file, const std::string& table) {
    SQLite::Statement query(
        file, fmt::format("SELECT group_concat(name) FROM pragma_table_info('{}', 'main')", table));
    query.executeStep();
    const std::string columns = query.getColumn(0).getString();
    file.exec(fmt::format("INSERT INTO main.{0} ({1}) SELECT {1} FROM newer.{0}", table, columns));
  }
};

TEST_F(MigrationTest, Version1KeepsItsRowsAndTakesJobs) {
  MakeVersion1();
  Open();
  EXPECT_EQ(QueryNumber("PRAGMA user_version"), SchemaVersion());
  EXPECT_EQ(RowsAt(2), (std::vector<std::string>{"1:3.25 x", "2:3.25"}));
  EXPECT_EQ(store_->GetStudy("studies/s")->revision(), 2);
  EXPECT_EQ(Create(), Name(1));
  EXPECT_EQ(Complete(Result(Lease(), 3.0, 7)).experiment->name(), "studies/s/experiments/3");
}

TEST_F(MigrationTest, BackupHasTheJobs) {
  Create();
  const std::string copy = directory_.File("copy.db");
  ASSERT_THAT(store_->Backup(copy), IsOk());
  StoreOptions options = Options();
  options.path = copy;
  const absl::StatusOr<std::unique_ptr<Store>> restored = Store::Open(options);
  ASSERT_THAT(restored, IsOk());
  EXPECT_THAT((*restored)->jobs().GetJob(Name(1)), IsOk());
}

}  // namespace
}  // namespace bitbudget::db
