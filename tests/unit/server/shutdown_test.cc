#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "server/call_gate.h"
#include "server/shutdown_limit.h"

namespace bitbudget::server {
namespace {

TEST(ShutdownLimitTest, AnEndThatTakesTooLongIsForced) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const ShutdownLimit limit(absl::Milliseconds(1));
        for (;;) pause();
      },
      ::testing::ExitedWithCode(EXIT_FAILURE),
      "shutdown forced");
}

TEST(ShutdownLimitTest, AnEndInTimeIsLeftAlone) {
  { const ShutdownLimit limit(absl::Hours(1)); }
  SUCCEED();
}

TEST(CallGateTest, SaysWhetherACallIsStillUnderWay) {
  CallGate gate;
  CallGate::Pass pass = gate.Enter();
  EXPECT_FALSE(gate.WaitUntilEmpty(absl::Milliseconds(1)));
  pass.reset();
  EXPECT_TRUE(gate.WaitUntilEmpty(absl::ZeroDuration()));
}

TEST(CallGateTest, CallsAreToldToGiveUpOnlyInTheEnd) {
  CallGate gate;
  gate.Close();
  EXPECT_FALSE(gate.AreCallsCancelled());
  gate.CancelCalls();
  EXPECT_TRUE(gate.AreCallsCancelled());
}

}  // namespace
}  // namespace bitbudget::server
