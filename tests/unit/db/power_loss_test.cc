// Acknowledged is durable, and exactly once: power is cut before every single
// operation on the files, and the requests are sent again.

#include <fmt/format.h>

#include <random>
#include <set>

#include "tests/unit/db/faulty_vfs.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

constexpr int kBatchCount = 6;
constexpr int kRowsPerBatch = 3;

class PowerLossTest : public testing::Test {
 protected:
  static InsertBatch BatchNumber(int number) {
    InsertBatch batch;
    batch.study = "studies/s";
    batch.experiments = QatRuns(number * kRowsPerBatch, kRowsPerBatch);
    batch.request = {fmt::format("batch-{}", number), "insert studies/s", fmt::to_string(number)};
    return batch;
  }

  // Creates the study and stores batch after batch, closing and opening the file
  // in between; returns the batches that were acknowledged.
  static std::set<int> RunWorkload(const StoreOptions& options) {
    std::set<int> acknowledged;
    for (int number = 0; number < kBatchCount; number += 2) {
      const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options);
      if (!store.ok()) return acknowledged;
      (void)(*store)->CreateStudy("s", {}, {"create", "CreateStudy", "create"});
      for (const int each : {number, number + 1}) {
        if ((*store)->InsertExperiments(BatchNumber(each)).ok()) acknowledged.insert(each);
      }
    }
    return acknowledged;
  }

  // The replicates stored, as often as they are.
  static std::multiset<int> Replicates(Store& store) {
    std::multiset<int> replicates;
    const auto visit = [&](const Store::FittingRow& row) {
      replicates.insert(row.experiment->replicate());
    };
    // Without the study, nothing was acknowledged.
    (void)store.ReadFittingRows("studies/s", kBatchCount, 0, visit);
    return replicates;
  }

  // Opens what the power loss left and checks it against `acknowledged`; sends
  // everything again and checks that all is there once.
  static void CheckWhatIsLeft(const StoreOptions& options, const std::set<int>& acknowledged) {
    const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options);
    ASSERT_THAT(store, IsOk());
    const std::multiset<int> left = Replicates(**store);
    for (int number = 0; number < kBatchCount; ++number) {
      size_t found = 0;
      for (int i = 0; i < kRowsPerBatch; ++i) found += left.count(number * kRowsPerBatch + i);
      if (acknowledged.contains(number)) {
        EXPECT_EQ(found, kRowsPerBatch) << "batch " << number << " was acknowledged";
      } else {
        EXPECT_TRUE(found == 0 || found == kRowsPerBatch) << found << " rows of batch " << number;
      }
    }
    ASSERT_THAT((*store)->CreateStudy("s", {}, {"create", "CreateStudy", "create"}), IsOk());
    for (int number = 0; number < kBatchCount; ++number) {
      EXPECT_THAT((*store)->InsertExperiments(BatchNumber(number)), IsOk());
    }
    std::multiset<int> all;
    for (int i = 0; i < kBatchCount * kRowsPerBatch; ++i) all.insert(i);
    EXPECT_EQ(Replicates(**store), all);
    EXPECT_EQ((*store)->GetStudy("studies/s")->revision(), kBatchCount);
  }

  // Cuts the power before `operation`; false if the workload has fewer.
  static bool CutBefore(int64_t operation, std::mt19937_64* survivors) {
    SCOPED_TRACE(fmt::format("power cut before operation {}", operation));
    const TemporaryDirectory before;
    const TemporaryDirectory after;
    FaultyVfs vfs;
    vfs.CutPowerBefore(operation);
    StoreOptions options;
    options.path = before.File("test.db");
    options.vfs = vfs.name();
    const std::set<int> acknowledged = RunWorkload(options);
    const bool cut = vfs.operation_count() > operation;
    vfs.Restore(after.path(), survivors);
    StoreOptions options_after;
    options_after.path = after.File("test.db");
    CheckWhatIsLeft(options_after, acknowledged);
    return cut;
  }

  static void CutBeforeEach(std::mt19937_64* survivors) {
    int64_t operation = 0;
    while (CutBefore(operation, survivors) && !testing::Test::HasFailure()) ++operation;
    // The loop has met every operation of the workload: a commit alone takes
    // several.
    EXPECT_GT(operation, 10 * kBatchCount);
  }
};

TEST_F(PowerLossTest, NothingAcknowledgedIsLostWithUnsyncedWritesGone) { CutBeforeEach(nullptr); }

TEST_F(PowerLossTest, NothingAcknowledgedIsLostWithSomeUnsyncedWritesLeft) {
  std::mt19937_64 survivors(20250927);
  CutBeforeEach(&survivors);
}

}  // namespace
}  // namespace bitbudget::db
