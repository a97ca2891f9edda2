#include "tests/support/simulated_study.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/support/shared_data.h"

namespace bitbudget::test_support {
namespace {

using fitter::Dataset;
using fitter::Observation;
using fitter::RunPoint;
using fitter::RunRole;

Truth OwnTruth(const std::string& name) {
  const std::vector<Truth> truths = OwnTruths();
  return *std::find_if(
      truths.begin(), truths.end(), [&](const Truth& truth) { return truth.name == name; });
}

double FractionAtBudget(const std::string& truth, double total_tokens) {
  return TrueOptimalFraction(OwnTruth(truth).coefficients, 396e6, total_tokens, 4);
}

// What the interaction adds to the log loss, in the middle of the design.
double MedianInteraction(const std::string& truth) {
  const QatLawCoefficients with = OwnTruth(truth).coefficients;
  QatLawCoefficients without = with;
  without.lambda = 0;
  std::vector<double> shares;
  for (const RunPoint& run : StudyDesign()) {
    shares.push_back(std::log(TrueLoss(with, run) / TrueLoss(without, run)));
  }
  std::nth_element(shares.begin(), shares.begin() + 398, shares.end());
  return shares[398];
}

TEST(TruthTest, SharedTruthsKeepTheirStatedFigures) {
  const std::optional<std::vector<Truth>> truths = ReadSharedTruths();
  if (!truths) GTEST_SKIP() << kSharedDataAbsent;
  ASSERT_EQ(truths->size(), 3);
  for (const Truth& truth : *truths) {
    ASSERT_FALSE(truth.checks.empty());
    for (const TruthCheck& check : truth.checks) {
      // Fractions are stated from a grid, losses to six decimals.
      EXPECT_NEAR(TrueOptimalFraction(
                      truth.coefficients, check.parameters, check.total_tokens, check.weight_bits),
                  check.optimal_fraction,
                  0.001);
      EXPECT_NEAR(
          TrueLoss(truth.coefficients,
                   RunAtFraction(check.parameters, check.total_tokens, check.weight_bits, 0.3)),
          check.loss_nats_at_fraction_0_3,
          0.51e-6);
    }
  }
}

TEST(TruthTest, LossAtTheReferenceScalesIsTheSumOfCoefficients) {
  // N = 1e9, D = 1e10 at 8 bits: S = 10, so both splits have S = 5 = 100 / 20.
  const QatLawCoefficients c = OwnTruth("grows").coefficients;
  const double quantized = c.theta * std::exp2(-8 * c.kappa) +
                           c.phi * std::exp2(-8 * c.chi) * std::pow(20, c.omega) +
                           c.lambda * std::exp2(-8 * c.mu) * std::pow(20, c.xi + c.rho);
  EXPECT_DOUBLE_EQ(TrueLoss(c, RunAtFraction(1e9, 1e10, 16, 0)), c.alpha + c.beta + c.zeta);
  EXPECT_NEAR(
      TrueLoss(c, RunAtFraction(1e9, 1e10, 8, 0.5)), c.alpha + c.beta + c.zeta + quantized, 1e-14);
}

TEST(TruthTest, OptimalFractionIsWhereNeighboursAreWorse) {
  for (const Truth& truth : OwnTruths()) {
    const double best = TrueOptimalFraction(truth.coefficients, 396e6, 5e10, 2);
    const auto loss = [&](double fraction) {
      return TrueLoss(truth.coefficients, RunAtFraction(396e6, 5e10, 2, fraction));
    };
    EXPECT_LT(loss(best), loss(best * 0.999)) << truth.name;
    EXPECT_LT(loss(best), loss(best * 1.001)) << truth.name;
  }
}

TEST(TruthTest, OwnTruthsAreWhatTheirNamesSay) {
  EXPECT_GT(FractionAtBudget("grows", 1.4e12), FractionAtBudget("grows", 2.3e9) + 0.1);
  EXPECT_LT(FractionAtBudget("falls", 1.4e12), FractionAtBudget("falls", 2.3e9) - 0.02);
  // Noise of a run is .003.
  EXPECT_GT(MedianInteraction("grows"), 0.01);
  EXPECT_GT(MedianInteraction("falls"), 0.01);
  EXPECT_LT(MedianInteraction("faint"), 0.001);
}

TEST(SimulatedStudyTest, DesignHas757QatAnd40FullPrecisionRuns) {
  const std::vector<RunPoint> design = StudyDesign();
  EXPECT_EQ(std::ranges::count_if(design, [](const RunPoint& r) { return r.qat_tokens > 0; }), 757);
  EXPECT_EQ(design.size(), 797);
  const auto less = [](const RunPoint& a, const RunPoint& b) {
    return std::tie(a.parameters, a.fp_tokens, a.qat_tokens, a.weight_bits) <
           std::tie(b.parameters, b.fp_tokens, b.qat_tokens, b.weight_bits);
  };
  EXPECT_EQ(std::set(design.begin(), design.end(), less).size(), 797);
}

TEST(SimulatedStudyTest, NoiseHasTheStatedScaleAndOutliers) {
  const QatLawCoefficients truth = OwnTruth("grows").coefficients;
  const Dataset data = SimulateStudy(truth, {.seed = 5, .replicate_count = 10});
  double sum_of_squares = 0;
  int outlier_count = 0;
  for (const Observation& row : data.rows) {
    const double error = std::log(row.loss_nats / TrueLoss(truth, row.point));
    if (error > 0.03) {
      ++outlier_count;
    } else {
      sum_of_squares += error * error;
    }
  }
  const double inlier_count = 7970 - outlier_count;
  // Relative error of a standard deviation is 1 / sqrt(2 n) = .008, of the count
  // of outliers 1 / sqrt(80) = .11: four of each.
  EXPECT_NEAR(std::sqrt(sum_of_squares / inlier_count), 0.003, 4 * 0.008 * 0.003);
  EXPECT_NEAR(outlier_count, 80, 4 * 9);
}

TEST(SimulatedStudyTest, RunsOfOneTrunkShareItsOffset) {
  const QatLawCoefficients truth = OwnTruth("grows").coefficients;
  const Dataset data = SimulateStudy(
      truth,
      {.seed = 1, .run_stddev = 0, .trunk_stddev = 0.01, .outlier_share = 0, .replicate_count = 2});
  std::map<int, double> offsets;
  for (const Observation& row : data.rows) {
    if (row.trunk < 0) continue;
    const double error = std::log(row.loss_nats / TrueLoss(truth, row.point));
    EXPECT_NEAR(offsets.try_emplace(row.trunk, error).first->second, error, 1e-12);
  }
  EXPECT_EQ(offsets.size(), 2 * 25);
}

TEST(SimulatedStudyTest, SeedDecidesEveryBit) {
  const QatLawCoefficients truth = OwnTruth("falls").coefficients;
  const auto losses = [&](uint64_t seed) {
    std::vector<double> result;
    for (const Observation& row : SimulateStudy(truth, {.seed = seed}).rows) {
      result.push_back(row.loss_nats);
    }
    return result;
  };
  EXPECT_EQ(losses(3), losses(3));
  EXPECT_NE(losses(3), losses(4));
}

TEST(SharedDataTest, ChinchillaRunsAre245) {
  const std::optional<Dataset> data = ReadSharedChinchillaRuns();
  if (!data) GTEST_SKIP() << kSharedDataAbsent;
  EXPECT_EQ(data->rows.size(), 245);
  EXPECT_EQ(data->rows[0].role, RunRole::kFullPrecision);
  EXPECT_DOUBLE_EQ(data->rows[1].loss_nats, 4.665232074214);
}

TEST(SharedDataTest, AbsentFileIsNoError) {
  EXPECT_EQ(FindSharedFile("no_such_file.csv"), std::nullopt);
}

}  // namespace
}  // namespace bitbudget::test_support
