// The catalogue of published laws against figures that the papers state.

#include "fitter/published_laws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "fitter/fraction_law.h"
#include "fitter/published_formulas.h"

namespace bitbudget::fitter {
namespace {

const PublishedLaw& Law(const std::string& key) { return *FindPublishedLaw(key); }

ChinchillaFormula Base(const std::string& key) {
  const PublishedLaw& law = Law(key);
  return {.E = law.Coefficient("E"),
          .A = law.Coefficient("A"),
          .alpha = law.Coefficient("alpha"),
          .B = law.Coefficient("B"),
          .beta = law.Coefficient(key == "kumar_train" ? "alpha" : "beta")};
}

QatErrorFormula QatError(const std::string& key) {
  const PublishedLaw& law = Law(key);
  return {.k = law.Coefficient("k"),
          .gamma_N = law.Coefficient("gamma_N"),
          .gamma_D = law.Coefficient("gamma_D"),
          .gamma_G = law.Coefficient("gamma_G")};
}

double ChenErrorAt128(const std::string& key) { return QatError(key).ErrorNats(594e6, 1e11, 128); }

double LossOf(const FittedLaw& law, const RunPoint& run) {
  return std::exp(LogLoss(law.law, law.theta, run));
}

// Stated to the digits given; the tolerance is half of the last one.
TEST(PublishedLawsTest, FractionLawGivesItsStatedFractions) {
  const double a = ToFractionLaw(Law("apple_qat_fraction")).value().a;
  EXPECT_NEAR(PredictOptimalFraction(a, 100), 0.231926, 0.5e-6);
  EXPECT_NEAR(PredictOptimalFraction(a, 1000), 0.3775, 0.5e-4);
  EXPECT_NEAR(PredictOptimalFraction(a, 1e4), 0.4816, 0.5e-4);
}

TEST(PublishedLawsTest, ChenErrorsAreThoseStatedAt594MillionParameters) {
  EXPECT_NEAR(ChenErrorAt128("chen_w4a4"), 0.0573, 0.5e-4);
  EXPECT_NEAR(ChenErrorAt128("chen_w4a16"), 0.0210, 0.5e-4);
  EXPECT_NEAR(ChenErrorAt128("chen_w16a4"), 0.0400, 0.5e-4);
  EXPECT_NEAR(ChenErrorAt128("chen_w4a4_fc2w8"), 0.0381, 0.5e-4);
  EXPECT_NEAR(Base("chen_bf16").LossNats(594e6, 1e11), 2.7409, 0.5e-4);
}

TEST(PublishedLawsTest, ChenErrorIsWorthThreeTenthsOfTheParameters) {
  const double share = QatError("chen_w4a4").EffectiveShare(Base("chen_bf16"), 594e6, 1e11, 128);
  EXPECT_NEAR(share, 0.712, 0.5e-3);
}

// Raw units: with N in millions and D in billions the error would be about .25.
TEST(PublishedLawsTest, ChenErrorsSpanTheStatedRangeOfGroupSizes) {
  EXPECT_NEAR(QatError("chen_w4a4").ErrorNats(594e6, 1e11, 32), 0.0441, 0.5e-4);
  EXPECT_NEAR(QatError("chen_w4a4").ErrorNats(594e6, 1e11, 1536), 0.0790, 0.5e-4);
}

TEST(PublishedLawsTest, KumarOffsetsPutTheOptimumAtSevenBits) {
  const PublishedLaw& law = Law("kumar_train");
  PrecisionFormula formulas[] = {{law.Coefficient("gamma_w"), law.Coefficient("n_w")},
                                 {law.Coefficient("gamma_a"), law.Coefficient("n_a")},
                                 {law.Coefficient("gamma_kv"), law.Coefficient("n_kv")}};
  EXPECT_NEAR(ComputeOptimalBits(formulas, 3), 7.0, 0.05);
  for (PrecisionFormula& formula : formulas) formula.n = 0;
  EXPECT_NEAR(ComputeOptimalBits(formulas, 3), 3.47, 0.005);
}

// With one gamma for three factors, u = P / gamma solves 3 u e^-u = 1 - e^-u.
TEST(PublishedLawsTest, OneGammaForThreeFactorsHasItsOptimumAtTheClosedForm) {
  const PrecisionFormula formulas[] = {{2, 0}, {2, 0}, {2, 0}};
  EXPECT_NEAR(ComputeOptimalBits(formulas, 3) / 2, 1.904, 0.5e-3);
}

TEST(PublishedLawsTest, KumarSharesAreThoseOfItsWeights) {
  const PublishedLaw& law = Law("kumar_train");
  const PrecisionFormula weights{law.Coefficient("gamma_w"), law.Coefficient("n_w")};
  EXPECT_NEAR(weights.EffectiveShare(3), 0.559, 0.5e-3);
  EXPECT_NEAR(weights.EffectiveShare(4), 0.696, 0.5e-3);
  EXPECT_NEAR(weights.EffectiveShare(8), 0.932, 0.5e-3);
  const PrecisionFormula activations{law.Coefficient("gamma_a"), law.Coefficient("n_a")};
  EXPECT_EQ(activations.EffectiveShare(3), 0);  // where runs diverge
}

TEST(PublishedLawsTest, QuantizingAfterTrainingCostsWhatKumarStates) {
  const PublishedLaw& law = Law("kumar_ptq");
  const PostTrainingFormula formula{.C = law.Coefficient("C"),
                                    .gamma_D = law.Coefficient("gamma_D"),
                                    .gamma_N = law.Coefficient("gamma_N"),
                                    .gamma_post = law.Coefficient("gamma_post"),
                                    .b = law.Coefficient("b")};
  EXPECT_NEAR(formula.ErrorNats(220e6, 26e9, 4), 0.054, 0.5e-3);
  EXPECT_NEAR(formula.ErrorNats(220e6, 26e9, 3), 0.295, 1e-3);
  // At the critical number of tokens the two slopes cancel.
  const ChinchillaFormula base = Base("kumar_train");
  const double critical = formula.CriticalTokens(base, 220e6, 3);
  const auto loss = [&](double d) {
    return base.LossNats(220e6, d) + formula.ErrorNats(220e6, d, 3);
  };
  EXPECT_GT(loss(0.9 * critical), loss(critical));
  EXPECT_GT(loss(1.1 * critical), loss(critical));
}

TEST(PublishedLawsTest, OuyangReachesTwoTenthsAtItsStatedTokens) {
  const PublishedLaw& law = Law("ouyang_qid");
  const QuantizationDegradationFormula formula{.k = law.Coefficient("k"),
                                               .beta = law.Coefficient("beta"),
                                               .alpha = law.Coefficient("alpha"),
                                               .gamma = law.Coefficient("gamma")};
  // D is stated with three digits, and the error goes with its root.
  EXPECT_NEAR(formula.ErrorNats(405e9, 1.54e10, 2), 0.2, 1e-3);
}

TEST(PublishedLawsTest, SunLossRisesBeyondItsCriticalTokens) {
  const PublishedLaw& law = Law("sun_fp");
  const FloatingPointFormula formula{.n = law.Coefficient("n"),
                                     .alpha = law.Coefficient("alpha"),
                                     .d = law.Coefficient("d"),
                                     .beta = law.Coefficient("beta"),
                                     .epsilon = law.Coefficient("epsilon"),
                                     .gamma = law.Coefficient("gamma"),
                                     .delta = law.Coefficient("delta"),
                                     .nu = law.Coefficient("nu")};
  const FloatingPointFormula::Format e2m1{
      .exponent_bits = 2, .mantissa_bits = 1, .block_size = 128};
  const double critical = formula.CriticalTokens(1e9, e2m1);
  EXPECT_GT(formula.LossNats(1e9, critical / 2, e2m1), formula.LossNats(1e9, critical, e2m1));
  EXPECT_GT(formula.LossNats(1e9, critical * 2, e2m1), formula.LossNats(1e9, critical, e2m1));
}

TEST(PublishedLawsTest, TablesOfTermsAgreeWithTheFormulas) {
  const FittedLaw chen = ToFittedLaw(Law("chen_w4a16")).value();
  const RunPoint run{.parameters = 594e6, .qat_tokens = 1e11, .weight_bits = 4, .group_size = 128};
  EXPECT_NEAR(LossOf(chen, run), 2.7409 + 0.0210, 1e-4);
  const FittedLaw kumar = ToFittedLaw(Law("kumar_train")).value();
  const RunPoint at_4{.parameters = 1e8, .qat_tokens = 1e10, .weight_bits = 4};
  const ChinchillaFormula base = Base("kumar_train");
  const PublishedLaw& law = Law("kumar_train");
  const double share =
      PrecisionFormula{law.Coefficient("gamma_w"), law.Coefficient("n_w")}.EffectiveShare(4);
  EXPECT_NEAR(LossOf(kumar, at_4), base.LossNats(1e8 * share, 1e10), 1e-12);
  const FittedLaw epoch = ToFittedLaw(Law("epoch_chinchilla")).value();
  const RunPoint fp{.parameters = 70e9, .fp_tokens = 1.4e12, .weight_bits = 16};
  EXPECT_NEAR(LossOf(epoch, fp), Base("epoch_chinchilla").LossNats(70e9, 1.4e12), 1e-12);
}

// 822M parameters, 8e10 tokens, 4 bits: QuEST's largest run of these; its losses are
// fitted within 1.4 %.
TEST(PublishedLawsTest, QuestTableAnswersAtItsMeasuredWidthsAlone) {
  const FittedLaw quest = ToFittedLaw(Law("quest_eff")).value();
  EXPECT_EQ(quest.support.weight_bits, (std::vector<double>{1, 2, 3, 4, 8}));
  const RunPoint run{.parameters = 822e6, .qat_tokens = 8e10, .weight_bits = 4};
  EXPECT_NEAR(
      LossOf(quest, run),
      0.0014233 + 8.1340 / std::pow(822e6 * 0.6918, 0.062727) + 86.412 / std::pow(8e10, 0.241288),
      1e-12);
}

TEST(PublishedLawsTest, EveryEntrySaysWhereItComesFrom) {
  std::set<std::string> keys;
  for (const PublishedLaw& law : PublishedLaws()) {
    EXPECT_TRUE(keys.insert(law.key).second) << law.key;
    EXPECT_TRUE(law.reference.starts_with("arXiv ")) << law.key;
    for (const std::string* text : {&law.title, &law.formula, &law.units, &law.data}) {
      EXPECT_FALSE(text->empty()) << law.key;
    }
    EXPECT_FALSE(law.fitted_range.empty()) << law.key;
    for (const FittedRange& fitted : law.fitted_range) {
      EXPECT_LE(fitted.range.lower, fitted.range.upper) << law.key << " " << fitted.axis;
    }
    EXPECT_EQ(law.coefficients.empty(), law.certainty == Certainty::kUnavailable) << law.key;
  }
  EXPECT_EQ(keys.size(), 18U);
}

TEST(PublishedLawsTest, UnknownKeyIsNotFound) { EXPECT_EQ(FindPublishedLaw("chen"), nullptr); }

}  // namespace
}  // namespace bitbudget::fitter
