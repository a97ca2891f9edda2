#include "client/cli/grid_axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitbudget::cli {
namespace {

using ::testing::ElementsAre;

TEST(ParseGridAxisTest, ReadsAList) {
  const absl::StatusOr<v1::GridAxis> axis = ParseGridAxis("weight_bits=1,1.58,4");
  ASSERT_EQ(axis.status().code(), absl::StatusCode::kOk) << axis.status();
  EXPECT_EQ(axis->variable(), v1::GridAxis::WEIGHT_BITS);
  EXPECT_THAT(axis->values(), ElementsAre(1, 1.58, 4));
  EXPECT_EQ(axis->count(), 0);
}

TEST(ParseGridAxisTest, ReadsARange) {
  const absl::StatusOr<v1::GridAxis> axis = ParseGridAxis("qat-fraction=5%:0.95:19");
  ASSERT_EQ(axis.status().code(), absl::StatusCode::kOk) << axis.status();
  EXPECT_EQ(axis->variable(), v1::GridAxis::QAT_FRACTION);
  EXPECT_EQ(axis->lower(), .05);
  EXPECT_EQ(axis->upper(), .95);
  EXPECT_EQ(axis->count(), 19);
  EXPECT_FALSE(axis->logarithmic());
}

TEST(ParseGridAxisTest, ReadsALogarithmicRangeInUnits) {
  const absl::StatusOr<v1::GridAxis> axis = ParseGridAxis("total_tokens=1Btok:1T:20:log");
  ASSERT_EQ(axis.status().code(), absl::StatusCode::kOk) << axis.status();
  EXPECT_EQ(axis->lower(), 1e9);
  EXPECT_EQ(axis->upper(), 1e12);
  EXPECT_TRUE(axis->logarithmic());
}

TEST(ParseGridAxisTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "weight_bits",
                           "bits=1,2",
                           "weight_bits=",
                           "weight_bits=1,,2",
                           "weight_bits=1:2",
                           "weight_bits=1:2:3:lin",
                           "weight_bits=1:2:3:log:4",
                           "weight_bits=1:2:2.5",
                           "weight_bits=a:2:3",
                           "=1,2"}) {
    EXPECT_EQ(ParseGridAxis(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace bitbudget::cli
