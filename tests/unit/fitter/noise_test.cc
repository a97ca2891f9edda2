#include "fitter/noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/QR>
#include <cmath>
#include <numeric>

#include "tests/support/simulated_study.h"

namespace bitbudget::fitter {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test_support::NormalStream;
using testing::ElementsAre;

// A least squares fit of `jacobian` to `errors`.
LinearizedFit FitTo(const VectorXd& errors, const MatrixXd& jacobian, std::vector<int> trunks) {
  LinearizedFit fit = {.jacobian = jacobian,
                       .residuals = errors - jacobian * jacobian.householderQr().solve(errors),
                       .rows = std::vector<int>(errors.size()),
                       .trunks = std::move(trunks),
                       .is_free = std::vector<bool>(jacobian.cols(), true),
                       .huber_delta = 1};
  std::iota(fit.rows.begin(), fit.rows.end(), 0);
  return fit;
}

LinearizedFit FitMeanTo(const std::vector<double>& values, std::vector<int> trunks) {
  const auto count = static_cast<Eigen::Index>(values.size());
  return FitTo(Eigen::Map<const VectorXd>(values.data(), count),
               MatrixXd::Ones(count, 1),
               std::move(trunks));
}

// Rows in `sizes.size()` trunks.
std::vector<int> TrunksOfSizes(const std::vector<int>& sizes) {
  std::vector<int> trunks;
  for (size_t trunk = 0; trunk < sizes.size(); ++trunk) {
    trunks.insert(trunks.end(), sizes[trunk], static_cast<int>(trunk));
  }
  return trunks;
}

VectorXd DrawErrors(const std::vector<int>& trunks,
                    double run_stddev,
                    double trunk_stddev,
                    NormalStream* noise) {
  VectorXd errors(trunks.size());
  std::map<int, double> offsets;
  for (Eigen::Index i = 0; i < errors.size(); ++i) {
    double offset = trunk_stddev * noise->Normal();
    if (trunks[i] >= 0) offset = offsets.try_emplace(trunks[i], offset).first->second;
    errors[i] = offset + run_stddev * noise->Normal();
  }
  return errors;
}

MatrixXd DrawMatrix(int rows, int columns, NormalStream* noise) {
  return MatrixXd::NullaryExpr(rows, columns, [&] { return noise->Normal(); });
}

TEST(RobustScaleTest, IsScaledMedianOfSizes) {
  EXPECT_DOUBLE_EQ(RobustScale(std::vector<double>{-3, 1, 2}), 1.4826 * 2);
  EXPECT_DOUBLE_EQ(RobustScale(std::vector<double>{-3, 1, 2, 100}), 1.4826 * 2.5);
  EXPECT_EQ(RobustScale({}), 0);
}

TEST(TrunkGroupsTest, RowWithoutTrunkIsAGroup) {
  const LinearizedFit fit = FitMeanTo({1, 2, 3, 4, 5}, {7, -1, 7, -1, 3});
  const TrunkGroups groups = GroupByTrunk(fit);
  EXPECT_THAT(groups.of_row, ElementsAre(0, 1, 0, 2, 3));
  EXPECT_THAT(groups.sizes, ElementsAre(2, 1, 1, 1));
}

TEST(NoiseTest, BalancedTrunksGiveTheAnalysisOfVariance) {
  // Three trunks of two: means 1, 2, 6 about 3, so between = 2 (4 + 1 + 9) / 2 = 14;
  // within = (.5 + .5 + 2) / 3 = 1.
  const LinearizedFit fit = FitMeanTo({0.5, 1.5, 2.5, 1.5, 7, 5}, {0, 0, 1, 1, 2, 2});
  const NoiseEstimate noise = EstimateNoise(fit);
  EXPECT_NEAR(noise.run_stddev, 1, 1e-12);
  EXPECT_NEAR(noise.trunk_stddev, std::sqrt((14 - 1) / 2.0), 1e-12);
  EXPECT_NEAR(noise.trunk_degrees_of_freedom, 2, 1e-12);
  EXPECT_EQ(noise.trunk_count, 3);
  EXPECT_NEAR(noise.residual_rms,
              std::sqrt((2.5 * 2.5 + 1.5 * 1.5 + 0.5 * 0.5 + 1.5 * 1.5 + 4 * 4 + 2 * 2) / 6),
              1e-12);
}

TEST(NoiseTest, TrunksMoreAlikeThanChanceHaveNoOffset) {
  const NoiseEstimate noise = EstimateNoise(FitMeanTo({-1, 1, -2, 2, -1, 1}, {0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(noise.trunk_stddev, 0);
  EXPECT_NEAR(noise.run_stddev, std::sqrt(12 / 5.0), 1e-12);
}

TEST(NoiseTest, WithoutCommonTrunksAllScatterIsOfRuns) {
  const NoiseEstimate noise = EstimateNoise(FitMeanTo({-1, 1, -2, 2}, {-1, -1, 4, 5}));
  EXPECT_EQ(noise.trunk_count, 0);
  EXPECT_EQ(noise.trunk_stddev, 0);
  EXPECT_NEAR(noise.run_stddev, std::sqrt(10 / 3.0), 1e-12);
}

TEST(NoiseTest, ParametersThatTakeUpEveryTrunkLeaveNoOffset) {
  MatrixXd jacobian = MatrixXd::Zero(6, 3);
  for (int i = 0; i < 6; ++i) jacobian(i, i / 2) = 1;
  const VectorXd errors = (VectorXd(6) << 1, 2, 10, 11, 20, 21).finished();
  const NoiseEstimate noise = EstimateNoise(FitTo(errors, jacobian, {0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(noise.trunk_stddev, 0);
  EXPECT_NEAR(noise.trunk_degrees_of_freedom, 0, 1e-12);
  EXPECT_NEAR(noise.run_stddev, std::sqrt(0.5), 1e-12);
}

TEST(NoiseTest, VariancesAreUnbiasedThoughParametersAreFitted) {
  // 12 unbalanced trunks, 4 lone rows, 6 parameters, one of them constant in a
  // trunk: what a plain split of the residuals would get wrong by a third.
  NormalStream noise(11);
  std::vector<int> trunks = TrunksOfSizes({2, 3, 4, 5, 6, 8, 2, 3, 4, 5, 6, 8});
  trunks.insert(trunks.end(), 4, -1);
  MatrixXd jacobian = DrawMatrix(static_cast<int>(trunks.size()), 6, &noise);
  for (size_t i = 0; i < trunks.size(); ++i) jacobian(i, 0) = trunks[i] % 3;
  constexpr int kDraws = 3000;
  double run_variance = 0;
  double trunk_variance = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const NoiseEstimate estimate =
        EstimateNoise(FitTo(DrawErrors(trunks, 0.5, 1.5, &noise), jacobian, trunks));
    run_variance += std::pow(estimate.run_stddev, 2) / kDraws;
    trunk_variance += std::pow(estimate.trunk_stddev, 2) / kDraws;
  }
  // Relative standard errors of the means: of the run's variance, on 40 degrees of
  // freedom, sqrt(2 / 40 / 3000) = .004; of the trunk's, on about 9, .009. Cutting at
  // 3 robust scales costs .7 % of a normal variance, which falls on the trunks.
  EXPECT_NEAR(run_variance / 0.25, 1, 4 * 0.004 + 0.007);
  EXPECT_NEAR(trunk_variance / 2.25, 1, 4 * 0.009 + 0.007);
}

TEST(NoiseTest, FewOutliersHardlyWidenTheScatter) {
  NormalStream noise(3);
  std::vector<double> values(400);
  for (double& value : values) value = 0.003 * noise.Normal();
  const std::vector<int> trunks(values.size(), -1);
  const double clean = EstimateNoise(FitMeanTo(values, trunks)).run_stddev;
  for (int i = 0; i < 4; ++i) values[100 * i] += 0.05;
  const NoiseEstimate estimate = EstimateNoise(FitMeanTo(values, trunks));
  EXPECT_GT(estimate.residual_rms, 1.8 * clean);
  // Each outlier counts as 3 scales: 1 % of 9 in the variance, a twentieth in the
  // standard deviation; the shift of the mean, 5e-4, adds another 1.5 %.
  EXPECT_NEAR(estimate.run_stddev / clean, 1.05, 0.02);
}

TEST(NoiseTest, NoMoreRowsThanParametersHaveNoScatter) {
  const NoiseEstimate noise = EstimateNoise(FitMeanTo({0.3}, {-1}));
  EXPECT_EQ(noise.run_stddev, 0);
  EXPECT_EQ(noise.trunk_stddev, 0);
}

TEST(NoiseTest, FixedParametersTakeNoDegreesOfFreedom) {
  LinearizedFit fit = FitMeanTo({-1, 1, -2, 2}, {-1, -1, -1, -1});
  fit.is_free = {false};
  EXPECT_NEAR(EstimateNoise(fit).run_stddev, std::sqrt(10 / 4.0), 1e-12);
}

}  // namespace
}  // namespace bitbudget::fitter
