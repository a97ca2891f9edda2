#include "planner/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

// Sizes 86e6 to 2.2e9, budgets 2.3e9 to 1.4e12, widths 1 to 6, fractions .05 to
// .8.
fitter::DataSupport Support() { return FittedQatLaw(OwnTruth("grows")).support; }

TEST(OutsideDataTest, NothingInsideTheBox) {
  EXPECT_THAT(OutsideData(Support(), {396e6, 4e10, 1e10, 4}), IsEmpty());
}

TEST(OutsideDataTest, WidthsBetweenMeasuredOnesAreInside) {
  EXPECT_THAT(OutsideData(Support(), {396e6, 4e10, 1e10, 3.5}), IsEmpty());
}

TEST(OutsideDataTest, EndsOfTheDataAreInsideInSpiteOfRounding) {
  EXPECT_THAT(OutsideData(Support(), {86e6 * (1 - 1e-12), 4e10, 1e10, 6 * (1 + 1e-12)}), IsEmpty());
}

TEST(OutsideDataTest, FactorIsTheRatioToTheNearestEnd) {
  const auto above = OutsideData(Support(), {2.2e9 * 3, 4e11, 1e11, 4});
  ASSERT_THAT(above, ElementsAre(Field(&OutsideAxis::axis, "parameters")));
  EXPECT_DOUBLE_EQ(above[0].factor, 3);
  EXPECT_EQ(above[0].value, 2.2e9 * 3);
  EXPECT_EQ(above[0].data_range.lower, 86e6);
  EXPECT_EQ(above[0].data_range.upper, 2.2e9);

  const auto below = OutsideData(Support(), {86e6 / 4, 4e10, 1e10, 4});
  ASSERT_THAT(below, ElementsAre(Field(&OutsideAxis::axis, "parameters")));
  EXPECT_DOUBLE_EQ(below[0].factor, 4);
}

TEST(OutsideDataTest, EveryAxisIsNamed) {
  // Ten times too large a model on a million times too few tokens.
  EXPECT_THAT(OutsideData(Support(), {2.2e10, 1.4e3, 6, 8}),
              ElementsAre(Field(&OutsideAxis::axis, "parameters"),
                          Field(&OutsideAxis::axis, "total_tokens"),
                          Field(&OutsideAxis::axis, "fp_tokens"),
                          Field(&OutsideAxis::axis, "qat_tokens"),
                          Field(&OutsideAxis::axis, "weight_bits"),
                          Field(&OutsideAxis::axis, "qat_fraction"),
                          Field(&OutsideAxis::axis, "tokens_per_parameter_byte")));
}

TEST(OutsideDataTest, FullPrecisionIsComparedOnSizeAndTokensAlone) {
  EXPECT_THAT(OutsideData(Support(), {396e6, 5e10, 0, 16}), IsEmpty());
  EXPECT_THAT(OutsideData(Support(), {396e6, 5e13, 0, 16}),
              ElementsAre(Field(&OutsideAxis::axis, "total_tokens")));
}

TEST(OutsideDataTest, FullPrecisionIsAWidthOfItsOwnWhereTheDataHaveNone) {
  fitter::DataSupport support = Support();
  support.full_precision_row_count = 0;
  EXPECT_THAT(OutsideData(support, {396e6, 5e10, 0, 16}),
              ElementsAre(Field(&OutsideAxis::axis, "weight_bits")));
}

// Axes that only published laws print.
TEST(OutsideDataTest, PrintedRangesAreCompared) {
  fitter::DataSupport support = Support();
  support.compute_flops = {1e18, 1e21};
  support.tokens_per_parameter = {20, 200};
  EXPECT_THAT(OutsideData(support, {396e6, 4e10, 0, 16}), IsEmpty());
  const auto outside = OutsideData(support, {396e6, 8e11, 0, 16});
  ASSERT_THAT(outside,
              ElementsAre(Field(&OutsideAxis::axis, "tokens_per_parameter"),
                          Field(&OutsideAxis::axis, "compute_flops")));
  EXPECT_DOUBLE_EQ(outside[0].value, 8e11 / 396e6);
  EXPECT_DOUBLE_EQ(outside[1].value, 6 * 396e6 * 8e11);
}

TEST(InterpolatedWidthsTest, AreThoseBetweenMeasuredOnes) {
  EXPECT_THAT(WarnOfInterpolatedWidths(Support(), std::array{1.0, 1.58, 4.0, 8.0}),
              ElementsAre("No run has 1.58 bits: the loss is interpolated between 1 and 2."));
}

TEST(IntervalFactorTest, IsTheTabulatedQuantileOfStudentsT) {
  // Table values, three decimals.
  EXPECT_NEAR(IntervalFactor(0.95, 1), 12.706, 5e-4);
  EXPECT_NEAR(IntervalFactor(0.90, 10), 1.812, 5e-4);
  EXPECT_NEAR(IntervalFactor(0.99, 30), 2.750, 5e-4);
}

TEST(IntervalFactorTest, TakesFractionalDegreesOfFreedom) {
  EXPECT_LT(IntervalFactor(0.9, 3), IntervalFactor(0.9, 2.5));
  EXPECT_GT(IntervalFactor(0.9, 2), IntervalFactor(0.9, 2.5));
}

TEST(IntervalFactorTest, IsTheNormalQuantileForMany) {
  EXPECT_NEAR(IntervalFactor(0.9, 1e9), 1.6448536, 1e-7);
}

TEST(IntervalFactorTest, IsFiniteAtExtremeConfidence) {
  EXPECT_GT(IntervalFactor(1 - 1e-15, 1), 1e14);
  EXPECT_NEAR(IntervalFactor(1e-12, 5), 0, 1e-11);
}

}  // namespace
}  // namespace bitbudget::planner
