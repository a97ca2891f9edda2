#include "worker/agent/work_directory.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/process/process.h"
#include "util/sha256.h"

namespace bitbudget::agent {
namespace {

namespace fs = std::filesystem;

class WorkDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    auto work = WorkDirectory::Open(directory_.File("work"));
    ASSERT_TRUE(work.ok()) << work.status();
    work_ = *std::move(work);
  }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  static v1::Job JobOf(const std::string& hash) {
    v1::Job job;
    job.set_name("studies/s/jobs/7");
    job.set_training_hash(hash);
    return job;
  }

  JobDirectory Folder(const std::string& hash) {
    const auto folder = work_->JobFolder(JobOf(hash));
    EXPECT_TRUE(folder.ok()) << folder.status();
    return folder.ok() ? *folder : JobDirectory();
  }

  static v1::CompleteJobRequest Result(const std::string& job, double loss) {
    v1::CompleteJobRequest result;
    result.set_name(job);
    result.set_attempt(2);
    result.mutable_experiment()->set_loss_nats(loss);
    return result;
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<WorkDirectory> work_;
};

// A file as bitbudget-train ends it: with the hash of all before.
std::string Hashed(const std::string& content) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(content.data()),
         content.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return content + digest;
}

TEST_F(WorkDirectoryTest, ASecondAgentIsRefused) {
  EXPECT_EQ(WorkDirectory::Open(directory_.File("work")).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(WorkDirectoryTest, EqualTrainingsShareAFolder) {
  EXPECT_EQ(Folder("ab").path, Folder("ab").path);
  EXPECT_NE(Folder("ab").path, Folder("cd").path);
  EXPECT_TRUE(fs::is_directory(Folder("ab").Checkpoints()));
}

TEST_F(WorkDirectoryTest, AResultIsKeptUntilItIsRemoved) {
  const auto path = work_->Spool(Result("studies/s/jobs/7", 2.5));
  ASSERT_TRUE(path.ok()) << path.status();
  work_.reset();
  Open();
  ASSERT_EQ(work_->Spooled(), std::vector<std::string>{*path});
  const auto read = WorkDirectory::ReadSpooled(*path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->name(), "studies/s/jobs/7");
  EXPECT_EQ(read->attempt(), 2);
  EXPECT_EQ(read->experiment().loss_nats(), 2.5);
  work_->RemoveSpooled(*path);
  EXPECT_TRUE(work_->Spooled().empty());
}

TEST_F(WorkDirectoryTest, JobsOfTwoStudiesWithOneIdAreKeptApart) {
  ASSERT_TRUE(work_->Spool(Result("studies/a/jobs/7", 1)).ok());
  ASSERT_TRUE(work_->Spool(Result("studies/b/jobs/7", 2)).ok());
  EXPECT_EQ(work_->Spooled().size(), 2U);
}

TEST_F(WorkDirectoryTest, ADamagedResultIsToldAndCanBePutAside) {
  const std::string path = directory_.File("work/results/s.7-1.result");
  Write(path, "\x0a\xff no result");
  EXPECT_EQ(WorkDirectory::ReadSpooled(path).status().code(), absl::StatusCode::kDataLoss);
  work_->Refuse(path);
  EXPECT_TRUE(work_->Spooled().empty());
  EXPECT_TRUE(fs::exists(directory_.File("work/refused/s.7-1.result")));
}

TEST_F(WorkDirectoryTest, AHalfWrittenResultIsNone) {
  Write(directory_.File("work/results/s.7-1.result.partial"), "half");
  EXPECT_TRUE(work_->Spooled().empty());
}

TEST_F(WorkDirectoryTest, AFinishedJobKeepsItsMilestonesAlone) {
  const JobDirectory folder = Folder("ab");
  Write(folder.Latest(), "latest");
  Write(folder.Milestone(512), "milestone");
  work_->RemoveFinished(folder);
  EXPECT_FALSE(fs::exists(folder.Latest()));
  EXPECT_TRUE(fs::exists(folder.Milestone(512)));
}

TEST_F(WorkDirectoryTest, AFinishedJobWithoutMilestonesKeepsNothing) {
  const JobDirectory folder = Folder("ab");
  Write(folder.Latest(), "latest");
  work_->RemoveFinished(folder);
  EXPECT_FALSE(fs::exists(folder.path));
}

TEST_F(WorkDirectoryTest, TheLongestUnusedFoldersGoFirst) {
  for (const char* hash : {"aa", "bb", "cc"}) {
    const JobDirectory folder = Folder(hash);
    Write(folder.Milestone(512), std::string(1000, 'x'));
  }
  // Used in the order bb, cc, aa.
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(directory_.File("work/jobs/bb"), now - std::chrono::hours(3));
  fs::last_write_time(directory_.File("work/jobs/cc"), now - std::chrono::hours(2));
  fs::last_write_time(directory_.File("work/jobs/aa"), now - std::chrono::hours(1));
  work_->RemoveOld(2'000, "");
  EXPECT_FALSE(fs::exists(directory_.File("work/jobs/bb")));
  EXPECT_TRUE(fs::exists(directory_.File("work/jobs/cc")));
  EXPECT_TRUE(fs::exists(directory_.File("work/jobs/aa")));
}

TEST_F(WorkDirectoryTest, TheFolderInUseStays) {
  const JobDirectory folder = Folder("aa");
  Write(folder.Milestone(512), std::string(1000, 'x'));
  work_->RemoveOld(0, folder.path);
  EXPECT_TRUE(fs::exists(folder.Milestone(512)));
}

TEST_F(WorkDirectoryTest, AFolderWhoseTrainerStillLivesStays) {
  const JobDirectory folder = Folder("aa");
  Write(folder.Milestone(512), std::string(1000, 'x'));
  const auto lock = FileLock::Take(folder.Lock(), absl::ZeroDuration());
  ASSERT_TRUE(lock.ok());
  work_->RemoveOld(0, "");
  EXPECT_TRUE(fs::exists(folder.Milestone(512)));
}

TEST_F(WorkDirectoryTest, ACheckpointIsKnownByTheHashThatItEndsWith) {
  const std::string path = directory_.File("c.ckpt");
  // More than one block of reading.
  const std::string file = Hashed(std::string(100'000, 'c'));
  Write(path, file);
  const auto hash = CheckpointHash(path);
  ASSERT_TRUE(hash.ok()) << hash.status();
  EXPECT_EQ(*hash, ToHex(file.substr(100'000)));
}

TEST_F(WorkDirectoryTest, AChangedOrShortenedCheckpointIsDamaged) {
  const std::string path = directory_.File("c.ckpt");
  std::string file = Hashed(std::string(1'000, 'c'));
  file[500] ^= 1;
  Write(path, file);
  EXPECT_EQ(CheckpointHash(path).status().code(), absl::StatusCode::kDataLoss);
  Write(path, file.substr(0, 20));
  EXPECT_EQ(CheckpointHash(path).status().code(), absl::StatusCode::kDataLoss);
  Write(path, "");
  EXPECT_EQ(CheckpointHash(path).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(WorkDirectoryTest, ACheckpointThatIsGoneIsNotFound) {
  EXPECT_EQ(CheckpointHash(directory_.File("none")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace bitbudget::agent
