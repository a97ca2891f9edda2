#include "fitter/lack_of_fit.h"

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <cmath>
#include <map>
#include <numeric>

#include "tests/support/simulated_study.h"

namespace bitbudget::fitter {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test_support::NormalStream;

// A straight line in ln D, fitted by least squares to runs that differ in D, trunk
// and seed.
struct LineStudy {
  Dataset data;
  std::vector<int> trunks;
  std::vector<double> errors;

  void Add(double log_tokens, double error, int trunk = -1) {
    Observation row = {.trunk = trunk};
    row.point = {.parameters = 1, .fp_tokens = std::exp(log_tokens), .weight_bits = 16};
    row.replicate = static_cast<int>(data.rows.size());
    data.rows.push_back(row);
    trunks.push_back(trunk);
    errors.push_back(error);
  }

  LinearizedFit Fit() const {
    const auto count = static_cast<Eigen::Index>(errors.size());
    MatrixXd jacobian(count, 2);
    for (Eigen::Index i = 0; i < count; ++i) {
      jacobian.row(i) << 1, std::log(data.rows[i].point.fp_tokens);
    }
    const VectorXd values = Eigen::Map<const VectorXd>(errors.data(), count);
    LinearizedFit fit = {.jacobian = jacobian,
                         .residuals = values - jacobian * jacobian.householderQr().solve(values),
                         .rows = std::vector<int>(errors.size()),
                         .trunks = trunks,
                         .is_free = {true, true},
                         .huber_delta = 1};
    std::iota(fit.rows.begin(), fit.rows.end(), 0);
    return fit;
  }

  std::optional<LackOfFit> Test() const { return TestLackOfFit(data, Fit()); }
};

// Six budgets in each of `seeds` trunks, whose offsets, noise and curvature are
// given.
LineStudy DrawStudy(int seeds, double trunk_stddev, double curvature, NormalStream* noise) {
  LineStudy study;
  for (int seed = 0; seed < seeds; ++seed) {
    const double offset = trunk_stddev * noise->Normal();
    for (int budget = 0; budget < 6; ++budget) {
      const double bend = curvature * (budget - 2.5) * (budget - 2.5);
      study.Add(budget, offset + bend + 0.004 * noise->Normal(), seed);
    }
  }
  return study;
}

TEST(LackOfFitTest, WithoutTrunksIsTheTextbookTest) {
  // Means 1, 2, 6 at 0, 1, 2 with replicates one off either way: pure error 6 on 3
  // degrees of freedom. The line 2.5 x + .5 misses the means by .5, -1, .5: misfit
  // 2 (.25 + 1 + .25) = 3 on 1. F = 3 / 2, and of F(1, 3) = t(3)^2
  // p = P(|t| > sqrt(1.5)) = 1 - 2 / pi (atan(u) + u / (1 + u^2)), u = sqrt(.5).
  LineStudy study;
  const double means[] = {1, 2, 6};
  for (int x = 0; x < 3; ++x) {
    study.Add(x, means[x] - 1);
    study.Add(x, means[x] + 1);
  }
  const std::optional<LackOfFit> result = study.Test();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->replicate_degrees_of_freedom, 3);
  EXPECT_NEAR(result->replicate_stddev, std::sqrt(2), 1e-9);
  EXPECT_NEAR(result->misfit_rms, std::sqrt(1.5 / 3), 1e-9);
  EXPECT_NEAR(result->f_ratio, 1.5, 1e-9);
  const double u = std::sqrt(0.5);
  EXPECT_NEAR(result->p_value, 1 - 2 / M_PI * (std::atan(u) + u / 1.5), 1e-9);
}

TEST(LackOfFitTest, OffsetOfATrunkIsNeitherNoiseNorMisfit) {
  NormalStream noise(2);
  LineStudy study = DrawStudy(3, 0, 0.001, &noise);
  const std::optional<LackOfFit> without = study.Test();
  for (size_t i = 0; i < 6; ++i) study.errors[i] += 0.005;
  const std::optional<LackOfFit> with = study.Test();
  ASSERT_TRUE(without.has_value() && with.has_value());
  EXPECT_NEAR(with->replicate_stddev, without->replicate_stddev, 1e-12);
  EXPECT_NEAR(with->f_ratio, without->f_ratio, 1e-9 * without->f_ratio);
  // 18 rows, less 6 means, less 3 offsets of which one is no news beside the means.
  EXPECT_EQ(with->replicate_degrees_of_freedom, 10);
}

TEST(LackOfFitTest, RightLawIsRejectedAtTheNominalRate) {
  NormalStream noise(7);
  constexpr int kDraws = 1000;
  int rejected = 0;
  double mean = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const std::optional<LackOfFit> result = DrawStudy(4, 0.013, 0, &noise).Test();
    ASSERT_TRUE(result.has_value());
    rejected += result->p_value < 0.05;
    mean += result->p_value / kDraws;
  }
  // Uniform p values: sqrt(.05 .95 / 1000) = .0069 and sqrt(1 / 12 / 1000) = .0091;
  // three of each.
  EXPECT_NEAR(rejected / double(kDraws), 0.05, 0.021);
  EXPECT_NEAR(mean, 0.5, 0.028);
}

TEST(LackOfFitTest, CurvatureOfTwiceTheNoiseIsFound) {
  NormalStream noise(5);
  // .002 (x - 2.5)^2 about its mean: root mean square .0050 over the six budgets;
  // noise of the means of 4 adds .002 in square.
  const std::optional<LackOfFit> result = DrawStudy(4, 0.013, 0.002, &noise).Test();
  ASSERT_TRUE(result.has_value());
  EXPECT_LT(result->p_value, 1e-3);
  EXPECT_NEAR(result->misfit_rms, 0.0050, 0.0015);
  // On 15 degrees of freedom a standard deviation is known to 18 %.
  EXPECT_NEAR(result->replicate_stddev, 0.004, 3 * 0.18 * 0.004);
}

TEST(LackOfFitTest, MisfitBeyondTheNoiseIsTheSizeOfTheBend) {
  NormalStream noise(6);
  constexpr int kDraws = 200;
  double mean_square = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const double stddev = DrawStudy(4, 0.013, 0.002, &noise).Test()->misfit_stddev;
    mean_square += stddev * stddev / kDraws;
  }
  // .002 (x - 2.5)^2 about its mean has a sum of squares of 1.493e-4 on the 4 degrees of
  // freedom that six designs have beside a line.
  EXPECT_NEAR(std::sqrt(mean_square), std::sqrt(1.493e-4 / 4), 0.1 * 0.0061);
}

TEST(LackOfFitTest, RightLawHasNoMisfitBeyondTheNoise) {
  NormalStream noise(8);
  int found = 0;
  for (int draw = 0; draw < 100; ++draw) {
    found += DrawStudy(4, 0.013, 0, &noise).Test()->misfit_stddev > 0;
  }
  EXPECT_LE(found, 4);  // 1 expected; more than 4 has a probability of .3 %
}

TEST(LackOfFitTest, MistypedLossDoesNotPassForNoise) {
  NormalStream noise(9);
  LineStudy study = DrawStudy(6, 0.003, 0, &noise);
  study.errors[8] += 0.05;
  const std::optional<LackOfFit> result = study.Test();
  ASSERT_TRUE(result.has_value());
  // Left as it is, it would give sqrt(.004^2 + .05^2 / 25) = .0108; cut at 3 scales of
  // .005, .005.
  EXPECT_LT(result->replicate_stddev, 0.007);
}

TEST(LackOfFitTest, WithoutReplicatesThereIsNothingToCompare) {
  LineStudy study;
  for (int x = 0; x < 5; ++x) study.Add(x, x * x);
  EXPECT_EQ(study.Test(), std::nullopt);
}

TEST(LackOfFitTest, RowsOfAnotherRecipeAreNoReplicates) {
  LineStudy study;
  for (int x = 0; x < 5; ++x) {
    study.Add(x, x * x);
    study.Add(x, x * x + 1);
    study.data.rows.back().recipe = 1;
  }
  EXPECT_EQ(study.Test(), std::nullopt);
}

TEST(LackOfFitTest, EqualReplicatesHaveNoScatterToCompareWith) {
  LineStudy study;
  for (int x = 0; x < 5; ++x) {
    study.Add(x, x * x);
    study.Add(x, x * x);
  }
  EXPECT_EQ(study.Test(), std::nullopt);
}

TEST(LackOfFitTest, OnePairInTwoTrunksOnlyTellsTheirOffset) {
  LineStudy study;
  study.Add(0, 0.1, 0);
  study.Add(1, 0.2, 0);
  study.Add(2, 0.5, 0);
  study.Add(0, 0.4, 1);
  study.Add(3, 0.1, 1);
  EXPECT_EQ(study.Test(), std::nullopt);
}

}  // namespace
}  // namespace bitbudget::fitter
