#include "planner/root.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bitbudget::planner {
namespace {

TEST(RootTest, FindsTheRootToRoundingFromALooseTolerance) {
  // A last step below 1e-8 leaves an error of its square, 1e-16.
  const double root = FindRoot(
      [](double x) {
        return ValueAndSlope{x * x - 2, 2 * x};
      },
      0,
      10,
      9,
      1e-8);
  EXPECT_NEAR(root, std::sqrt(2.0), 1e-15);
}

TEST(RootTest, BisectsWhereNewtonsMethodDiverges) {
  // From x > 1.4 Newton's method on atan runs away.
  const double root = FindRoot(
      [](double x) {
        return ValueAndSlope{std::atan(x), 1 / (1 + x * x)};
      },
      -50,
      80,
      70,
      1e-10);
  EXPECT_NEAR(root, 0, 1e-10);
}

TEST(RootTest, StaysWhereAStepRoundsToNone) {
  const double root = FindRoot(
      [](double x) {
        return ValueAndSlope{(x - 1) + 1e-17, 1};
      },
      0,
      3,
      1,
      1e-7);
  EXPECT_EQ(root, 1);
}

TEST(RootTest, SurvivesASlopeOfZero) {
  const double root = FindRoot(
      [](double x) {
        return ValueAndSlope{x < 3 ? -1.0 : 1.0, 0};
      },
      0,
      10,
      5,
      1e-9);
  EXPECT_NEAR(root, 3, 1e-9);
}

TEST(RootTest, EndsAtTheUpperEndIfAllValuesAreNegative) {
  const double root = FindRoot([](double x) { return ValueAndSlope{x - 20, 1}; }, -3, 7, 0, 1e-8);
  EXPECT_NEAR(root, 7, 1e-8);
}

TEST(RootTest, EndsAtTheLowerEndIfAllValuesArePositive) {
  const double root = FindRoot([](double x) { return ValueAndSlope{x + 20, 1}; }, -3, 7, 0, 1e-8);
  EXPECT_NEAR(root, -3, 1e-8);
}

TEST(RootTest, StartsInTheMiddleIfTheGuessIsOutside) {
  double first = 0;
  FindRoot(
      [&](double x) {
        first = x;
        return ValueAndSlope{0, 1};
      },
      2,
      6,
      99,
      1e-8);
  EXPECT_EQ(first, 4);
}

}  // namespace
}  // namespace bitbudget::planner
