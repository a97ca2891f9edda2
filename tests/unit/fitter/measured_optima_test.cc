#include "fitter/measured_optima.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/support/simulated_study.h"

namespace bitbudget::fitter {
namespace {

using test_support::NormalStream;
using test_support::RunAtFraction;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

double Logit(double f) { return std::log(f / (1 - f)); }

// Runs whose log loss is a parabola in logit f.
struct ParabolaStudy {
  Dataset data;
  double parameters = 1e6;
  double total_tokens = 1e8;
  double weight_bits = 4;
  double best_fraction = 0.3;

  void Add(double fraction, double error = 0, int trunk = -1) {
    Observation row = {.trunk = trunk};
    row.role = RunRole::kFpThenQat;
    row.point = RunAtFraction(parameters, total_tokens, weight_bits, fraction);
    row.loss_nats =
        2 * std::exp(0.01 * std::pow(Logit(fraction) - Logit(best_fraction), 2) + error);
    data.rows.push_back(row);
  }

  OptimumSearch Find() const {
    std::vector<int> rows(data.rows.size());
    std::iota(rows.begin(), rows.end(), 0);
    return FindMeasuredOptima(data, rows);
  }
};

TEST(MeasuredOptimaTest, VertexOfAParabolaIsExact) {
  ParabolaStudy study;
  for (const double fraction : {0.05, 0.1, 0.2, 0.45, 0.7}) study.Add(fraction);
  const OptimumSearch search = study.Find();
  ASSERT_THAT(search.optima, SizeIs(1));
  EXPECT_NEAR(search.optima[0].qat_fraction, 0.3, 1e-9);
  EXPECT_NEAR(search.optima[0].log_loss, std::log(2), 1e-9);
  EXPECT_NEAR(search.optima[0].tokens_per_parameter_byte, 200, 1e-6);
  EXPECT_EQ(search.optima[0].qat_fraction_stderr, std::nullopt);
}

TEST(MeasuredOptimaTest, LeastLossAtAnOutermostFractionIsABoundAndNoOptimum) {
  ParabolaStudy study;
  study.best_fraction = 0.9;
  for (const double fraction : {0.05, 0.1, 0.2, 0.45, 0.7}) study.Add(fraction);
  const OptimumSearch search = study.Find();
  EXPECT_THAT(search.optima, IsEmpty());
  ASSERT_THAT(search.bounds, SizeIs(1));
  EXPECT_EQ(search.bounds[0].bound, OptimumBound::kAtLeast);
  EXPECT_NEAR(Logit(search.bounds[0].qat_fraction), (Logit(0.45) + Logit(0.7)) / 2, 1e-9);
  study.best_fraction = 0.01;
  study.data.rows.clear();
  for (const double fraction : {0.05, 0.1, 0.2, 0.45, 0.7}) study.Add(fraction);
  const OptimumSearch below = study.Find();
  ASSERT_THAT(below.bounds, SizeIs(1));
  EXPECT_EQ(below.bounds[0].bound, OptimumBound::kAtMost);
  EXPECT_NEAR(Logit(below.bounds[0].qat_fraction), (Logit(0.05) + Logit(0.1)) / 2, 1e-9);
  EXPECT_THAT(search.cells, SizeIs(1));
  EXPECT_THAT(search.most_fractions, SizeIs(5));
}

TEST(MeasuredOptimaTest, TwoFractionsHaveNoOptimum) {
  ParabolaStudy study;
  for (const double fraction : {0.1, 0.45}) study.Add(fraction);
  const OptimumSearch search = study.Find();
  EXPECT_THAT(search.optima, IsEmpty());
  EXPECT_THAT(search.cells, IsEmpty());
  EXPECT_THAT(search.most_fractions, ElementsAre(DoubleNear(0.1, 1e-9), DoubleNear(0.45, 1e-9)));
}

TEST(MeasuredOptimaTest, LevelLossesHaveNoOptimum) {
  ParabolaStudy study;
  for (const double fraction : {0.1, 0.3, 0.5}) study.Add(fraction);
  for (Observation& row : study.data.rows) row.loss_nats = 2;
  EXPECT_THAT(study.Find().optima, IsEmpty());
  EXPECT_THAT(study.Find().bounds, IsEmpty());
}

TEST(MeasuredOptimaTest, BudgetsRoundedToStepsAreOneCell) {
  ParabolaStudy study;
  for (const double fraction : {0.1, 0.3, 0.6}) {
    study.total_tokens = fraction == 0.3 ? 1e8 : 1e8 - 5e5;
    study.Add(fraction);
  }
  EXPECT_THAT(study.Find().optima, SizeIs(1));
}

TEST(MeasuredOptimaTest, SizesWidthsAndBudgetsAreCellsOfTheirOwn) {
  ParabolaStudy study;
  for (const auto& [parameters, tokens, bits] :
       {std::tuple(1e6, 1e8, 4.0), {2e6, 1e8, 4.0}, {1e6, 2e8, 4.0}, {1e6, 1e8, 2.0}}) {
    study.parameters = parameters;
    study.total_tokens = tokens;
    study.weight_bits = bits;
    for (const double fraction : {0.1, 0.3, 0.6}) study.Add(fraction);
  }
  const OptimumSearch search = study.Find();
  ASSERT_THAT(search.optima, SizeIs(4));
  EXPECT_EQ(search.optima[0].weight_bits, 2);
  EXPECT_EQ(search.optima[2].total_tokens, 2e8);
  EXPECT_EQ(search.optima[3].parameters, 2e6);
}

TEST(MeasuredOptimaTest, ReplicatesAreAveraged) {
  ParabolaStudy study;
  for (const double fraction : {0.1, 0.3, 0.6}) {
    study.Add(fraction, 0.02);
    study.Add(fraction, -0.02);
  }
  const OptimumSearch search = study.Find();
  ASSERT_THAT(search.optima, SizeIs(1));
  EXPECT_NEAR(search.optima[0].qat_fraction, 0.3, 1e-9);
}

TEST(MeasuredOptimaTest, OffsetOfATrunkDoesNotWidenTheError) {
  const auto stderr_with_offset = [](double offset) {
    NormalStream noise(1);
    ParabolaStudy study;
    for (int trunk = 0; trunk < 3; ++trunk) {
      for (const double fraction : {0.1, 0.2, 0.3, 0.45, 0.6}) {
        study.Add(fraction, offset * trunk + 0.0003 * noise.Normal(), trunk);
      }
    }
    return study.Find().optima.at(0).qat_fraction_stderr.value();
  };
  EXPECT_NEAR(stderr_with_offset(0.01), stderr_with_offset(0), 1e-9);
}

TEST(MeasuredOptimaTest, StandardErrorIsTheScatterOfRepeatedStudies) {
  NormalStream noise(6);
  constexpr int kDraws = 1000;
  double actual = 0;
  double stated = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    ParabolaStudy study;
    for (int trunk = 0; trunk < 3; ++trunk) {
      const double offset = 0.01 * noise.Normal();
      for (const double fraction : {0.07, 0.3, 0.7}) {
        study.Add(fraction, offset + 0.001 * noise.Normal(), trunk);
      }
    }
    const OptimumSearch search = study.Find();
    ASSERT_THAT(search.optima, SizeIs(1));
    actual += std::pow(search.optima[0].qat_fraction - 0.3, 2) / kDraws;
    stated += std::pow(*search.optima[0].qat_fraction_stderr, 2) / kDraws;
  }
  // Two variances of 1000 draws each: sqrt(2 / 1000) and, on 4 degrees of freedom a
  // draw, sqrt(2 / 4000), together 5 % of their ratio; three of them. The vertex is
  // linear in the losses to a few percent.
  EXPECT_NEAR(stated / actual, 1, 0.15 + 0.03);
}

}  // namespace
}  // namespace bitbudget::fitter
