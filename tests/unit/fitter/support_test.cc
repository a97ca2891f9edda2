#include "fitter/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitbudget::fitter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Dataset ThreeRuns() {
  Dataset data;
  data.rows.resize(3);
  data.rows[0].point = {.parameters = 1e6, .fp_tokens = 3e6, .qat_tokens = 1e6, .weight_bits = 4};
  data.rows[1].point = {.parameters = 2e6, .fp_tokens = 8e6, .qat_tokens = 8e6, .weight_bits = 2};
  data.rows[2].point = {.parameters = 4e6, .fp_tokens = 9e6, .qat_tokens = 0, .weight_bits = 16};
  return data;
}

TEST(DistinctLevelsTest, BudgetsRoundedToStepsAreOneLevel) {
  EXPECT_THAT(DistinctLevels({1e6, 4.0e6, 999936, 4.01e6}), ElementsAre(999936, 4.0e6));
}

TEST(DistinctLevelsTest, LevelDoesNotCreepAlongCloseValues) {
  EXPECT_THAT(DistinctLevels({100, 100.9, 101.8}), ElementsAre(100, 101.8));
}

TEST(DistinctLevelsTest, NothingHasNoLevels) { EXPECT_THAT(DistinctLevels({}), IsEmpty()); }

TEST(SupportTest, RangesSpanTheRowsGiven) {
  const std::vector<int> rows = {0, 1, 2};
  const DataSupport support = ComputeSupport(ThreeRuns(), rows);
  EXPECT_EQ(support.parameters.lower, 1e6);
  EXPECT_EQ(support.parameters.upper, 4e6);
  EXPECT_EQ(support.total_tokens.lower, 4e6);
  EXPECT_EQ(support.total_tokens.upper, 16e6);
  EXPECT_EQ(support.fp_tokens.lower, 3e6);
  EXPECT_EQ(support.fp_tokens.upper, 9e6);
  EXPECT_EQ(support.parameters_level_count, 3);
  EXPECT_EQ(support.total_tokens_level_count, 3);
  EXPECT_EQ(support.qat_row_count, 2);
  EXPECT_EQ(support.full_precision_row_count, 1);
}

TEST(SupportTest, FullPrecisionRunsLeaveQatRangesAlone) {
  const std::vector<int> rows = {0, 1, 2};
  const DataSupport support = ComputeSupport(ThreeRuns(), rows);
  EXPECT_THAT(support.weight_bits, ElementsAre(2, 4));
  EXPECT_EQ(support.qat_tokens.lower, 1e6);
  EXPECT_EQ(support.qat_fraction.lower, 0.25);
  EXPECT_EQ(support.qat_fraction.upper, 0.5);
  EXPECT_EQ(support.qat_fraction_level_count, 2);
  // 4e6 tokens over 1e6 parameters of half a byte; 16e6 over 2e6 of a quarter.
  EXPECT_EQ(support.tokens_per_parameter_byte.lower, 8);
  EXPECT_EQ(support.tokens_per_parameter_byte.upper, 32);
}

TEST(SupportTest, OtherRowsAreNotSeen) {
  const std::vector<int> rows = {2};
  const DataSupport support = ComputeSupport(ThreeRuns(), rows);
  EXPECT_EQ(support.parameters.lower, 4e6);
  EXPECT_EQ(support.qat_row_count, 0);
  EXPECT_EQ(support.qat_fraction.upper, 0);
  EXPECT_THAT(support.weight_bits, IsEmpty());
}

}  // namespace
}  // namespace bitbudget::fitter
