#include "worker/run/schedule.h"

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bitbudget::worker {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

std::vector<double> RatesOf(const Schedule& schedule) {
  std::vector<double> rates;
  for (int64_t step = 0; step < schedule.total_steps(); ++step) {
    rates.push_back(schedule.RateAt(step));
  }
  return rates;
}

// Steps of 10 tokens, a peak of 1.
TEST(Schedule, ClassicCoolsDownBeforeQatAndWarmsUpAgain) {
  const Schedule schedule({.peak_rate = 1,
                           .fp_tokens = 80,
                           .qat_tokens = 50,
                           .warmup_tokens = 20,
                           .cooldown_fraction = 0.5,
                           .qat_peak_share = 0.4,
                           .qat_warmup_fraction = 0.4},
                          10);
  const double cosine = std::cos(std::numbers::pi / 3);
  EXPECT_THAT(RatesOf(schedule),
              Pointwise(DoubleNear(1e-12),
                        {0.5,
                         1.0,
                         1.0,
                         1.0,  // warm-up, constant
                         1.0,
                         1 - std::sqrt(0.25),
                         1 - std::sqrt(0.5),
                         1 - std::sqrt(0.75),
                         0.2,
                         0.4,  // warm-up to 0.4
                         0.4,
                         0.2 * (1 + cosine),
                         0.2 * (1 - cosine)}));
  EXPECT_EQ(schedule.shared_steps(), 4);
}

TEST(Schedule, FusedDecaysInsideQatOnly) {
  const Schedule schedule({.kind = ScheduleKind::kFused,
                           .peak_rate = 1,
                           .fp_tokens = 30,
                           .qat_tokens = 50,
                           .warmup_tokens = 10,
                           .cooldown_fraction = 0.8,
                           .cooldown_shape = CooldownShape::kLinear},
                          10);
  EXPECT_THAT(RatesOf(schedule),
              Pointwise(DoubleNear(1e-12), {1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25}));
  EXPECT_EQ(schedule.shared_steps(), 3);
}

TEST(Schedule, AWarmupLongerThanTheRunNeverReachesThePeak) {
  const Schedule schedule(
      {.peak_rate = 1, .fp_tokens = 30, .warmup_tokens = 100, .cooldown_fraction = 0}, 10);
  EXPECT_THAT(RatesOf(schedule), Pointwise(DoubleNear(1e-12), {0.1, 0.2, 0.3}));
}

TEST(Schedule, TokensAreRoundedToWholeSteps) {
  const Schedule schedule({.peak_rate = 1, .fp_tokens = 74, .qat_tokens = 26}, 10);
  EXPECT_EQ(schedule.fp_steps(), 7);
  EXPECT_EQ(schedule.qat_steps(), 3);
}

TEST(ValidateSchedule, NamesTheFieldThatBreaksARule) {
  const auto message = [](const ScheduleOptions& options) {
    return std::string(ValidateSchedule(options).message());
  };
  EXPECT_EQ(message({.peak_rate = 0.01, .fp_tokens = 1}), "");
  EXPECT_EQ(message({.peak_rate = 0, .fp_tokens = 1}),
            "schedule.peak_rate: 0 is not above 0 and at most 1");
  EXPECT_EQ(message({.peak_rate = std::nan(""), .fp_tokens = 1}),
            "schedule.peak_rate: nan is not above 0 and at most 1");
  EXPECT_EQ(message({.peak_rate = 0.01}),
            "schedule.fp_tokens: 0, and schedule.qat_tokens is 0 too");
  EXPECT_EQ(message({.peak_rate = 0.01, .fp_tokens = -1}),
            "schedule.fp_tokens: -1 is outside 0 to 2^50");
  EXPECT_EQ(message({.peak_rate = 0.01, .fp_tokens = 1, .cooldown_fraction = 1.5}),
            "schedule.cooldown_fraction: 1.5 is outside 0 to 1");
}

}  // namespace
}  // namespace bitbudget::worker
