// What those hear who watch.

#include "tests/unit/server/job_service_fixture.h"

namespace bitbudget::server {
namespace {

using testing::Outcome;
using testing::ReadAll;
using testing::ReasonOf;
using JobWatchTest = testing::JobServiceTest;

TEST_F(JobWatchTest, WatchBeginsWithThePresentAndGoesOnWithChanges) {
  Create();
  Create();
  v1::WatchJobsRequest request;
  request.set_parent("studies/s");
  const auto woken = std::make_shared<Outcome<absl::Status>>();
  auto watch = jobs().WatchJobs(request, [woken] { woken->Set(absl::OkStatus()); });
  ASSERT_TRUE(watch.ok()) << watch.status();
  const std::vector<v1::WatchJobsResponse> present = ReadAll(**watch);
  ASSERT_EQ(present.size(), 2);
  EXPECT_FALSE(present[0].present_state_complete());
  EXPECT_TRUE(present[1].present_state_complete());

  const v1::Job job = Lease().job();
  ASSERT_TRUE(Report(job, 512).ok());
  ASSERT_TRUE(woken->Get().ok());
  // Both changes at once, as the latest state.
  const std::vector<v1::WatchJobsResponse> changes = ReadAll(**watch);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].job().state(), v1::RUNNING);
  ASSERT_EQ(changes[0].points_size(), 1);
  EXPECT_EQ(changes[0].points(0).tokens(), 512);
}

TEST_F(JobWatchTest, WatchTellsOnceMoreOfAJobThatCeasesToMatch) {
  const v1::Job job = Create();
  v1::WatchJobsRequest request;
  request.set_parent("studies/-");
  request.mutable_filter()->add_states(v1::QUEUED);
  auto watch = jobs().WatchJobs(request, [] {});
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  const v1::Job leased = Lease().job();
  EXPECT_EQ(ReadAll(**watch).size(), 1);
  ASSERT_TRUE(Report(leased, 512).ok());
  EXPECT_EQ(ReadAll(**watch).size(), 0);
}

TEST_F(JobWatchTest, EmptyPresentStateIsSaidToBeComplete) {
  v1::WatchJobsRequest request;
  request.set_parent("studies/s");
  auto watch = jobs().WatchJobs(request, [] {});
  const std::vector<v1::WatchJobsResponse> messages = ReadAll(**watch);
  ASSERT_EQ(messages.size(), 1);
  EXPECT_FALSE(messages[0].has_job());
  EXPECT_TRUE(messages[0].present_state_complete());
}

TEST_F(JobWatchTest, ShutdownEndsWatches) {
  v1::WatchJobsRequest request;
  request.set_parent("studies/s");
  const auto woken = std::make_shared<Outcome<absl::Status>>();
  auto watch = jobs().WatchJobs(request, [woken] { woken->Set(absl::OkStatus()); });
  all_->board.Drain();
  ASSERT_TRUE(woken->Get().ok());
  EXPECT_EQ(ReasonOf((*watch)->Next().status()), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace bitbudget::server
