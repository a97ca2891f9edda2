#include "fitter/bootstrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/unit/fitter/studies.h"

namespace bitbudget::fitter {
namespace {

using ::testing::HasSubstr;

// 117 designs, two seeds; runs of one size and budget share a trunk.
Dataset TrunkStudy(double trunk_stddev) {
  return test_support::SimulateRuns(OwnTruth("grows").coefficients,
                                    GridDesign{}.Points(),
                                    {.seed = 3,
                                     .run_stddev = 0.003,
                                     .trunk_stddev = trunk_stddev,
                                     .outlier_share = 0,
                                     .replicate_count = 2});
}

double StandardDeviation(const ParameterDraws& draws, int parameter) {
  const int count = static_cast<int>(draws.theta.size()) / draws.parameter_count;
  double mean = 0;
  for (int i = 0; i < count; ++i) {
    mean += draws.theta[i * draws.parameter_count + parameter] / count;
  }
  double variance = 0;
  for (int i = 0; i < count; ++i) {
    const double theta = draws.theta[i * draws.parameter_count + parameter];
    variance += (theta - mean) * (theta - mean) / (count - 1);
  }
  return std::sqrt(variance);
}

double StandardError(const FittedLaw& law, int parameter) {
  return std::sqrt(law.covariance[parameter * law.law.parameter_count() + parameter]);
}

// The sandwich and the draws estimate the same; 200 draws tell a standard deviation
// within 5 %, and curvature and the two estimates of noise may part them further: a
// factor 1.5 is far below what a bug would do.
TEST(BootstrapTest, SpreadOfDrawsIsTheStandardErrorOfTheFit) {
  for (const double trunk_stddev : {0.0, 0.004}) {
    const Dataset data = TrunkStudy(trunk_stddev);
    const FitResult fit = FitLaw(data, {.variant = "shared_bit_decay"}).value();
    for (const auto method : {BootstrapMethod::kParametric, BootstrapMethod::kWild}) {
      const Bootstrap bootstrap = BootstrapFit(data, fit, {.method = method, .seed = 1}).value();
      ASSERT_EQ(bootstrap.law.theta.size(), 200U * fit.law->theta.size());
      for (const char* name : {"gamma", "eta", "omega"}) {
        const int parameter = fit.law->law.FindParameter(name).value();
        const double ratio =
            StandardDeviation(bootstrap.law, parameter) / StandardError(*fit.law, parameter);
        EXPECT_GT(ratio, 1 / 1.5) << name << " " << static_cast<int>(method);
        EXPECT_LT(ratio, 1.5) << name << " " << static_cast<int>(method);
      }
    }
  }
}

TEST(BootstrapTest, DrawsOfTheFullPrecisionLawGoWithThoseOfTheLaw) {
  const Dataset data = TrunkStudy(0.003);
  const FitResult fit = FitLaw(data, {.variant = "shared_bit_decay"}).value();
  ASSERT_TRUE(fit.full_precision_law);
  const Bootstrap bootstrap = BootstrapFit(data, fit, {.draw_count = 50}).value();
  EXPECT_EQ(bootstrap.full_precision_law.parameter_count, 5);
  EXPECT_EQ(bootstrap.full_precision_law.theta.size(), 250U);
}

TEST(BootstrapTest, SameSeedGivesTheSameBits) {
  const Dataset data = TrunkStudy(0.003);
  const FitResult fit = FitLaw(data, {.variant = "shared_bit_decay"}).value();
  for (const auto method :
       {BootstrapMethod::kParametric, BootstrapMethod::kWild, BootstrapMethod::kResample}) {
    const BootstrapOptions options{.method = method, .draw_count = 20, .seed = 7};
    const Bootstrap a = BootstrapFit(data, fit, options).value();
    const Bootstrap b = BootstrapFit(data, fit, options).value();
    EXPECT_EQ(a.law.theta, b.law.theta);
    BootstrapOptions other = options;
    other.seed = 8;
    EXPECT_NE(BootstrapFit(data, fit, other).value().law.theta, a.law.theta);
  }
}

// With one trunk of each size there is nothing to draw.
TEST(BootstrapTest, ResamplingDrawsTrunksWithinTheirSize) {
  Dataset data = TrunkStudy(0.003);
  std::map<double, int> trunk_of_size;
  for (Observation& row : data.rows) {
    row.trunk =
        trunk_of_size.try_emplace(row.point.parameters, static_cast<int>(trunk_of_size.size()))
            .first->second;
  }
  const FitResult fit = FitLaw(data, {.variant = "shared_bit_decay"}).value();
  const Bootstrap bootstrap =
      BootstrapFit(data, fit, {.method = BootstrapMethod::kResample, .draw_count = 20}).value();
  const int omega = fit.law->law.FindParameter("omega").value();
  EXPECT_EQ(StandardDeviation(bootstrap.law, omega), 0);
}

TEST(BootstrapTest, ExactDataGiveTheEstimateInEveryDraw) {
  const Dataset data = GridStudy({});
  const FitResult fit = FitLaw(data, {.variant = "full"}).value();
  const Bootstrap bootstrap =
      BootstrapFit(data, fit, {.method = BootstrapMethod::kWild, .draw_count = 20}).value();
  const int omega = fit.law->law.FindParameter("omega").value();
  // Noise of rounding, 1e-16, by a condition of the law of some 1e5.
  EXPECT_LT(StandardDeviation(bootstrap.law, omega), 1e-6);
}

TEST(BootstrapTest, CancelledBootstrapStops) {
  const Dataset data = TrunkStudy(0.003);
  const FitResult fit = FitLaw(data, {.variant = "shared_bit_decay"}).value();
  const absl::Status status =
      BootstrapFit(data, fit, {.draw_count = 2000, .cancelled = [] { return true; }}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(BootstrapTest, CountOutsideItsRangeIsRefused) {
  for (const int count : {0, 19, 2001}) {
    const absl::Status status = BootstrapFit({}, {}, {.draw_count = count}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("bootstrap.draw_count"));
  }
}

TEST(BootstrapTest, FitWithoutLossesIsRefused) {
  const absl::Status status = BootstrapFit({}, FitResult{}, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace bitbudget::fitter
