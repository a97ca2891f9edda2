#include "server/admission.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <utility>

#include "server/worker_pool.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

TEST(Admission, RefusesBeyondItsLimitAndSaysWhenToComeBack) {
  Admission admission(1, "fits");
  const auto ticket = admission.Enter();
  ASSERT_TRUE(ticket.ok());
  const absl::Status refused = admission.Enter().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(testing::ReasonOf(refused), "TOO_MANY_CALLS");
  EXPECT_TRUE(GetErrorDetails(refused)->retry_delay_seconds.has_value());
}

TEST(Admission, PlaceIsFreeAgainOnceItsTicketIsGone) {
  Admission admission(1, "fits");
  { const auto ticket = admission.Enter(); }
  EXPECT_TRUE(admission.Enter().ok());
}

TEST(Admission, MovedTicketGivesItsPlaceBackOnce) {
  Admission admission(1, "fits");
  std::optional<Admission::Ticket> ticket = *admission.Enter();
  ticket.reset();
  const auto next = admission.Enter();
  ASSERT_TRUE(next.ok());
  EXPECT_FALSE(admission.Enter().ok());
}

TEST(WorkerPool, DoesWhatIsQueuedBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2, 100);
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(pool.TryRun([&done] { ++done; }));
    }
  }
  EXPECT_EQ(done, 100);
}

TEST(WorkerPool, RefusesWhatItsQueueCannotTake) {
  std::promise<void> started;
  std::promise<void> release;
  WorkerPool pool(1, 1);
  ASSERT_TRUE(pool.TryRun([&] {
    started.set_value();
    release.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.TryRun([] {}));
  EXPECT_FALSE(pool.TryRun([] {}));
  release.set_value();
}

}  // namespace
}  // namespace bitbudget::server
