#include "fitter/fraction_law.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/support/simulated_study.h"
#include "util/error.h"

namespace bitbudget::fitter {
namespace {

using test_support::NormalStream;
using test_support::RunAtFraction;

double Logit(double f) { return std::log(f / (1 - f)); }

// Cells whose losses are parabolas in logit f.
struct FractionStudy {
  Dataset data;

  // A cell with its optimum at `best_fraction`; `factors` are measured fractions
  // over that, as odds.
  void AddCell(double tokens_per_byte,
               double best_fraction,
               const std::vector<double>& factors = {0.2, 0.7, 2, 5}) {
    for (const double factor : factors) {
      const double odds = factor * best_fraction / (1 - best_fraction);
      AddRun(tokens_per_byte, odds / (1 + odds), best_fraction);
    }
  }

  void AddRun(double tokens_per_byte, double fraction, double best_fraction) {
    Observation row;
    row.role = RunRole::kFpThenQat;
    row.point = RunAtFraction(1e6, tokens_per_byte * 5e5, 4, fraction);
    row.loss_nats = 2 * std::exp(0.01 * std::pow(Logit(fraction) - Logit(best_fraction), 2));
    data.rows.push_back(row);
  }

  OptimumSearch Search() const {
    std::vector<int> rows(data.rows.size());
    std::iota(rows.begin(), rows.end(), 0);
    return FindMeasuredOptima(data, rows);
  }

  absl::StatusOr<FractionLaw> Fit() const { return FitFractionLaw(Search()); }
};

MissingAxis MissingAxisOf(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  EXPECT_EQ(details->reason, "DATA_CANNOT_ANSWER");
  return details->missing_axes.at(0);
}

// What a fit minimises: errors of predictions clipped to what a cell could have shown.
double ClippedError(const std::vector<MeasuredOptimum>& optima, double a) {
  double error = 0;
  for (const MeasuredOptimum& optimum : optima) {
    const double predicted = PredictOptimalFraction(a, optimum.tokens_per_parameter_byte);
    error += std::abs(optimum.qat_fraction -
                      std::clamp(predicted, optimum.measurable.lower, optimum.measurable.upper));
  }
  return error;
}

// 24 cells on the law with a = 5, up to `noise`, of which some have their optimum beyond
// all measured fractions: those reach from .05 to .45 of the tokens, and the best ones
// from .11 to .58.
FractionStudy StudyOfFewFractions(NormalStream& noise, double stddev) {
  FractionStudy study;
  for (int cell = 0; cell < 24; ++cell) {
    const double s = 10 * std::pow(1000, cell / 23.0);
    const double best =
        std::clamp(PredictOptimalFraction(5, s) + stddev * noise.Normal(), 0.01, 0.99);
    for (const double f : {0.05, 0.1, 0.2, 0.3, 0.45}) study.AddRun(s, f, best);
  }
  return study;
}

TEST(FractionLawTest, PublishedCoefficientGivesPublishedFractions) {
  // arXiv 2509.22935: a = 6.7297.
  EXPECT_NEAR(PredictOptimalFraction(6.7297, 100), 0.231926, 5e-7);
  EXPECT_NEAR(PredictOptimalFraction(6.7297, 1000), 0.3775, 5e-5);
  EXPECT_NEAR(PredictOptimalFraction(6.7297, 1e4), 0.4816, 5e-5);
}

TEST(FractionLawTest, CoefficientIsRecoveredFromOptimaOnTheLaw) {
  FractionStudy study;
  for (const double s : {20.0, 100.0, 500.0, 3000.0}) {
    study.AddCell(s, PredictOptimalFraction(5.5, s));
  }
  const absl::StatusOr<FractionLaw> fit = study.Fit();
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_NEAR(fit->a, 5.5, 1e-6);
  EXPECT_EQ(fit->optimum_count, 4);
  EXPECT_NEAR(fit->mean_absolute_error, 0, 1e-6);
  EXPECT_NEAR(fit->a_stderr, 0, 1e-5);
}

TEST(FractionLawTest, OneWildOptimumDoesNotMoveIt) {
  FractionStudy study;
  for (const double s : {20.0, 50.0, 100.0, 500.0, 3000.0}) {
    study.AddCell(s, s == 50 ? 0.85 : PredictOptimalFraction(5.5, s));
  }
  const absl::StatusOr<FractionLaw> fit = study.Fit();
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_NEAR(fit->a, 5.5, 1e-6);
}

TEST(FractionLawTest, NoOtherCoefficientHasASmallerError) {
  NormalStream noise(4);
  for (int draw = 0; draw < 20; ++draw) {
    FractionStudy study;
    for (double s = 5; s < 1e5; s *= 3) {
      study.AddCell(s, std::clamp(PredictOptimalFraction(5, s) + 0.1 * noise.Normal(), 0.02, 0.9));
    }
    const absl::StatusOr<FractionLaw> fit = study.Fit();
    ASSERT_TRUE(fit.ok()) << fit.status();
    const std::vector<MeasuredOptimum> optima = study.Search().optima;
    for (double a = 0.01; a < 30; a += 0.01) {
      ASSERT_GE(ClippedError(optima, a), ClippedError(optima, fit->a) - 1e-12) << a;
    }
  }
}

TEST(FractionLawTest, StandardErrorIsTheScatterOfRepeatedStudies) {
  NormalStream noise(12);
  constexpr int kDraws = 1000;
  double actual = 0;
  double stated = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    FractionStudy study;
    for (int cell = 0; cell < 24; ++cell) {
      const double s = 10 * std::pow(1000, cell / 23.0);
      study.AddCell(s, PredictOptimalFraction(5, s) + 0.02 * noise.Normal());
    }
    const absl::StatusOr<FractionLaw> fit = study.Fit();
    ASSERT_TRUE(fit.ok()) << fit.status();
    actual += std::pow(fit->a - 5, 2) / kDraws;
    stated += std::pow(fit->a_stderr, 2) / kDraws;
  }
  // The actual standard deviation is known to 1 / sqrt(2000) = 2.2 %; the formula is
  // that of many optima, here 24, and allowed 10 %.
  EXPECT_NEAR(std::sqrt(stated / actual), 1, 3 * 0.022 + 0.1);
}

TEST(FractionLawTest, ScatterIsThatOfTheCoefficientsOfSingleOptima) {
  NormalStream noise(13);
  constexpr int kCells = 400;
  FractionStudy study;
  for (int cell = 0; cell < kCells; ++cell) {
    const double s = 20 * std::pow(100, cell / (kCells - 1.0));
    study.AddCell(s, PredictOptimalFraction(3 * std::exp(0.2 * noise.Normal()), s));
  }
  const absl::StatusOr<FractionLaw> fit = study.Fit();
  ASSERT_TRUE(fit.ok()) << fit.status();
  // A median absolute deviation has 1.17 / sqrt(n) of relative standard deviation.
  EXPECT_NEAR(fit->log_a_scatter / 0.2, 1, 3 * 1.17 / std::sqrt(kCells));
}

TEST(FractionLawTest, OptimaBeyondTheMeasuredFractionsAreBounds) {
  NormalStream noise(5);
  const absl::StatusOr<FractionLaw> fit = StudyOfFewFractions(noise, 0).Fit();
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_NEAR(fit->a, 5, 1e-6);
  EXPECT_EQ(fit->optimum_count + fit->bound_count, 24);
  EXPECT_GT(fit->bound_count, 5);
}

// Without the bounds, and without clipping, large optima are seen only where noise made
// them small: the fraction comes out too low, a too high.
TEST(FractionLawTest, OptimaBeyondTheMeasuredFractionsDoNotBiasTheLaw) {
  NormalStream noise(6);
  constexpr int kDraws = 400;
  double sum = 0;
  double squares = 0;
  double stated = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const absl::StatusOr<FractionLaw> fit = StudyOfFewFractions(noise, 0.06).Fit();
    ASSERT_TRUE(fit.ok()) << fit.status();
    sum += fit->a;
    squares += std::pow(fit->a - 5, 2);
    stated += std::pow(fit->a_stderr, 2);
  }
  const double stddev = std::sqrt(squares / kDraws);
  EXPECT_NEAR(sum / kDraws, 5, 3 * stddev / std::sqrt(kDraws));
  // Known to 1 / sqrt(800); the formula is that of many optima, and allowed 10 %.
  EXPECT_NEAR(std::sqrt(stated / kDraws) / stddev, 1, 3 / std::sqrt(2.0 * kDraws) + 0.1);
}

TEST(FractionLawTest, OptimaAtOneTokenPerByteOrLessAreReportedAndNotFitted) {
  FractionStudy study;
  study.AddCell(0.8, 0.4);
  study.AddCell(100, PredictOptimalFraction(5, 100));
  study.AddCell(400, PredictOptimalFraction(5, 400));
  const absl::StatusOr<FractionLaw> fit = study.Fit();
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_EQ(study.Search().optima.size(), 3);
  EXPECT_EQ(fit->optimum_count, 2);
  EXPECT_NEAR(fit->a, 5, 1e-6);
}

TEST(FractionLawTest, LeastLossesOfNoiseAreNoOptima) {
  NormalStream noise(2);
  constexpr int kDraws = 300;
  int fitted = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    FractionStudy study;
    for (double s = 20; s < 5000; s *= 3) study.AddCell(s, 0.3);
    for (Observation& row : study.data.rows) row.loss_nats = 2 * std::exp(0.01 * noise.Normal());
    const absl::Status status = study.Fit().status();
    fitted += status.ok();
    ASSERT_TRUE(status.ok() || absl::IsFailedPrecondition(status)) << status;
  }
  EXPECT_LE(fitted, 10);  // 3 expected; more than 10 has a probability of .03 %
}

TEST(FractionLawTest, ReplicatesTellAFaintOptimumFromNoise) {
  NormalStream noise(3);
  FractionStudy study;
  for (double s = 20; s < 5000; s *= 3) {
    for (int seed = 0; seed < 4; ++seed) study.AddCell(s, 0.3);
  }
  // The parabolas span .026 in log loss.
  for (Observation& row : study.data.rows) row.loss_nats *= std::exp(0.01 * noise.Normal());
  EXPECT_TRUE(study.Fit().ok()) << study.Fit().status();
}

TEST(FractionLawTest, ThreeFractionsWithoutReplicatesTellNoNoise) {
  FractionStudy study;
  study.AddCell(100, 0.3, {0.3, 1, 3});
  study.AddCell(400, 0.3, {0.3, 1, 3});
  const MissingAxis axis = MissingAxisOf(study.Fit().status());
  EXPECT_EQ(axis.axis, "replicate");
  EXPECT_EQ(axis.level_count, 1);
  EXPECT_EQ(axis.needed_level_count, 2);
}

TEST(FractionLawTest, TooFewFractionsAreNamed) {
  FractionStudy study;
  study.AddCell(100, 0.3, {0.5, 2});
  study.AddCell(400, 0.3, {0.5, 2});
  const MissingAxis axis = MissingAxisOf(study.Fit().status());
  EXPECT_EQ(axis.axis, "qat_fraction");
  EXPECT_EQ(axis.level_count, 2);
  EXPECT_EQ(axis.needed_level_count, 3);
}

TEST(FractionLawTest, SecondBudgetIsNamed) {
  FractionStudy study;
  study.AddCell(100, 0.3);
  const MissingAxis axis = MissingAxisOf(study.Fit().status());
  EXPECT_EQ(axis.axis, "total_tokens");
  EXPECT_EQ(axis.level_count, 1);
  EXPECT_EQ(axis.needed_level_count, 2);
}

TEST(FractionLawTest, OptimaBeyondTheMeasuredFractionsAskForMore) {
  FractionStudy study;
  study.AddCell(100, 0.3);
  study.AddCell(400, 0.6, {0.1, 0.2, 0.5});
  const absl::Status status = study.Fit().status();
  const MissingAxis axis = MissingAxisOf(status);
  EXPECT_EQ(axis.axis, "qat_fraction");
  EXPECT_EQ(axis.level_count, 4);
  EXPECT_EQ(axis.needed_level_count, 5);
  EXPECT_THAT(GetErrorDetails(status)->explanation, testing::HasSubstr("Of 2 combinations"));
}

TEST(FractionLawTest, NoRowsAreNamedAsNoFractions) {
  EXPECT_EQ(MissingAxisOf(FractionStudy().Fit().status()).level_count, 0);
}

}  // namespace
}  // namespace bitbudget::fitter
