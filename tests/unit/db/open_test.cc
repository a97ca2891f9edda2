// What Open refuses, and that it harms nothing it refuses.

#include <SQLiteCpp/Database.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bit>
#include <filesystem>
#include <fstream>

#include "db/file.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

// The eight bytes that SQLite stores for a real number.
std::string StoredBytes(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(bits >> shift));
  return bytes;
}

// Acts without root's right to write everything while it lives.
class WithoutRoot {
 public:
  WithoutRoot() {
    if (geteuid() == 0) changed_ = seteuid(kNobody) == 0;
  }
  ~WithoutRoot() {
    if (changed_) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  bool changed_ = false;
};

class OpenTest : public StoreTest {
 protected:
  absl::Status TryOpen() { return Store::Open(Options()).status(); }

  // Changes one byte of the closed file, inside the only place that has `bytes`.
  void Damage(const std::string& bytes) {
    std::string content = ReadFile(path_);
    const size_t position = content.find(bytes);
    ASSERT_NE(position, std::string::npos);
    ASSERT_EQ(content.find(bytes, position + 1), std::string::npos);
    content[position + bytes.size() / 2] ^= 1;
    WriteFile(path_, content);
  }

  static constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
  static constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
};

TEST_F(OpenTest, EverythingIsThereAgain) {
  Insert(QatRuns(0, 3));
  const std::string study = store_->GetStudy("studies/s")->SerializeAsString();
  Reopen();
  EXPECT_EQ(store_->GetStudy("studies/s")->SerializeAsString(), study);
  EXPECT_EQ(RowsAt(1).size(), 3);
}

TEST_F(OpenTest, ClosedDatabaseIsOneFile) {
  Insert(QatRuns(0, 3));
  Close();
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".lock"));
}

TEST_F(OpenTest, LockOfAKilledServerIsTakenOver) {
  Close();
  WriteFile(path_ + ".lock", "999999");
  Open();
  EXPECT_EQ(ReadFile(path_ + ".lock"), std::to_string(getpid()));
}

TEST_F(OpenTest, FileIsMarkedAsOurs) {
  EXPECT_EQ(QueryNumber("PRAGMA application_id"), 0x62626467);
  EXPECT_EQ(QueryNumber("PRAGMA user_version"), 2);
}

TEST_F(OpenTest, EmptyFileBecomesADatabase) {
  Close();
  WriteFile(path_, "");
  EXPECT_THAT(TryOpen(), IsOk());
}

TEST(ResolvePathTest, BareNameLiesInTheCurrentDirectory) {
  EXPECT_EQ(*ResolvePath("no-such-file-yet.db"),
            (std::filesystem::current_path() / "no-such-file-yet.db").string());
}

TEST_F(OpenTest, MissingDirectoryIsNotFound) {
  StoreOptions options = Options();
  options.path = directory_.File("missing/test.db");
  EXPECT_THAT(Store::Open(options), FailsWith(absl::StatusCode::kNotFound, "DIRECTORY_NOT_FOUND"));
}

TEST_F(OpenTest, DatabaseOfAnotherProgramIsRefusedAndLeftAlone) {
  Close();
  std::filesystem::remove(path_);
  {
    SQLite::Database other(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("CREATE TABLE notes (text)");
  }
  const std::string before = ReadFile(path_);
  EXPECT_THAT(TryOpen(), FailsWith(kPrecondition, "DATABASE_FOREIGN"));
  EXPECT_EQ(ReadFile(path_), before);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".lock"));
}

TEST_F(OpenTest, FileThatIsNoDatabaseIsRefusedAndLeftAlone) {
  Close();
  const std::string text = "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats\n";
  WriteFile(path_, text);
  EXPECT_THAT(TryOpen(), FailsWith(kPrecondition, "DATABASE_FOREIGN"));
  EXPECT_EQ(ReadFile(path_), text);
}

TEST_F(OpenTest, NewerSchemaIsRefused) {
  Close();
  ExecuteSql("PRAGMA user_version = 999");
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, FailsWith(kPrecondition, "DATABASE_NEWER"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("999"));
}

TEST_F(OpenTest, SecondServerIsRefusedAndToldWhoHoldsTheFile) {
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, FailsWith(kPrecondition, "DATABASE_LOCKED"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  EXPECT_THAT(std::string(status.message()), HasSubstr(fmt::format("process {}", getpid())));
}

TEST_F(OpenTest, SecondServerIsRefusedUnderAnotherNameToo) {
  StoreOptions options = Options();
  options.path = directory_.File("link.db");
  std::filesystem::create_symlink(path_, options.path);
  EXPECT_THAT(Store::Open(options), FailsWith(kPrecondition, "DATABASE_LOCKED"));
}

TEST_F(OpenTest, RefusedServerDoesNotDisturbTheOther) {
  EXPECT_FALSE(TryOpen().ok());
  EXPECT_EQ(Insert({QatRun(0)}).created_count, 1);
  // Still held against a third.
  EXPECT_THAT(TryOpen(), FailsWith(kPrecondition, "DATABASE_LOCKED"));
}

TEST_F(OpenTest, FileThatCannotBeWrittenIsRefused) {
  Close();
  std::filesystem::permissions(path_, std::filesystem::perms(0444));
  WriteFile(path_ + ".lock", "");  // what a killed server leaves
  std::filesystem::permissions(path_ + ".lock", std::filesystem::perms(0666));
  const WithoutRoot without_root;
  EXPECT_THAT(TryOpen(), FailsWith(absl::StatusCode::kPermissionDenied, "DATABASE_READ_ONLY"));
}

TEST_F(OpenTest, DirectoryThatCannotBeWrittenIsRefused) {
  Close();
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0555));
  const WithoutRoot without_root;
  EXPECT_THAT(TryOpen(), FailsWith(absl::StatusCode::kPermissionDenied, "DATABASE_READ_ONLY"));
}

TEST_F(OpenTest, FlippedByteInALossIsFoundByEveryRead) {
  Insert({QatRun(0), QatRun(1, 3.14159265)});
  Close();
  Damage(StoredBytes(3.14159265));
  Open();
  const auto damaged = FailsWith(kDataLoss, "DATABASE_DAMAGED");
  EXPECT_THAT(store_->ReadFittingRows("studies/s", 1, 0, [](const Store::FittingRow&) {}), damaged);
  EXPECT_THAT(store_->GetExperiment("studies/s/experiments/2"), damaged);
  v1::ListExperimentsRequest list;
  list.set_parent("studies/s");
  EXPECT_THAT(store_->ListExperiments(list, {}), damaged);
  EXPECT_THAT(store_->ExportExperiments(
                  "studies/s", {}, [](const v1::Experiment&) {}, [] { return false; }),
              damaged);
  EXPECT_THAT(store_->InsertExperiments(Batch({QatRun(1, 3.14159265)})), damaged);
  EXPECT_THAT(store_->GetExperiment("studies/s/experiments/1"), IsOk());
  const std::string copy = directory_.File("copy.db");
  EXPECT_THAT(store_->Backup(copy), damaged);
  EXPECT_FALSE(std::filesystem::exists(copy));
}

TEST_F(OpenTest, FlippedByteInAFitIsFound) {
  v1::Fit fit;
  fit.set_formula("L = E + A / N^alpha, of this test alone");
  ASSERT_THAT(store_->InsertFit("studies/s", fit, {}), IsOk());
  Close();
  Damage(fit.formula());
  Open();
  EXPECT_THAT(store_->GetFit("studies/s/fits/1"), FailsWith(kDataLoss, "DATABASE_DAMAGED"));
  EXPECT_THAT(store_->ListFits("studies/s", {}), FailsWith(kDataLoss, "DATABASE_DAMAGED"));
}

TEST_F(OpenTest, FlippedByteInAStudyIsFound) {
  v1::Study study = StudyFields();
  study.set_tokenizer("a tokenizer of this test alone");
  ASSERT_THAT(store_->CreateStudy("t", study, {}), IsOk());
  Close();
  // The history has a copy of the definition: damage the first of the two.
  std::string content = ReadFile(path_);
  for (size_t at = content.find(study.tokenizer()); at != std::string::npos;
       at = content.find(study.tokenizer(), at + 1)) {
    content[at] = 'A';
  }
  WriteFile(path_, content);
  Open();
  EXPECT_THAT(store_->GetStudy("studies/t"), FailsWith(kDataLoss, "DATABASE_DAMAGED"));
}

TEST_F(OpenTest, IndexThatDisagreesWithItsTableIsRefused) {
  Insert(QatRuns(0, 50));
  Close();
  ExecuteSql(
      "PRAGMA writable_schema = ON;"
      "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema "
      "WHERE name = 'fits_by_number') WHERE name = 'experiments_by_row'");
  EXPECT_THAT(TryOpen(), FailsWith(kDataLoss, "DATABASE_DAMAGED"));
}

TEST_F(OpenTest, TruncatedFileIsRefused) {
  Insert(QatRuns(0, 200));
  Close();
  const std::string content = ReadFile(path_);
  WriteFile(path_, content.substr(0, content.size() / 2));
  EXPECT_THAT(TryOpen(), FailsWith(kDataLoss, "DATABASE_DAMAGED"));
}

TEST_F(OpenTest, DamagedHeaderIsRefused) {
  Close();
  std::string content = ReadFile(path_);
  content.replace(16, 2, "\xff\xff");  // page size
  WriteFile(path_, content);
  EXPECT_THAT(TryOpen(), FailsWith(kDataLoss, "DATABASE_DAMAGED"));
}

class FullTest : public OpenTest {
 protected:
  // Opens the file with room for a few pages more than it has.
  void OpenWithLimit() {
    Close();
    StoreOptions options = Options();
    options.max_page_count = QueryNumber("PRAGMA page_count") + 8;
    absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }
};

TEST_F(FullTest, FullDatabaseRefusesRowsGoesOnReadingAndHasRoomForLess) {
  Insert(QatRuns(0, 3));
  OpenWithLimit();
  const absl::Status status = store_->InsertExperiments(Batch(QatRuns(3, 2000))).status();
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, "DATABASE_FULL"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  EXPECT_EQ(RowsAt(100).size(), 3);
  EXPECT_EQ(Insert({QatRun(3)}).created_count, 1);
}

TEST_F(FullTest, RowsAreStoredOnceThereIsRoom) {
  OpenWithLimit();
  ASSERT_THAT(store_->InsertExperiments(Batch(QatRuns(0, 2000), "id")),
              FailsWith(absl::StatusCode::kUnavailable, "DATABASE_FULL"));
  Reopen();
  EXPECT_EQ(store_->InsertExperiments(Batch(QatRuns(0, 2000), "id"))->created_count, 2000);
}

TEST(NetworkFileSystemTest, IsRecognisedByTheDeviceOfTheDirectory) {
  constexpr auto kMounts =
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "31 22 0:45 / /mnt/nfs rw shared:2 master:1 - nfs4 host:/export rw\n"
      "32 22 0:46 / /mnt/a\\040b rw - cifs //host/share rw\n"
      "33 22 0:47 / /mnt/ssh rw - fuse.sshfs me@host: rw\n"
      "34 22 0:48 / /mnt/local rw - fuse.ntfs-3g /dev/sdb1 rw\n"
      "35 22 0:49 / /dev/shm rw - tmpfs tmpfs rw\n";
  const auto type = [&](unsigned major_number, unsigned minor_number) {
    return NetworkFileSystemType(kMounts, makedev(major_number, minor_number));
  };
  EXPECT_EQ(type(0, 45), "nfs4");
  EXPECT_EQ(type(0, 46), "cifs");
  EXPECT_EQ(type(0, 47), "fuse.sshfs");
  EXPECT_EQ(type(0, 48), "");
  EXPECT_EQ(type(0, 49), "");
  EXPECT_EQ(type(254, 0), "");
  EXPECT_EQ(type(9, 9), "") << "not mounted as far as we know";
}

}  // namespace
}  // namespace bitbudget::db
