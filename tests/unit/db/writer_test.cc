// One writer, many readers: what waits together is committed together, a bad
// write harms no other, and a failed commit is nobody's success.

#include "db/writer.h"

#include <fmt/format.h>

#include <future>
#include <set>
#include <thread>

#include "db/reader_pool.h"
#include "db/store.h"
#include "tests/unit/db/faulty_vfs.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::Each;

// A writer on a table of numbers.
class WriterTest : public testing::Test {
 protected:
  WriterTest() {
    auto connection = std::make_unique<Connection>(Options(/*read_only=*/false));
    connection->database().exec("PRAGMA journal_mode = WAL");
    connection->database().exec("CREATE TABLE numbers (number INTEGER UNIQUE) STRICT");
    writer_ = std::make_unique<Writer>(std::move(connection), Clock::System(), kMaxWaiting);
    readers_ = std::make_unique<ReaderPool>(Options(/*read_only=*/true), 1);
  }
  ~WriterTest() override {
    readers_.reset();
    writer_.reset();
  }

  ConnectionOptions Options(bool read_only) const {
    return {.path = directory_.File("test.db"), .vfs = vfs_.name(), .read_only = read_only};
  }

  static absl::Status InsertNumber(WriteContext& context, int64_t number) {
    Query(context.connection, "INSERT INTO numbers VALUES (?1)", number).Run();
    return absl::OkStatus();
  }

  // Queues `works` behind a write that is held up, calls `meanwhile` when all
  // wait, lets them run, and returns their statuses.
  std::vector<absl::Status> RunTogether(
      const std::vector<Writer::Work>& works, const std::function<void()>& meanwhile = [] {}) {
    std::promise<void> release;
    std::promise<void> busy;
    const Writer::Work hold = [&](WriteContext&) {
      busy.set_value();
      release.get_future().wait();
      return absl::OkStatus();
    };
    std::future<absl::Status> held =
        std::async(std::launch::async, [&] { return writer_->Run(hold); });
    busy.get_future().wait();
    std::vector<std::future<absl::Status>> results;
    for (const Writer::Work& work : works) {
      results.push_back(std::async(std::launch::async, [&] { return writer_->Run(work); }));
    }
    while (writer_->waiting_count() < works.size()) std::this_thread::yield();
    meanwhile();
    release.set_value();
    EXPECT_THAT(held.get(), IsOk());
    std::vector<absl::Status> statuses;
    for (std::future<absl::Status>& result : results) statuses.push_back(result.get());
    return statuses;
  }

  static std::vector<Writer::Work> InsertNumbers(int64_t first, int64_t count) {
    std::vector<Writer::Work> works;
    for (int64_t i = 0; i < count; ++i) {
      works.emplace_back(
          [number = first + i](WriteContext& context) { return InsertNumber(context, number); });
    }
    return works;
  }

  int64_t Count() {
    const absl::StatusOr<int64_t> count =
        readers_->Run([](Connection& connection) -> absl::StatusOr<int64_t> {
          Query query(connection, "SELECT count(*) FROM numbers");
          query.Next();
          return query.Int(0);
        });
    EXPECT_THAT(count, IsOk());
    return count.value_or(-1);
  }

  static constexpr int64_t kMaxWaiting = 20;

  TemporaryDirectory directory_;
  FaultyVfs vfs_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<ReaderPool> readers_;
};

TEST_F(WriterTest, WaitingWritesShareOneSync) {
  ASSERT_THAT(writer_->Run([](WriteContext& context) { return InsertNumber(context, 0); }), IsOk());
  const int64_t alone = vfs_.sync_count();
  ASSERT_THAT(writer_->Run([](WriteContext& context) { return InsertNumber(context, 1); }), IsOk());
  const int64_t syncs_of_one_commit = vfs_.sync_count() - alone;
  const int64_t before = vfs_.sync_count();
  EXPECT_THAT(RunTogether(InsertNumbers(2, 16)), Each(IsOk()));
  EXPECT_EQ(vfs_.sync_count() - before, syncs_of_one_commit);
  EXPECT_EQ(Count(), 18);
}

TEST_F(WriterTest, RefusedWriteLeavesNothingAndItsNeighboursAlone) {
  std::vector<Writer::Work> works = InsertNumbers(0, 4);
  works[1] = [](WriteContext& context) {
    (void)InsertNumber(context, 100);
    return absl::InvalidArgumentError("refused");
  };
  const std::vector<absl::Status> statuses = RunTogether(works);
  EXPECT_EQ(statuses[1].message(), "refused");
  EXPECT_THAT(statuses[0], IsOk());
  EXPECT_THAT(statuses[3], IsOk());
  EXPECT_EQ(Count(), 3);
}

TEST_F(WriterTest, WriteThatBreaksAConstraintLeavesItsNeighboursAlone) {
  std::vector<Writer::Work> works = InsertNumbers(0, 4);
  works[1] = works[2] = [](WriteContext& context) {
    (void)InsertNumber(context, 100);
    return InsertNumber(context, 100);
  };
  const std::vector<absl::Status> statuses = RunTogether(works);
  EXPECT_THAT(statuses[1], FailsWith(absl::StatusCode::kInternal, "DATABASE_ERROR"));
  EXPECT_THAT(statuses[2], FailsWith(absl::StatusCode::kInternal, "DATABASE_ERROR"));
  EXPECT_EQ(Count(), 2);
}

TEST_F(WriterTest, DiscardedWriteSucceedsWithoutEffect) {
  EXPECT_THAT(writer_->Run([](WriteContext& context) {
    context.discard = true;
    return InsertNumber(context, 1);
  }),
              IsOk());
  EXPECT_EQ(Count(), 0);
}

TEST_F(WriterTest, FailedCommitFailsAllWritesOfIt) {
  vfs_.SetSyncFails(true);
  EXPECT_THAT(RunTogether(InsertNumbers(0, 3)),
              Each(FailsWith(absl::StatusCode::kUnavailable, "DATABASE_WRITE_FAILED")));
  EXPECT_EQ(Count(), 0);
}

TEST_F(WriterTest, WriteRefusedInAFailedCommitKeepsItsOwnError) {
  std::vector<Writer::Work> works = InsertNumbers(0, 2);
  works.emplace_back([](WriteContext&) { return absl::InvalidArgumentError("refused"); });
  vfs_.SetSyncFails(true);
  const std::vector<absl::Status> statuses = RunTogether(works);
  EXPECT_EQ(statuses[2].code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WriterTest, WritesGoOnOnceTheDiskDoes) {
  vfs_.SetSyncFails(true);
  const Writer::Work work = [](WriteContext& context) { return InsertNumber(context, 1); };
  EXPECT_FALSE(writer_->Run(work).ok());
  vfs_.SetSyncFails(false);
  EXPECT_THAT(writer_->Run(work), IsOk());
  EXPECT_EQ(Count(), 1);
}

TEST_F(WriterTest, FullDiskFailsAllAndReadingGoesOn) {
  ASSERT_THAT(writer_->Run([](WriteContext& context) { return InsertNumber(context, 0); }), IsOk());
  vfs_.SetFull(true);
  EXPECT_THAT(RunTogether(InsertNumbers(1, 3)),
              Each(FailsWith(absl::StatusCode::kUnavailable, "DATABASE_FULL")));
  EXPECT_EQ(Count(), 1);
  vfs_.SetFull(false);
  EXPECT_THAT(RunTogether(InsertNumbers(1, 3)), Each(IsOk()));
}

// More than a page cache holds, so that the disk is found full in the middle of
// a write and SQLite undoes the transaction, the neighbours with it.
TEST_F(WriterTest, DiskFullInTheMiddleOfAWriteAcknowledgesNoNeighbour) {
  std::vector<Writer::Work> works = InsertNumbers(0, 2);
  works.emplace_back([&](WriteContext& context) {
    context.connection.database().exec("PRAGMA cache_size = 10");
    vfs_.SetFull(true);
    for (int64_t number = 1000; number < 21'000; ++number) (void)InsertNumber(context, number);
    return absl::OkStatus();
  });
  EXPECT_THAT(RunTogether(works), Each(FailsWith(absl::StatusCode::kUnavailable, "DATABASE_FULL")));
  vfs_.SetFull(false);
  EXPECT_EQ(Count(), 0);
  EXPECT_THAT(RunTogether(InsertNumbers(0, 2)), Each(IsOk()));
}

TEST_F(WriterTest, ReaderDoesNotWaitForAWriteUnderWay) {
  EXPECT_THAT(writer_->Run([&](WriteContext& context) {
    const absl::Status status = InsertNumber(context, 1);
    EXPECT_EQ(Count(), 0);
    return status;
  }),
              IsOk());
  EXPECT_EQ(Count(), 1);
}

TEST_F(WriterTest, WriteThatFindsTheQueueFullIsNotTaken) {
  const std::vector<absl::Status> statuses = RunTogether(InsertNumbers(0, kMaxWaiting), [&] {
    EXPECT_THAT(writer_->Run([](WriteContext& context) { return InsertNumber(context, 1000); }),
                FailsWith(absl::StatusCode::kResourceExhausted, "TOO_MANY_WRITES"));
  });
  EXPECT_THAT(statuses, Each(IsOk()));
  EXPECT_EQ(Count(), kMaxWaiting);
}

using ConcurrencyTest = StoreTest;

TEST_F(ConcurrencyTest, ManyProducersStoreEachRowOnce) {
  constexpr int kProducers = 16;
  constexpr int kRowsEach = 20;
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kRowsEach; ++i) {
        const int replicate = p * kRowsEach + i;
        EXPECT_THAT(
            store_->InsertExperiments(Batch({QatRun(replicate)}, fmt::format("{}", replicate))),
            IsOk());
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  std::set<int> replicates;
  std::set<int64_t> revisions;
  ASSERT_THAT(store_->ReadFittingRows("studies/s",
                                      kProducers * kRowsEach,
                                      0,
                                      [&](const Store::FittingRow& row) {
                                        replicates.insert(row.experiment->replicate());
                                        revisions.insert(row.experiment->create_revision());
                                      }),
              IsOk());
  EXPECT_EQ(replicates.size(), kProducers * kRowsEach);
  EXPECT_EQ(revisions.size(), kProducers * kRowsEach) << "each write has a revision of its own";
}

TEST_F(ConcurrencyTest, EveryReadSeesOneRevision) {
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      while (!done) {
        // One row a revision: their numbers agree in every consistent state.
        int64_t row_count = 0;
        const absl::StatusOr<int64_t> revision = store_->ExportExperiments(
            "studies/s", {}, [&](const v1::Experiment&) { ++row_count; }, [] { return false; });
        ASSERT_THAT(revision, IsOk());
        EXPECT_EQ(row_count, *revision);
        const absl::StatusOr<v1::Study> study = store_->GetStudy("studies/s");
        ASSERT_THAT(study, IsOk());
        EXPECT_EQ(study->experiment_count(), study->revision());
        EXPECT_GE(study->revision(), *revision) << "reads see all that was acknowledged before";
      }
    });
  }
  for (int i = 0; i < 150; ++i) Insert({QatRun(i)});
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST_F(ConcurrencyTest, WriteDuringAnExportIsNeitherSeenByItNorKeptWaiting) {
  Insert(QatRuns(0, 3));
  int row_count = 0;
  const absl::StatusOr<int64_t> revision = store_->ExportExperiments(
      "studies/s",
      {},
      [&](const v1::Experiment&) { Insert({QatRun(10 + row_count++)}); },
      [] { return false; });
  ASSERT_THAT(revision, IsOk());
  EXPECT_EQ(*revision, 1);
  EXPECT_EQ(row_count, 3);
  EXPECT_EQ(store_->GetStudy("studies/s")->experiment_count(), 6);
}

TEST_F(ConcurrencyTest, MoreReadsThanConnectionsDoNotWaitForOneAnother) {
  Insert({QatRun(0)});
  // Each visit starts another export before it ends.
  int depth = 0;
  std::function<void(const v1::Experiment&)> visit = [&](const v1::Experiment&) {
    if (++depth == 10) return;
    EXPECT_THAT(store_->ExportExperiments("studies/s", {}, visit, [] { return false; }), IsOk());
  };
  EXPECT_THAT(store_->ExportExperiments("studies/s", {}, visit, [] { return false; }), IsOk());
  EXPECT_EQ(depth, 10);
}

}  // namespace
}  // namespace bitbudget::db
