#include "server/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "server/convert_fit.h"
#include "server/convert_planner.h"

namespace bitbudget::server {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::Pointwise;

// A result with every part that a stored fit keeps.
fitter::FitResult SomeResult() {
  fitter::FitResult result;
  result.resolved_options.family = "chinchilla";
  result.variant = "full";
  fitter::FittedLaw law{.law = fitter::LawLadder("chinchilla", {})->front()};
  law.theta = {0.5, 6.0, 0.34, 6.1, 0.28};
  law.covariance.assign(25, 0.0);
  for (size_t i = 0; i < 4; ++i) law.covariance[i * 6] = 0.01 * static_cast<double>(i + 1);
  law.covariance[1] = law.covariance[5] = 0.001;
  law.identified = {true, true, true, true, false};
  law.at_bound.assign(5, false);
  law.run_stddev = 0.003;
  law.trunk_stddev = 0.001;
  law.degrees_of_freedom = 17.5;
  law.misfit = {.loss_stddev = 0.01,
                .logit_fraction_stddev = 0.2,
                .fraction_degrees_of_freedom = 12,
                .log_excess_stddev = 0.3};
  law.support = {.parameters = {1, 2},
                 .total_tokens = {3, 4},
                 .fp_tokens = {5, 6},
                 .parameters_level_count = 7,
                 .total_tokens_level_count = 8,
                 .full_precision_row_count = 9};
  result.law = law;
  result.full_precision_law = law;
  result.cross_covariance.assign(25, 0.001);
  result.full_precision_row_count = 11;
  result.fraction_law = fitter::FractionLaw{.a = 6.4, .a_stderr = 0.1, .optimum_count = 5};
  result.rows_left_out = {{fitter::LeaveOutReason::kExcluded, 2},
                          {fitter::LeaveOutReason::kZeroWeight, 3}};
  return result;
}

TEST(ConvertFit, LawSurvivesTheRoundTrip) {
  const fitter::FitResult result = SomeResult();
  const auto answering = ToAnsweringLaw(ToFit(result, result.law->support));
  ASSERT_TRUE(answering.ok()) << answering.status();
  const fitter::FittedLaw& law = *answering->law;
  // exp and log cost the last bits.
  EXPECT_THAT(law.theta, Pointwise(::testing::DoubleNear(1e-14), result.law->theta));
  EXPECT_EQ(law.covariance, result.law->covariance);
  EXPECT_EQ(law.identified, result.law->identified);
  EXPECT_EQ(law.at_bound, result.law->at_bound);
  EXPECT_EQ(law.run_stddev, 0.003);
  EXPECT_EQ(law.trunk_stddev, 0.001);
  EXPECT_EQ(law.degrees_of_freedom, 17.5);
  EXPECT_EQ(law.misfit.loss_stddev, 0.01);
  EXPECT_EQ(law.misfit.logit_fraction_stddev, 0.2);
  EXPECT_EQ(law.misfit.fraction_degrees_of_freedom, 12);
  EXPECT_EQ(law.misfit.log_excess_stddev, 0.3);
  EXPECT_EQ(law.support.fp_tokens.upper, 6);
  EXPECT_EQ(law.support.parameters_level_count, 7);
  EXPECT_EQ(law.support.full_precision_row_count, 9);
  EXPECT_EQ(answering->full_precision_law->degrees_of_freedom, 17.5);
  EXPECT_EQ(answering->fraction_law->a, 6.4);
}

TEST(ConvertFit, CoefficientsAreStatedInTheirOwnUnit) {
  const fitter::FitResult result = SomeResult();
  const v1::Fit fit = ToFit(result, result.law->support);
  ASSERT_EQ(fit.coefficients_size(), 5);
  EXPECT_EQ(fit.coefficients(0).name(), "E");
  EXPECT_THAT(fit.coefficients(0).value(), DoubleEq(std::exp(0.5)));
  EXPECT_THAT(fit.coefficients(0).standard_error(), DoubleEq(std::exp(0.5) * 0.1));
  EXPECT_THAT(fit.coefficients(2).value(), DoubleEq(0.34));
  EXPECT_THAT(fit.coefficients(2).standard_error(), DoubleEq(std::sqrt(0.03)));
  EXPECT_FALSE(fit.coefficients(4).has_standard_error()) << "not identified";
}

TEST(ConvertFit, LeaveOutReasonsKeepTheirMeaning) {
  const fitter::FitResult result = SomeResult();
  const v1::Fit fit = ToFit(result, result.law->support);
  ASSERT_EQ(fit.rows_left_out_size(), 2);
  EXPECT_EQ(fit.rows_left_out(0).reason(), v1::ROW_EXCLUDED);
  EXPECT_EQ(fit.rows_left_out(1).reason(), v1::ZERO_WEIGHT);
  EXPECT_EQ(fit.rows_left_out(1).count(), 3);
}

TEST(ConvertFit, CoefficientsOfAnotherVariantAreDamage) {
  const fitter::FitResult result = SomeResult();
  v1::Fit fit = ToFit(result, result.law->support);
  fit.mutable_coefficients(1)->set_name("B");
  EXPECT_EQ(ToAnsweringLaw(fit).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ConvertOptions, StatedDefaultsEqualUnsetOnes) {
  v1::FitOptions stated;
  stated.set_start_count(64);
  stated.set_polish_count(4);
  stated.set_full_precision_weight(1);
  EXPECT_TRUE(AreSameOptions(v1::FitOptions(), stated, "chinchilla"));
  stated.set_seed(1);
  EXPECT_FALSE(AreSameOptions(v1::FitOptions(), stated, "chinchilla"));
}

TEST(ConvertOptions, FewStartsPolishNoMoreThanThereAre) {
  v1::FitOptions options;
  options.set_start_count(2);
  EXPECT_EQ(ToFitterOptions(options, "chinchilla").polish_count, 2);
}

TEST(ConvertOptions, WeightOfZeroIsNotUnset) {
  v1::FitOptions options;
  options.set_full_precision_weight(0);
  EXPECT_EQ(ToFitterOptions(options, "chinchilla").full_precision_weight, 0);
  EXPECT_EQ(ToFitterOptions({}, "chinchilla").full_precision_weight, 1);
}

TEST(ConvertExperiment, LabelsAndTrunksGetNumbersOnce) {
  ObservationConverter converter(v1::NON_EMBEDDING);
  fitter::Dataset data;
  v1::Experiment run;
  run.set_parameters(10);
  run.set_weight_bits(4);
  run.set_role(v1::FP_THEN_QAT);
  converter.Append(run, data);
  run.set_schedule("fused");
  run.set_recipe("fused");
  run.set_trunk("t");
  converter.Append(run, data);
  converter.Append(run, data);
  EXPECT_THAT(data.labels, ElementsAre("", "fused"));
  EXPECT_EQ(data.rows[0].schedule, 0);
  EXPECT_EQ(data.rows[0].trunk, -1);
  EXPECT_EQ(data.rows[1].schedule, data.rows[1].recipe);
  EXPECT_EQ(data.rows[1].trunk, data.rows[2].trunk);
  EXPECT_EQ(data.rows[1].activation_bits, 16);
  EXPECT_EQ(data.rows[1].role, fitter::RunRole::kFpThenQat);
}

TEST(ConvertQuestion, FlopsAreSixAParameterAndToken) {
  v1::OptimizeQatFractionRequest request;
  request.set_parameters(1'000);
  request.set_compute_flops(6e9);
  EXPECT_THAT(*ToFractionQuestion(request).budget_tokens, DoubleEq(1e6));
}

TEST(ConvertQuestion, AxisEndsAreExact) {
  v1::EvaluateGridRequest request;
  request.set_quantity(v1::EvaluateGridRequest::LOSS_NATS);
  v1::GridAxis* axis = request.add_axes();
  axis->set_variable(v1::GridAxis::QAT_TOKENS);
  axis->set_count(4);
  axis->set_lower(1e9);
  axis->set_upper(1e12);
  axis->set_logarithmic(true);
  const planner::GridQuestion question = ToGridQuestion(request);
  EXPECT_EQ(question.axes[0].variable, planner::GridVariable::kQatTokens);
  EXPECT_EQ(question.axes[0].values.front(), 1e9);
  EXPECT_EQ(question.axes[0].values.back(), 1e12);
  EXPECT_THAT(question.axes[0].values[1], DoubleEq(1e10));
}

TEST(ConvertAnswer, EstimateWithoutIntervalLeavesItsEndsUnset) {
  const v1::Estimate estimate = ToEstimate({.value = 2});
  EXPECT_EQ(estimate.value(), 2);
  EXPECT_FALSE(estimate.has_lower());
  EXPECT_FALSE(estimate.has_upper());
}

}  // namespace
}  // namespace bitbudget::server
