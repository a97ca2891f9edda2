#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "client/cli/answer_report.h"
#include "client/cli/fit_report.h"
#include "client/cli/study_report.h"
#include "google/protobuf/text_format.h"

namespace bitbudget::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) ADD_FAILURE() << text;
  return message;
}

constexpr char kProvenance[] = R"(
    law: "compute_optimal_qat" variant: "full" fit: "studies/s/fits/f" revision: 5
    confidence_level: 0.9 )";

v1::Fit SomeFit() {
  return Parse<v1::Fit>(R"(
      name: "studies/s/fits/f" law: "compute_optimal_qat" variant: "bit_free_interaction"
      formula: "L = E + A / N^alpha" revision: 5 standard_options: true
      coefficients { name: "E" value: 1.6934567 standard_error: 0.0234 identified: true
                     unit: "nats" }
      coefficients { name: "xi" value: 4 at_bound: true identified: true }
      coefficients { name: "theta" value: 0.5 unit: "nats" }
      objective: 0.00101827402 huber_delta: 0.001 termination: CONVERGED
      agreeing_start_count: 3 polished_start_count: 4 start_count: 64 experiment_count: 463
      rows_left_out { reason: ROLE_CONTROL count: 36 }
      rows_left_out { reason: OTHER_SCHEDULE count: 2 }
      noise { residual_rms: .0041 residual_robust_scale: .0035 run_stddev: .003
              trunk_stddev: .002 trunk_count: 8 }
      ladder { variant: "full" explanation: "The data do not fix mu." }
      ladder { variant: "bit_free_interaction" accepted: true explanation: "More widths." }
      not_identified: "theta" warnings: "The optimal fraction falls with the budget."
      create_time { seconds: 1795319411 } compute_seconds: .412 r_squared: .9931)");
}

TEST(FitTextTest, SaysAllThatAReaderMustKnow) {
  EXPECT_EQ(FitText(SomeFit()), R"(studies/s/fits/f
  Law            compute_optimal_qat
  Rung           bit_free_interaction
  Formula        L = E + A / N^alpha
  Rows fitted    463
  Rows left out  36 controls, 2 of another schedule
  Objective      0.00101827, Huber delta 0.001
  Search         converged; 3 of 4 polished starts agree, 64 screened, 0.412 s
  Data           revision 5
  Made           2026-11-22 03:50:11 UTC

Coefficients
  COEFFICIENT   VALUE  STANDARD ERROR  UNIT  NOTE
  E            1.6935           0.023  nats
  xi                4                        at a bound
  theta           0.5                  nats  not identified by the data

Noise, in log loss
  Residuals              0.41 % rms, 0.35 % robust; R squared 0.9931
  A run about its trunk  0.3 %
  Shared by a trunk      0.2 %, from 8 trunks
  Lack of fit            unknown: the data have no replicates
  QAT fractions          unknown: needs replicates and 3 measured optima

Ladder, richest first
  full                  not taken  The data do not fix mu.
  bit_free_interaction  taken      More widths.

Warnings
  - The optimal fraction falls with the budget.
  - The data leave undetermined: theta.
)");
}

TEST(FitTextTest, TrunkNoiseThatNothingTellsIsUnknown) {
  v1::Fit fit = SomeFit();
  fit.mutable_noise()->set_trunk_confounded_with_size(true);
  EXPECT_THAT(FitText(fit), HasSubstr("0.2 %, from 8 trunks; no size has two"));
  fit.mutable_noise()->set_trunk_stddev(0);
  EXPECT_THAT(FitText(fit), HasSubstr("Shared by a trunk      unknown: no size has two trunks\n"));
  fit.mutable_noise()->set_trunk_count(0);
  EXPECT_THAT(FitText(fit), HasSubstr("Shared by a trunk      unknown: no trunk has two rows\n"));
}

TEST(FitTextTest, SaysThatAFitWithOptionsOfItsOwnIsNotTheCurrentOne) {
  v1::Fit fit = SomeFit();
  fit.set_standard_options(false);
  EXPECT_THAT(FitText(fit), HasSubstr("answers only where it is named"));
  EXPECT_THAT(FitText(SomeFit()), Not(HasSubstr("answers only where it is named")));
}

TEST(FitTextTest, ComparesLackOfFitWithReplicates) {
  v1::Fit fit = SomeFit();
  *fit.mutable_lack_of_fit() = Parse<v1::LackOfFit>(
      "replicate_stddev: .003 replicate_degrees_of_freedom: 12 misfit_rms: .002 f_ratio: 1.3 "
      "p_value: .21");
  EXPECT_THAT(FitText(fit), HasSubstr("0.3 % about their mean, 12 degrees of freedom\n"));
  EXPECT_THAT(FitText(fit),
              HasSubstr("the law misses the means by 0.2 %; F = 1.3, p = 0.21; no more than their "
                        "noise explains\n"));
  fit.mutable_lack_of_fit()->set_misfit_stddev(0.004);
  EXPECT_THAT(
      FitText(fit),
      HasSubstr("p = 0.21; 0.4 % with their noise taken off and the fitted parameters counted\n"));
}

TEST(FitTextTest, ComparesBestFractionsWithMeasuredOnes) {
  v1::Fit fit = SomeFit();
  *fit.mutable_fraction_misfit() =
      Parse<v1::FractionMisfit>("optimum_count: 34 logit_rms: 1.01 p_value: 1e-7");
  EXPECT_THAT(FitText(fit),
              HasSubstr("from 34 measured ones by 1.01 in logit f (rms); p = 1e-07; no more than"));
  fit.mutable_fraction_misfit()->set_published_logit_rms(0.512);
  EXPECT_THAT(FitText(fit), HasSubstr("; apple_qat_fraction by 0.512\n"));
  fit.mutable_fraction_misfit()->clear_published_logit_rms();
  fit.mutable_fraction_misfit()->set_logit_stddev(0.84);
  EXPECT_THAT(FitText(fit), HasSubstr("p = 1e-07; 0.84 beyond the errors of these\n"));
}

TEST(FitTextTest, LawOfTheFractionAloneShowsNoLosses) {
  const std::string text = FitText(Parse<v1::Fit>(R"pb(
    name: "studies/s/fits/f"
    law: "compute_optimal_qat"
    variant: "qat_fraction"
    formula: "f = exp(-a / ln S)"
    revision: 5
    standard_options: true
    experiment_count: 12
    ladder { variant: "qat_fraction" accepted: true explanation: "Fitted." }
    fraction_law {
      a { name: "a" value: 5.5 standard_error: .21 }
      optimum_count: 4
      mean_absolute_error: .02
      log_a_scatter: .24
    })pb"));
  EXPECT_THAT(text, HasSubstr("a = 5.5, standard error 0.21, from 4 measured optima"));
  EXPECT_THAT(text, HasSubstr("single optima ask for an a that scatters by 24 %\n"));
  for (const char* absent : {"Objective", "Search", "Coefficients", "Noise", "R squared"}) {
    EXPECT_THAT(text, Not(HasSubstr(absent)));
  }
}

TEST(FitTextTest, StandardErrorsOfEverydaySizeHaveNoExponent) {
  v1::Fit fit = SomeFit();
  fit.mutable_coefficients(0)->set_standard_error(171.6);
  EXPECT_THAT(FitText(fit), HasSubstr("  172  nats"));
}

TEST(ReplayTextTest, SaysIdenticalOrNamesTheFieldsThatDiffer) {
  EXPECT_EQ(ReplayText(Parse<v1::ReplayFitResponse>("identical: true"), "F"),
            "F: computed again from its inputs, identical in every bit\n");
  EXPECT_EQ(ReplayText(Parse<v1::ReplayFitResponse>(R"(differing_fields: "objective")"), "F"),
            "F: computed again from its inputs, 1 field differs:\n  objective\n");
}

v1::OptimizeQatFractionResponse SomeFraction() {
  return Parse<v1::OptimizeQatFractionResponse>(std::string(R"(
      qat_fraction { value: .382 lower: .33 upper: .44 } fp_tokens: 18.54e9 qat_tokens: 11.46e9
      loss_nats { value: 2.30412 lower: 2.29 upper: 2.32 } flat_range { lower: .25 upper: .5 }
      loss_tolerance_nats: .0023 tokens_per_parameter_byte: 697.7
      caller_split { qat_fraction: .1 loss_nats { value: 2.33 lower: 2.31 upper: 2.35 }
                     excess_loss_nats { value: .0259 lower: .02 upper: .03 }
                     wasted_token_fraction { value: .123 lower: .08 upper: .17 }
                     wasted_tokens: 3.7e9 }
      cooldown { advice: UNDECIDED reason: "No evidence." } provenance {)") +
                                                kProvenance + R"(
      extrapolation { axes { axis: "total_tokens" value: 30e9 factor: 1875
                             data_range { lower: 1e6 upper: 16e6 } } }
      warnings: "The fit is young." })");
}

TEST(FractionTextTest, OpensWithTheAnswerAndEndsWithItsLimits) {
  EXPECT_EQ(FractionText({}, SomeFraction()),
            "Spend 38.2 % of the tokens on QAT: 18.5B in full precision, then 11.5B with QAT; "
            "expected loss 2.3041 nats.\n"
            R"(
                                            90 % interval
  QAT fraction                38.2 %        33 % to 44 %
  Loss                        2.3041        2.2900 to 2.3200
  As good within 0.0023 nats  25 % to 50 %
  Loss with 10 % QAT          2.3300        2.3100 to 2.3500
    above the best by         0.0259        0.02 to 0.03
    wastes, of the tokens     12.3 %        8 % to 17 %
    wastes, in tokens         3.7B
  Tokens per parameter byte   698

Cooldown: undecided. No evidence.
From compute_optimal_qat (full), fit studies/s/fits/f, revision 5.
Outside the data: total tokens 30B is 1.88k times above the largest (measured: 1M to 16M).
Warning: The fit is young.
)");
}

TEST(FractionTextTest, TellsWhatTheRunsThereSayAlone) {
  v1::OptimizeQatFractionResponse answer = SomeFraction();
  v1::MeasuredOptimum& measured = *answer.mutable_measured_optimum();
  measured.set_qat_fraction(.233);
  measured.set_bound(v1::MeasuredOptimum::EXACT);
  EXPECT_THAT(FractionText({}, answer), HasSubstr("  by the runs there alone   23.3 %\n"));
  measured.set_standard_error(.021);
  EXPECT_THAT(FractionText({}, answer), HasSubstr("23.3 % (standard error 2.1 %)\n"));
  measured.set_bound(v1::MeasuredOptimum::AT_LEAST);
  EXPECT_THAT(FractionText({}, answer), HasSubstr("at least 23.3 %\n"));
  measured.set_bound(v1::MeasuredOptimum::AT_MOST);
  EXPECT_THAT(FractionText({}, answer), HasSubstr("at most 23.3 %\n"));
}

TEST(FractionTextTest, LeavesOutLossesThatTheLawDoesNotKnow) {
  const auto answer = Parse<v1::OptimizeQatFractionResponse>(
      "qat_fraction { value: .3 } fp_tokens: 7e9 qat_tokens: 3e9 tokens_per_parameter_byte: 300");
  const std::string text = FractionText({}, answer);
  EXPECT_THAT(text, HasSubstr("7B in full precision, then 3B with QAT.\n"));
  EXPECT_THAT(text, Not(HasSubstr("Loss")));
}

TEST(FractionTextTest, SaysOfACheckpointHowManyTokensReachTheTarget) {
  const auto request =
      Parse<v1::OptimizeQatFractionRequest>("fixed_fp_tokens: 30000000000 target_loss_nats: 2.9");
  const auto answer = Parse<v1::OptimizeQatFractionResponse>(R"(
      checkpoint { fp_tokens: 30000000000 loss_floor_nats: 2.7 balanced_qat_tokens: 2e10
                   target_qat_tokens { value: 5e9 lower: 4e9 upper: 7e9 } })");
  const std::string text = FractionText(request, answer);
  EXPECT_THAT(text, HasSubstr("Add 5B QAT tokens to the checkpoint of 30B tokens"));
  EXPECT_THAT(text, HasSubstr("4B to 7B"));
  EXPECT_THAT(text, Not(HasSubstr("Spend")));
}

TEST(FractionTextTest, SaysOfACheckpointWhatABudgetBrings) {
  const auto request = Parse<v1::OptimizeQatFractionRequest>("fixed_fp_tokens: 30000000000");
  const auto answer = Parse<v1::OptimizeQatFractionResponse>(R"(
      checkpoint { fp_tokens: 30000000000 qat_tokens: 1e10 loss_nats { value: 2.8 }
                   loss_change_per_qat_token_nats: -2e-12 loss_floor_nats: 2.7 })");
  const std::string text = FractionText(request, answer);
  EXPECT_THAT(text, HasSubstr("The budget adds 10B QAT tokens to the checkpoint of 30B tokens"));
  EXPECT_THAT(text, HasSubstr("Loss per further 1B QAT tokens  -0.002"));
}

TEST(FractionTextTest, WasteThatMayBeNothingIsNotTold) {
  v1::OptimizeQatFractionResponse answer = SomeFraction();
  answer.mutable_caller_split()->mutable_wasted_token_fraction()->set_lower(0);
  const std::string text = FractionText({}, answer);
  EXPECT_THAT(text, HasSubstr("wastes, of the tokens     not told from 0  0 % to 17 %\n"));
  EXPECT_THAT(text, Not(HasSubstr("wastes, in tokens")));
}

TEST(FractionTextTest, RangeThatTheMisfitLeavesNoneOfIsNotTold) {
  v1::OptimizeQatFractionResponse answer = SomeFraction();
  answer.clear_flat_range();
  EXPECT_THAT(FractionText({}, answer), HasSubstr("As good within 0.0023 nats  not told"));
}

TEST(FractionTextTest, FractionsAtAnEndAreNoRoundNumbers) {
  v1::OptimizeQatFractionResponse answer = SomeFraction();
  answer.mutable_flat_range()->set_lower(9e-14);
  answer.mutable_flat_range()->set_upper(0.99999);
  EXPECT_THAT(FractionText({}, answer), HasSubstr("below 0.1 % to above 99.9 %"));
}

TEST(FractionTextTest, TokensAreWholeOnes) {
  v1::OptimizeQatFractionResponse answer = SomeFraction();
  answer.set_fp_tokens(1.7);
  answer.set_qat_tokens(0.3);
  EXPECT_THAT(FractionText({}, answer), HasSubstr("2 in full precision, then 1 with QAT"));
}

TEST(FractionTextTest, BudgetThatFallsShortOfTheTargetIsNamed) {
  const auto request = Parse<v1::OptimizeQatFractionRequest>("fixed_fp_tokens: 1000000");
  auto answer = Parse<v1::OptimizeQatFractionResponse>(R"(
      checkpoint { fp_tokens: 1000000 qat_tokens: 500000 loss_nats { value: 2.8 }
                   loss_change_per_qat_token_nats: -2e-8 loss_floor_nats: 2.7
                   target_qat_tokens { value: 800000 } })");
  const std::string text = FractionText(request, answer);
  EXPECT_THAT(text,
              HasSubstr("Add 800k QAT tokens to the checkpoint of 1M tokens to reach the target "
                        "loss. The budget falls short of it, and pays for 500k: expected loss "
                        "2.8000 nats.\n"));
  EXPECT_THAT(text, HasSubstr("Loss per further 10k QAT tokens"));
  answer.mutable_checkpoint()->mutable_target_qat_tokens()->set_value(400000);
  EXPECT_THAT(FractionText(request, answer), HasSubstr(" The budget pays for 500k: expected"));
}

TEST(PredictionTextTest, ShowsBothIntervalsAndTheTerms) {
  const auto request = Parse<v1::PredictLossRequest>(
      "parameters: 86000000 weight_bits: 4 fp_tokens: 20000000000 qat_tokens: 10000000000");
  const auto answer =
      Parse<v1::PredictLossResponse>(std::string(R"(
      loss_nats { value: 2.3 lower: 2.29 upper: 2.31 }
      prediction_interval { lower: 2.28 upper: 2.32 }
      perplexity { value: 9.97 lower: 9.9 upper: 10.05 }
      terms { name: "floor" loss_nats: 1.7 } terms { name: "bits_floor" loss_nats: .1 }
      tokens_per_parameter_byte: 697 provenance {)") +
                                     kProvenance + "extrapolation { inside_data: true } }");
  EXPECT_EQ(PredictionText(request, answer),
            "Expect a loss of 2.3000 nats at 4 bits: 86M parameters, 20B tokens in full precision "
            "and 10B with QAT.\n"
            R"(
                                     90 % interval
  Loss, mean of such runs    2.3000  2.2900 to 2.3100
  Loss, one further run              2.2800 to 2.3200
  Perplexity                   9.97  9.9 to 10.05
    of the loss: floor       1.7000
    of the loss: bits floor  0.1000
  Tokens per parameter byte     697

From compute_optimal_qat (full), fit studies/s/fits/f, revision 5.
)");
}

TEST(GridCsvTest, RunsTheLastAxisFastestAndLeavesUndescribedPointsEmpty) {
  v1::EvaluateGridRequest request;
  request.set_quantity(v1::EvaluateGridRequest::LOSS_NATS);
  request.set_with_intervals(true);
  auto answer = Parse<v1::EvaluateGridResponse>(R"(
      axes { variable: WEIGHT_BITS values: 2 values: 4 }
      axes { variable: QAT_FRACTION values: .25 values: .5 values: .75 }
      values: [1, 2, 3, 4, 5] lower: [1, 2, 3, 4, 5] upper: [2, 3, 4, 5, 6]
      inside_data: [true, true, true, false, false, false])");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  answer.add_values(nan);
  answer.add_lower(nan);
  answer.add_upper(nan);
  EXPECT_EQ(GridCsv(request, answer),
            "weight_bits,qat_fraction,loss_nats,lower,upper,inside_data\n"
            "2,0.25,1,1,2,true\n"
            "2,0.5,2,2,3,true\n"
            "2,0.75,3,3,4,true\n"
            "4,0.25,4,4,5,false\n"
            "4,0.5,5,5,6,false\n"
            "4,0.75,,,,false\n");
}

TEST(ImportSummaryTest, CountsRowsAndSaysWhenNothingIsNew) {
  auto response = Parse<v1::ImportExperimentsResponse>("revision: 5 created_count: 463");
  EXPECT_EQ(ImportSummary(response, false), "463 stored, 0 unchanged, 0 refused; revision 5");
  EXPECT_EQ(ImportSummary(response, true),
            "463 would be stored, 0 unchanged, 0 refused; nothing was changed");
  response = Parse<v1::ImportExperimentsResponse>("revision: 5 unchanged_count: 463");
  EXPECT_EQ(ImportSummary(response, false),
            "0 stored, 463 unchanged, 0 refused; revision 5 (nothing new: every row was stored "
            "before)");
}

TEST(StudyTextTest, SaysWhyTheNewestRevisionHasNoFit) {
  const auto study = Parse<v1::Study>(R"(
      name: "studies/s" law: "chinchilla" loss_unit: NATS_PER_BYTE
      parameter_convention: NON_EMBEDDING revision: 3 experiment_count: 4
      fit_options { huber_delta: 0.001 schedule: "classic" }
      fit_status { state: FAILED error: "too few sizes" })");
  EXPECT_EQ(StudyText(study), R"(studies/s
  Law          chinchilla
  Fit options  huber_delta=0.001, schedule=classic
  Loss         nats per byte
  Parameters   non embedding
  Experiments  4, 0 excluded
  Revision     3
  Fit          none; the newest revision could not be fitted: too few sizes
)");
}

}  // namespace
}  // namespace bitbudget::cli
