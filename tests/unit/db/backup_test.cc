#include <thread>

#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

class BackupTest : public StoreTest {
 protected:
  const std::string copy_ = directory_.File("copy.db");

  // Opens the copy.
  std::unique_ptr<Store> OpenCopy() {
    StoreOptions options = Options();
    options.path = copy_;
    absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  size_t FileCount() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_.path()),
                                             std::filesystem::directory_iterator()));
  }
};

TEST_F(BackupTest, CopyIsACompleteDatabase) {
  Insert(QatRuns(0, 20));
  ASSERT_THAT(Exclude({"studies/s/experiments/7"}), IsOk());
  ASSERT_THAT(store_->InsertFit("studies/s", {}, {}), IsOk());
  const absl::StatusOr<int64_t> size = store_->Backup(copy_);
  ASSERT_THAT(size, IsOk());
  EXPECT_EQ(*size, static_cast<int64_t>(std::filesystem::file_size(copy_)));
  const std::vector<std::string> rows = RowsAt(2);
  const std::string study = store_->GetStudy("studies/s")->SerializeAsString();
  Close();
  store_ = OpenCopy();
  ASSERT_NE(store_, nullptr);
  EXPECT_EQ(RowsAt(2), rows);
  EXPECT_EQ(store_->GetStudy("studies/s")->SerializeAsString(), study);
  EXPECT_THAT(store_->GetFit("studies/s/fits/1"), IsOk());
}

TEST_F(BackupTest, CopyKeepsRequestIds) {
  ASSERT_THAT(store_->InsertExperiments(Batch({QatRun(0)}, "id")), IsOk());
  ASSERT_THAT(store_->Backup(copy_), IsOk());
  const std::unique_ptr<Store> copy = OpenCopy();
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->InsertExperiments(Batch({QatRun(0)}, "id"))->created_count, 1);
}

TEST_F(BackupTest, ExistingFileIsRefusedAndLeftAlone) {
  ASSERT_THAT(store_->Backup(copy_), IsOk());
  const auto before = std::filesystem::last_write_time(copy_);
  EXPECT_THAT(store_->Backup(copy_), FailsWith(absl::StatusCode::kAlreadyExists, "BACKUP_EXISTS"));
  EXPECT_EQ(std::filesystem::last_write_time(copy_), before);
}

TEST_F(BackupTest, TheDatabaseItselfIsRefused) {
  EXPECT_THAT(store_->Backup(path_), FailsWith(absl::StatusCode::kAlreadyExists, "BACKUP_EXISTS"));
  EXPECT_EQ(Insert({QatRun(0)}).created_count, 1);
}

TEST_F(BackupTest, MissingDirectoryIsNotFound) {
  EXPECT_THAT(store_->Backup(directory_.File("missing/copy.db")),
              FailsWith(absl::StatusCode::kNotFound, "DIRECTORY_NOT_FOUND"));
}

TEST_F(BackupTest, NothingButTheCopyIsLeft) {
  const size_t before = FileCount();
  ASSERT_THAT(store_->Backup(copy_), IsOk());
  EXPECT_FALSE(store_->Backup(copy_).ok());
  EXPECT_EQ(FileCount(), before + 1);
}

TEST_F(BackupTest, CopyUnderWritesShowsOneRevision) {
  std::atomic<bool> done = false;
  std::thread producer([&] {
    for (int i = 0; !done; ++i) Insert({QatRun(i)});
  });
  while (store_->GetStudy("studies/s")->revision() < 10) std::this_thread::yield();
  const int64_t before = store_->GetStudy("studies/s")->revision();
  EXPECT_THAT(store_->Backup(copy_), IsOk());
  done = true;
  producer.join();
  const std::unique_ptr<Store> copy = OpenCopy();
  ASSERT_NE(copy, nullptr);
  const absl::StatusOr<v1::Study> study = copy->GetStudy("studies/s");
  ASSERT_THAT(study, IsOk());
  EXPECT_GE(study->revision(), before);
  EXPECT_EQ(study->experiment_count(), study->revision()) << "one row a revision";
}

}  // namespace
}  // namespace bitbudget::db
