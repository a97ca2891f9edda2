#include "planner/capability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr RunPoint kQuantized{396e6, 4e10, 1e10, 4};
constexpr RunPoint kFullPrecision{396e6, 5e10, 0, 16};

FittedLaw QatLaw() { return FittedQatLaw(OwnTruth("grows")); }

// A law whose data have one level of something.
FittedLaw OneSize() {
  FittedLaw law = QatLaw();
  law.support.parameters = {396e6, 396e6};
  law.support.parameters_level_count = 1;
  return law;
}

FittedLaw OneWidth() {
  FittedLaw law = QatLaw();
  law.support.weight_bits = {4};
  return law;
}

FittedLaw OneBudget() {
  FittedLaw law = QatLaw();
  law.support.total_tokens = {5e10, 5e10};
  law.support.total_tokens_level_count = 1;
  return law;
}

FittedLaw FractionLevels(int count) {
  FittedLaw law = QatLaw();
  law.support.qat_fraction = {0.2, count == 1 ? 0.2 : 0.6};
  law.support.qat_fraction_level_count = count;
  return law;
}

TEST(CapabilityTest, EveryPairOfVariantAndQuestion) {
  struct Pair {
    FittedLaw law;
    bool full_precision_loss;
    bool quantized_loss;
    bool split;
  };
  const auto truth = OwnTruth("grows");
  const std::vector<Pair> pairs = {
      {FittedQatLaw(truth, "full"), true, true, true},
      {FittedQatLaw(truth, "shared_bit_decay"), true, true, true},
      {FittedQatLaw(truth, "bit_free_interaction"), true, true, true},
      {FittedQatLaw(truth, "no_irreducible"), true, true, true},
      {FittedPerBitLaw(), false, true, false},
      {FittedChinchillaLaw(), true, false, false},
  };
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.law.law.family + " " + pair.law.law.variant);
    EXPECT_EQ(CheckLossQuestion(pair.law, kFullPrecision).ok(), pair.full_precision_loss);
    EXPECT_EQ(CheckLossQuestion(pair.law, kQuantized).ok(), pair.quantized_loss);
    EXPECT_EQ(CheckSplitQuestion(pair.law, 396e6, 4).ok(), pair.split);
  }
}

TEST(CapabilityTest, ChinchillaNamesTheLawThatKnowsQuantizedRuns) {
  EXPECT_THAT(CheckLossQuestion(FittedChinchillaLaw(), kQuantized),
              CannotAnswer("compute_optimal_qat"));
  EXPECT_THAT(CheckSplitQuestion(FittedChinchillaLaw(), 396e6, 4),
              CannotAnswer("compute_optimal_qat"));
}

TEST(CapabilityTest, PerBitRungKnowsMeasuredWidthsOnly) {
  const absl::Status status = CheckLossQuestion(FittedPerBitLaw(), {396e6, 4e10, 1e10, 3});
  EXPECT_THAT(status, CannotAnswer("measured widths 2, 4 only, not at 3 bits"));
  EXPECT_THAT(MissingAxes(status), ElementsAre("weight_bits 2 of 3"));
  EXPECT_TRUE(CheckLossQuestion(FittedPerBitLaw(), {396e6, 4e10, 1e10, 2}).ok());
}

TEST(CapabilityTest, PerBitRungMayKnowFullPrecisionAsWell) {
  const FittedLaw law = FittedPerBitLaw(/*with_full_precision=*/true);
  EXPECT_TRUE(CheckLossQuestion(law, kFullPrecision).ok());
  EXPECT_THAT(MissingAxes(CheckLossQuestion(law, {396e6, 4e10, 1e10, 3})),
              ElementsAre("weight_bits 2 of 3"));
}

TEST(CapabilityTest, PerBitRungNamesTheAxesThatWouldLiftIt) {
  FittedLaw law = FittedPerBitLaw();
  law.support.qat_fraction_level_count = 2;
  const absl::Status status = CheckSplitQuestion(law, 396e6, 4);
  EXPECT_THAT(status, CannotAnswer("per_bit_chinchilla"));
  EXPECT_THAT(MissingAxes(status), ElementsAre("weight_bits 2 of 3", "qat_fraction 2 of 4"));
}

TEST(CapabilityTest, PolesAreOutOfRange) {
  EXPECT_THAT(CheckLossQuestion(QatLaw(), {396e6, 0, 1e10, 4}),
              ViolatesField(absl::StatusCode::kOutOfRange, "fp_tokens"));
  EXPECT_THAT(CheckLossQuestion(QatLaw(), {396e6, 1e10, 0, 4}),
              ViolatesField(absl::StatusCode::kOutOfRange, "qat_tokens"));
}

TEST(CapabilityTest, QatTokensAtSixteenBitsAreOutOfRange) {
  EXPECT_THAT(CheckLossQuestion(QatLaw(), {396e6, 1e10, 1e9, 16}),
              ViolatesField(absl::StatusCode::kOutOfRange, "qat_tokens"));
}

TEST(CapabilityTest, OneSizeAnswersAtThatSizeOnly) {
  EXPECT_TRUE(CheckLossQuestion(OneSize(), kQuantized).ok());
  EXPECT_TRUE(CheckSplitQuestion(OneSize(), 396e6, 4).ok());
  const absl::Status loss = CheckLossQuestion(OneSize(), {7e9, 4e10, 1e10, 4});
  EXPECT_THAT(loss, CannotAnswer("all runs have parameters = 3.96e+08"));
  EXPECT_THAT(MissingAxes(loss), ElementsAre("parameters 1 of 2"));
  EXPECT_EQ(GetErrorDetails(loss)->missing_axes[0].levels, std::vector<double>{396e6});
  EXPECT_THAT(MissingAxes(CheckLossQuestion(OneSize(), {7e9, 5e10, 0, 16})),
              ElementsAre("parameters 1 of 2"));
  EXPECT_THAT(MissingAxes(CheckSplitQuestion(OneSize(), 7e9, 4)), ElementsAre("parameters 1 of 2"));
}

TEST(CapabilityTest, OneWidthAnswersAtThatWidthOnly) {
  EXPECT_TRUE(CheckLossQuestion(OneWidth(), kQuantized).ok());
  EXPECT_TRUE(CheckLossQuestion(OneWidth(), kFullPrecision).ok());
  EXPECT_THAT(MissingAxes(CheckLossQuestion(OneWidth(), {396e6, 4e10, 1e10, 2})),
              ElementsAre("weight_bits 1 of 2"));
  EXPECT_THAT(MissingAxes(CheckSplitQuestion(OneWidth(), 396e6, 2)),
              ElementsAre("weight_bits 1 of 2"));
}

TEST(CapabilityTest, OneBudgetAnswersAtThatBudgetOnly) {
  EXPECT_TRUE(CheckLossQuestion(OneBudget(), kQuantized).ok());
  EXPECT_THAT(MissingAxes(CheckLossQuestion(OneBudget(), {396e6, 8e10, 2e10, 4})),
              ElementsAre("total_tokens 1 of 2"));
}

TEST(CapabilityTest, BudgetsWithinOnePercentAreOne) {
  EXPECT_TRUE(CheckLossQuestion(OneBudget(), {396e6, 4.04e10, 1e10, 4}).ok());
}

TEST(CapabilityTest, OneFractionAnswersAtThatFractionOnly) {
  EXPECT_TRUE(CheckLossQuestion(FractionLevels(1), kQuantized).ok());
  EXPECT_THAT(MissingAxes(CheckLossQuestion(FractionLevels(1), {396e6, 2e10, 3e10, 4})),
              ElementsAre("qat_fraction 1 of 2"));
}

TEST(CapabilityTest, ASplitNeedsThreeFractions) {
  EXPECT_THAT(MissingAxes(CheckSplitQuestion(FractionLevels(2), 396e6, 4)),
              ElementsAre("qat_fraction 2 of 3"));
  EXPECT_TRUE(CheckSplitQuestion(FractionLevels(3), 396e6, 4).ok());
}

TEST(CapabilityTest, WithoutQuantizedRunsNoWidthIsKnown) {
  FittedLaw law = QatLaw();
  law.support.weight_bits.clear();
  EXPECT_THAT(MissingAxes(CheckLossQuestion(law, kQuantized)), ElementsAre("weight_bits 0 of 1"));
}

// What must be known for a split, one at a time.
class UnidentifiedTest : public testing::TestWithParam<const char*> {};

TEST_P(UnidentifiedTest, SplitIsRefused) {
  FittedLaw law = QatLaw();
  law.identified[*law.law.FindParameter(GetParam())] = false;
  EXPECT_THAT(CheckSplitQuestion(law, 396e6, 4),
              CannotAnswer("too few full-precision tokens cost"));
  EXPECT_TRUE(CheckLossQuestion(law, kQuantized).ok());
}

INSTANTIATE_TEST_SUITE_P(Restraint, UnidentifiedTest, testing::Values("lambda", "xi"));

TEST(CapabilityTest, APullOfEitherTermIsEnough) {
  FittedLaw law = QatLaw();
  law.identified[*law.law.FindParameter("omega")] = false;
  EXPECT_TRUE(CheckSplitQuestion(law, 396e6, 4).ok());
  law.identified[*law.law.FindParameter("rho")] = false;
  EXPECT_THAT(CheckSplitQuestion(law, 396e6, 4), CannotAnswer("too few QAT tokens cost"));
}

TEST(CapabilityTest, UnidentifiedFromARichDesignNamesNoAxis) {
  FittedLaw law = QatLaw();
  law.identified[*law.law.FindParameter("xi")] = false;
  EXPECT_THAT(MissingAxes(CheckSplitQuestion(law, 396e6, 4)), IsEmpty());
}

TEST(CapabilityTest, UnidentifiedFromAPoorDesignNamesItsAxes) {
  FittedLaw law = OneBudget();
  law.identified[*law.law.FindParameter("xi")] = false;
  EXPECT_THAT(MissingAxes(CheckSplitQuestion(law, 396e6, 4)), ElementsAre("total_tokens 1 of 3"));
}

TEST(CapabilityTest, WidthsInsideADesignAreInterpolated) {
  EXPECT_TRUE(CheckLossQuestion(QatLaw(), {396e6, 4e10, 1e10, 3}).ok());
  EXPECT_TRUE(CheckSplitQuestion(QatLaw(), 396e6, 1.58).ok());
}

}  // namespace
}  // namespace bitbudget::planner
