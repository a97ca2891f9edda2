#include "planner/uncertainty.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitbudget::planner {
namespace {

// Two parameters, standard errors 0.1 and 0.2, correlation 0.5.
FittedLaw TwoParameters() {
  FittedLaw law;
  law.theta = {0, 0};
  law.covariance = {0.01, 0.01, 0.01, 0.04};
  law.degrees_of_freedom = 7;
  return law;
}

const std::vector<double> kGradient = {2, -1};
// sqrt(4 * .01 - 2 * 2 * .01 + .04)
constexpr double kStandardError = 0.2;

class UncertaintyTest : public testing::Test {
 protected:
  const FittedLaw law_ = TwoParameters();
  const Uncertainty uncertainty_{law_, 0.9};
  const double half_width_ = IntervalFactor(0.9, 7) * kStandardError;
};

TEST_F(UncertaintyTest, StandardErrorCountsCorrelations) {
  EXPECT_NEAR(uncertainty_.StandardError(kGradient).value(), kStandardError, 1e-15);
}

TEST_F(UncertaintyTest, PositiveIsSymmetricInTheLogarithm) {
  const Estimate estimate = uncertainty_.Positive(3, kGradient);
  EXPECT_EQ(estimate.value, 3);
  EXPECT_NEAR(estimate.interval->lower, 3 * std::exp(-half_width_), 1e-14);
  EXPECT_NEAR(estimate.interval->upper, 3 * std::exp(half_width_), 1e-14);
}

TEST_F(UncertaintyTest, ExtraVarianceAdds) {
  const Estimate estimate = uncertainty_.Positive(1, kGradient, 0.05);
  EXPECT_NEAR(std::log(estimate.interval->upper), IntervalFactor(0.9, 7) * 0.3, 1e-14);
}

TEST_F(UncertaintyTest, FractionStaysBetweenZeroAndOne) {
  const Estimate estimate = uncertainty_.Fraction(4, kGradient);
  EXPECT_NEAR(estimate.value, 1 / (1 + std::exp(-4.0)), 1e-15);
  EXPECT_LT(estimate.interval->upper, 1);
  const auto logit = [](double f) { return std::log(f / (1 - f)); };
  EXPECT_NEAR(logit(estimate.interval->upper) - 4, half_width_, 1e-12);
  EXPECT_NEAR(4 - logit(estimate.interval->lower), half_width_, 1e-12);
}

TEST_F(UncertaintyTest, SquareReachesZeroIfTheRootMayChangeItsSign) {
  const Estimate estimate = uncertainty_.Square(-half_width_ / 2, kGradient);
  EXPECT_NEAR(estimate.value, half_width_ * half_width_ / 4, 1e-15);
  EXPECT_EQ(estimate.interval->lower, 0);
  EXPECT_NEAR(estimate.interval->upper, 2.25 * half_width_ * half_width_, 1e-14);
}

TEST_F(UncertaintyTest, SquareKeepsAwayFromZeroIfTheRootDoes) {
  const Estimate estimate = uncertainty_.Square(-2 * half_width_, kGradient);
  EXPECT_NEAR(estimate.interval->lower, half_width_ * half_width_, 1e-14);
}

TEST_F(UncertaintyTest, MisfitOfTheLawAddsInSquare) {
  FittedLaw law = law_;
  law.misfit = {.loss_stddev = 0.3, .logit_fraction_stddev = 0.5, .fraction_degrees_of_freedom = 4};
  const Uncertainty uncertainty(law, 0.9);
  EXPECT_NEAR(std::log(uncertainty.Loss({}, 1, kGradient).interval->upper),
              IntervalFactor(0.9, 7) * std::hypot(kStandardError, 0.3),
              1e-14);
  const double misfit_half_width = IntervalFactor(0.9, 4) * 0.5;
  EXPECT_NEAR(FractionMisfitHalfWidth(law, 0.9), misfit_half_width, 1e-14);
  const double upper = uncertainty.Fraction(0, kGradient).interval->upper;
  EXPECT_NEAR(std::log(upper / (1 - upper)), std::hypot(half_width_, misfit_half_width), 1e-12);
  EXPECT_NEAR(uncertainty.Square(3, kGradient, 2).interval->upper,
              std::pow(3 + std::hypot(half_width_, 2 * misfit_half_width), 2),
              1e-12);
}

TEST_F(UncertaintyTest, NoIntervalIfNoneIsWanted) {
  EXPECT_FALSE(Uncertainty(law_).Positive(3, kGradient).interval);
  EXPECT_FALSE(Uncertainty(law_).Fraction(0, {}).interval);
}

TEST_F(UncertaintyTest, NoIntervalIfTheGradientMeetsNoVariance) {
  FittedLaw law = law_;
  law.covariance = {0, 0, 0, 0.04};
  EXPECT_FALSE(Uncertainty(law, 0.9).Positive(3, std::vector<double>{1, 0}).interval);
}

TEST_F(UncertaintyTest, NoIntervalWithoutACovariance) {
  FittedLaw law = law_;
  law.covariance.clear();
  EXPECT_FALSE(Uncertainty(law, 0.9).Positive(3, kGradient).interval);
}

TEST_F(UncertaintyTest, NoIntervalWithoutAFiniteEnd) {
  EXPECT_FALSE(uncertainty_.Positive(3, std::vector<double>{1e5, 0}).interval);
}

TEST_F(UncertaintyTest, NoIntervalFromAGradientThatIsNotFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(uncertainty_.Positive(3, std::vector<double>{kInfinity, 1}).interval);
  EXPECT_FALSE(uncertainty_.Positive(3, std::vector<double>{std::nan(""), 1}).interval);
}

}  // namespace
}  // namespace bitbudget::planner
