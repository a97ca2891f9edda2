#include "planner/loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/shared_data.h"
#include "tests/support/simulated_study.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::Gt;
using testing::IsEmpty;

constexpr RunPoint kRun{396e6, 4e10, 1e10, 4};

TEST(PredictLossTest, AgreesWithTheFormulaOverTheStudy) {
  for (const test_support::Truth& truth : test_support::OwnTruths()) {
    const FittedLaw law = FittedQatLaw(truth.coefficients);
    for (const RunPoint& run : test_support::StudyDesign()) {
      const double expected = test_support::TrueLoss(truth.coefficients, run);
      // Two orders of the same sums and powers: some units in the last place.
      EXPECT_NEAR(PredictLoss(law, run, 0.9)->loss_nats.value, expected, 1e-13);
    }
  }
}

TEST(PredictLossTest, AgreesWithTheFiguresOfTheSharedTruths) {
  const auto truths = test_support::ReadSharedTruths();
  if (!truths) GTEST_SKIP() << test_support::kSharedDataAbsent;
  for (const test_support::Truth& truth : *truths) {
    const FittedLaw law = FittedQatLaw(truth.coefficients);
    for (const test_support::TruthCheck& check : truth.checks) {
      const RunPoint run =
          test_support::RunAtFraction(check.parameters, check.total_tokens, check.weight_bits, 0.3);
      // Figures have six decimals.
      EXPECT_NEAR(
          PredictLoss(law, run, 0.9)->loss_nats.value, check.loss_nats_at_fraction_0_3, 5e-7);
    }
  }
}

TEST(PredictLossTest, TermsAddUpToTheLoss) {
  const LossAnswer answer = *PredictLoss(FittedQatLaw(OwnTruth("grows")), kRun, 0.9);
  EXPECT_THAT(answer.terms,
              ElementsAre(Field(&TermLoss::name, "floor"),
                          Field(&TermLoss::name, "data"),
                          Field(&TermLoss::name, "model"),
                          Field(&TermLoss::name, "bits_floor"),
                          Field(&TermLoss::name, "qat"),
                          Field(&TermLoss::name, "interaction")));
  double sum = 0;
  for (const TermLoss& term : answer.terms) sum += term.loss_nats;
  EXPECT_DOUBLE_EQ(sum, answer.loss_nats.value);
}

TEST(PredictLossTest, FullPrecisionHasTheTermsWithoutAQuantizer) {
  const LossAnswer answer =
      *PredictLoss(FittedQatLaw(OwnTruth("grows")), {396e6, 5e10, 0, 16}, 0.9);
  EXPECT_THAT(answer.terms,
              ElementsAre(Field(&TermLoss::name, "floor"),
                          Field(&TermLoss::name, "data"),
                          Field(&TermLoss::name, "model")));
}

TEST(PredictLossTest, PublishedChinchillaLawOfABrainFloatStudy) {
  // arXiv 2505.14302, table 1, at 594e6 parameters and 1e11 tokens: 2.7409.
  const LossAnswer answer = *PredictLoss(FittedChinchillaLaw(), {594e6, 1e11, 0, 16}, 0.9);
  EXPECT_NEAR(answer.loss_nats.value, 2.7409, 5e-5);
}

TEST(PredictLossTest, TokensPerParameterByteCountAllTokens) {
  // 5e10 tokens on 396e6 * 4 / 8 bytes.
  EXPECT_DOUBLE_EQ(
      PredictLoss(FittedQatLaw(OwnTruth("grows")), kRun, 0.9)->tokens_per_parameter_byte,
      5e10 / 198e6);
}

TEST(PredictLossTest, MeanIntervalIsTheDeltaMethodInLogLoss) {
  const FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  const LossAnswer answer = *PredictLoss(law, kRun, 0.9);
  // The variance of ln L by numerical differentiation.
  const int size = law.law.parameter_count();
  std::vector<double> gradient(size);
  for (int i = 0; i < size; ++i) {
    const auto at = [&](double shift) {
      std::vector<double> theta = law.theta;
      theta[i] += shift;
      return fitter::LogLoss(law.law, theta, kRun);
    };
    gradient[i] = (at(1e-5) - at(-1e-5)) / 2e-5;
  }
  double variance = 0;
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      variance += gradient[i] * law.covariance[i * size + j] * gradient[j];
    }
  }
  const double half_width = IntervalFactor(0.9, law.degrees_of_freedom) * std::sqrt(variance);
  // Central differences are good to 1e-10 of a gradient of order 1.
  EXPECT_NEAR(
      std::log(answer.loss_nats.interval->upper / answer.loss_nats.value), half_width, 1e-8);
  EXPECT_NEAR(
      std::log(answer.loss_nats.value / answer.loss_nats.interval->lower), half_width, 1e-8);
}

TEST(PredictLossTest, PredictionAddsRunAndTrunkVariance) {
  FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  law.run_stddev = 0.03;
  law.trunk_stddev = 0.04;
  const LossAnswer answer = *PredictLoss(law, kRun, 0.9);
  const double factor = IntervalFactor(0.9, law.degrees_of_freedom);
  const double mean = std::log(answer.loss_nats.interval->upper / answer.loss_nats.value) / factor;
  const double further = std::log(answer.prediction->upper / answer.loss_nats.value) / factor;
  EXPECT_NEAR(further * further, mean * mean + 0.05 * 0.05, 1e-14);
}

TEST(PredictLossTest, HigherConfidenceWidensTheInterval) {
  const FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  EXPECT_GT(PredictLoss(law, kRun, 0.99)->loss_nats.interval->upper,
            PredictLoss(law, kRun, 0.9)->loss_nats.interval->upper);
}

TEST(PredictLossTest, PerplexityIsTheExponentialOfTheLoss) {
  const FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  const LossAnswer answer = *PredictLoss(law, kRun, 0.9);
  EXPECT_DOUBLE_EQ(answer.perplexity.value, std::exp(answer.loss_nats.value));
  EXPECT_DOUBLE_EQ(answer.perplexity.interval->lower, std::exp(answer.loss_nats.interval->lower));
  EXPECT_DOUBLE_EQ(answer.perplexity.interval->upper, std::exp(answer.loss_nats.interval->upper));
}

TEST(PredictLossTest, NoIntervalsFromALawWithoutCovariance) {
  const LossAnswer answer = *PredictLoss(FittedQatLaw(OwnTruth("grows")), kRun, 0.9);
  EXPECT_FALSE(answer.loss_nats.interval);
  EXPECT_FALSE(answer.prediction);
  EXPECT_FALSE(answer.perplexity.interval);
}

TEST(PredictLossTest, ParameterAtABoundAddsNothing) {
  FittedLaw law = FittedQatLaw(OwnTruth("grows"));
  const int size = law.law.parameter_count();
  law.covariance.assign(static_cast<size_t>(size) * size, 0);
  const int gamma = *law.law.FindParameter("gamma");
  law.covariance[gamma * size + gamma] = 1e-4;
  const LossAnswer answer = *PredictLoss(law, kRun, 0.9);
  // d ln L / d gamma = -L_data ln(D / 1e10) / L.
  const double gradient = answer.terms[1].loss_nats * std::log(5.0) / answer.loss_nats.value;
  EXPECT_NEAR(std::log(answer.loss_nats.interval->upper / answer.loss_nats.value),
              IntervalFactor(0.9, 100) * 1e-2 * gradient,
              1e-14);
}

TEST(PredictLossTest, SaysWhereTheRunLiesOutsideTheData) {
  const FittedLaw law = FittedQatLaw(OwnTruth("grows"));
  EXPECT_THAT(PredictLoss(law, kRun, 0.9)->outside, IsEmpty());
  EXPECT_THAT(PredictLoss(law, {7e9, 4e10, 1e10, 4}, 0.9)->outside,
              testing::Contains(testing::AllOf(Field(&OutsideAxis::axis, "parameters"),
                                               Field(&OutsideAxis::factor, Gt(3)))));
}

TEST(PredictLossTest, PerBitRungCountsAllTokensAlike) {
  const FittedLaw law = FittedPerBitLaw();
  const double loss_nats = PredictLoss(law, {396e6, 4e10, 1e10, 2}, 0.9)->loss_nats.value;
  EXPECT_NEAR(PredictLoss(law, {396e6, 1e10, 4e10, 2}, 0.9)->loss_nats.value, loss_nats, 1e-15);
  // The coefficients at 2 bits.
  EXPECT_NEAR(loss_nats, 1.8 + 0.5 * std::pow(5, -0.3) + 0.4 * std::pow(0.396, -0.35), 1e-14);
}

TEST(PredictLossTest, IntervalsThatAreNoNumbersAreLeftOut) {
  // A standard error of 7 in log loss: a factor of 1e5 in the loss.
  FittedLaw law = FittedQatLaw(OwnTruth("grows"));
  const int size = law.law.parameter_count();
  law.covariance.assign(static_cast<size_t>(size) * size, 0);
  law.covariance[0] = 100;
  const LossAnswer answer = *PredictLoss(law, kRun, 0.9);
  EXPECT_TRUE(answer.loss_nats.interval);
  EXPECT_FALSE(answer.perplexity.interval);
}

TEST(PredictLossTest, RefusesALossThatIsNotFinite) {
  const FittedLaw law = WithTheta(FittedQatLaw(OwnTruth("grows")), "xi", 2);
  EXPECT_EQ(PredictLoss(law, {396e6, 1e-200, 1e10, 4}, 0.9).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(PredictLossTest, RefusesAQuestionThatTheLawCannotAnswer) {
  EXPECT_THAT(PredictLoss(FittedChinchillaLaw(), kRun, 0.9).status(),
              CannotAnswer("compute_optimal_qat"));
}

}  // namespace
}  // namespace bitbudget::planner
