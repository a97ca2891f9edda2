// kill -9 at random moments of an ingest: nothing acknowledged is lost, and what
// is sent again because no answer came is not stored twice.

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include "tests/fault/fault_fixture.h"

namespace bitbudget::testing {
namespace {

constexpr int kRounds = 50;
constexpr int kProducers = 4;
constexpr int kRowsPerBatch = 20;

// Sends batches one after the other until the server is gone.
class Producer {
 public:
  Producer(int index, std::string study) : index_(index), study_(std::move(study)) {}

  // Sends until a call fails; the batch without an answer is the first to be sent
  // the next time, under the same request id.
  void SendUntilFailure(client::Client& client) {
    while (Send(client)) {
    }
  }

  // Sends the next batch, or the one without an answer; true if acknowledged.
  bool Send(client::Client& client) {
    v1::BatchCreateExperimentsRequest request;
    request.set_parent(study_);
    request.set_request_id(fmt::format("producer-{}-batch-{}", index_, next_batch_));
    for (int i = 0; i < kRowsPerBatch; ++i) {
      *request.add_experiments() = RunNumber(FirstRow() + i);
    }
    const auto response = client.BatchCreateExperiments(std::move(request));
    if (!response.ok()) return false;
    EXPECT_EQ(response->created_count(), kRowsPerBatch);
    EXPECT_EQ(response->unchanged_count(), 0);
    ++next_batch_;
    return true;
  }

  int64_t acknowledged_row_count() const { return next_batch_ * kRowsPerBatch; }
  int64_t RowOf(int64_t acknowledged) const { return index_ * kRowsPerProducer + acknowledged; }

 private:
  static constexpr int64_t kRowsPerProducer = 10'000'000;
  int64_t FirstRow() const { return RowOf(next_batch_ * kRowsPerBatch); }

  const int index_;
  const std::string study_;
  int64_t next_batch_ = 0;
};

TEST_F(FaultTest, KillDuringIngestLosesNoAcknowledgedRowAndDoublesNone) {
  StartServer();
  ASSERT_NO_FATAL_FAILURE(CreateStudy());
  std::vector<Producer> producers;
  for (int i = 0; i < kProducers; ++i) producers.emplace_back(i, study());

  std::mt19937 random(1);
  std::uniform_int_distribution<int> moment_ms(0, 120);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    // The batch whose answer the last kill cut off comes first, under its old
    // id; the reply must be that of a first storing either way.
    for (Producer& producer : producers) ASSERT_TRUE(producer.Send(client()));
    std::vector<std::thread> threads;
    for (Producer& producer : producers) {
      threads.emplace_back([&] { producer.SendUntilFailure(client()); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(moment_ms(random)));
    KillServer();
    for (std::thread& thread : threads) thread.join();
    ASSERT_NO_FATAL_FAILURE(StartServer());
  }
  for (Producer& producer : producers) ASSERT_TRUE(producer.Send(client()));

  std::map<int64_t, int> times_stored;
  for (const v1::Experiment& row : StoredRows()) {
    const int64_t index = row.parameters() - RunNumber(0).parameters();
    EXPECT_EQ(row.loss_nats(), RunNumber(index).loss_nats());
    ++times_stored[index];
  }
  int64_t acknowledged = 0;
  for (const Producer& producer : producers) {
    for (int64_t i = 0; i < producer.acknowledged_row_count(); ++i) {
      EXPECT_EQ(times_stored[producer.RowOf(i)], 1) << "row " << producer.RowOf(i);
    }
    acknowledged += producer.acknowledged_row_count();
  }
  // All batches have been acknowledged by now, so there is no other row.
  EXPECT_EQ(static_cast<int64_t>(times_stored.size()), acknowledged);
  // The kills fell into work, not between it.
  EXPECT_GT(acknowledged, 2 * kRounds * kProducers * kRowsPerBatch);
}

}  // namespace
}  // namespace bitbudget::testing
