#include "fitter/nnls.h"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <limits>
#include <random>

namespace bitbudget::fitter {
namespace {

Eigen::MatrixXd RandomMatrix(int rows, int columns, std::mt19937* generator) {
  Eigen::MatrixXd matrix(rows, columns);
  for (double& entry : matrix.reshaped()) entry = (*generator)() * 0x1p-32;
  return matrix;
}

// A convex problem is solved where the gradient vanishes in positive unknowns and
// points inward in those at 0 (Karush-Kuhn-Tucker).
TEST(NnlsTest, SolutionSatisfiesTheOptimalityConditions) {
  std::mt19937 generator(3);
  for (int round = 0; round < 200; ++round) {
    const Eigen::MatrixXd a = RandomMatrix(30, 6, &generator);
    const Eigen::VectorXd b = RandomMatrix(30, 1, &generator) - RandomMatrix(30, 1, &generator);
    const Eigen::VectorXd x = SolveNonNegative(a.transpose() * a, a.transpose() * b);
    const Eigen::VectorXd descent = a.transpose() * (b - a * x);
    for (int j = 0; j < 6; ++j) {
      EXPECT_GE(x[j], 0);
      EXPECT_LT(descent[j], 1e-9);
      EXPECT_NEAR(x[j] * descent[j], 0, 1e-9);
    }
  }
}

TEST(NnlsTest, PositiveSolutionIsThatOfLeastSquares) {
  std::mt19937 generator(4);
  const Eigen::MatrixXd a = RandomMatrix(20, 4, &generator);
  const Eigen::Vector4d truth(0.5, 1, 2, 0.1);
  const Eigen::VectorXd x = SolveNonNegative(a.transpose() * a, a.transpose() * (a * truth));
  EXPECT_LT((x - truth).norm(), 1e-10);
}

TEST(NnlsTest, ColumnsOfZerosGetZero) {
  Eigen::MatrixXd a = Eigen::MatrixXd::Ones(5, 2);
  a.col(1).setZero();
  const Eigen::VectorXd b = Eigen::VectorXd::Constant(5, 3);
  const Eigen::VectorXd x = SolveNonNegative(a.transpose() * a, a.transpose() * b);
  EXPECT_NEAR(x[0], 3, 1e-14);
  EXPECT_EQ(x[1], 0);
}

TEST(NnlsTest, EqualColumnsShareTheSolution) {
  const Eigen::MatrixXd a = Eigen::MatrixXd::Ones(5, 2);
  const Eigen::VectorXd b = Eigen::VectorXd::Constant(5, 3);
  const Eigen::VectorXd x = SolveNonNegative(a.transpose() * a, a.transpose() * b);
  EXPECT_NEAR(x.sum(), 3, 1e-12);
}

TEST(NnlsTest, ColumnsThatOverflowEndTheSearch) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Eigen::MatrixXd gram = (Eigen::MatrixXd(2, 2) << 1, nan, nan, 1).finished();
  const Eigen::VectorXd moment = Eigen::Vector2d(1, 1);
  EXPECT_TRUE(SolveNonNegative(gram, moment).allFinite());
}

}  // namespace
}  // namespace bitbudget::fitter
