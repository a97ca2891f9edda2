#include "fitter/ladder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/fitter/studies.h"

namespace bitbudget::fitter {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::vector<Law> LadderOf(const GridDesign& design) {
  std::vector<double> widths = design.weight_bits;
  if (design.has_full_precision) widths.push_back(16);
  return LawLadder("compute_optimal_qat", widths).value();
}

LadderOptions Demand(const std::string& variant) {
  LadderOptions options;
  options.variant = variant;
  return options;
}

LadderResult ClimbStudy(const GridDesign& design,
                        double run_stddev,
                        const std::vector<Start>& warm_starts = {}) {
  const Dataset data = GridStudy(design, run_stddev);
  return Climb(LadderOf(design), MeasurementsOf(data), {}, warm_starts).value();
}

TEST(LadderTest, RichDataStandOnTheFullLaw) {
  const LadderResult result = ClimbStudy({}, 0.003);
  ASSERT_TRUE(result.rung.has_value());
  EXPECT_EQ(result.rung->law.variant, "full");
  ASSERT_EQ(result.reports.size(), 1u);
  EXPECT_TRUE(result.reports[0].accepted);
}

// A floor of .0005 nats at 1 bit is a sixth of the noise of a run.
TEST(LadderTest, TermBelowTheNoiseCostsTheRungAndIsNamed) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.theta = 0.001;
  const GridDesign design;
  const Dataset data =
      test_support::SimulateRuns(truth, design.Points(), {.run_stddev = 0.003, .outlier_share = 0});
  const LadderResult result = Climb(LadderOf(design), MeasurementsOf(data), {}, {}).value();
  ASSERT_TRUE(result.rung.has_value());
  EXPECT_EQ(result.rung->law.variant, "no_irreducible");
  EXPECT_FALSE(result.reports[0].accepted);
  EXPECT_THAT(result.reports[0].explanation, HasSubstr("theta"));
  EXPECT_THAT(result.reports[0].explanation, HasSubstr("weight widths"));
}

// Over less than a decade of sizes a faint model term is as good as a floor.
TEST(LadderTest, OpenFloorCostsTheFloorsAndNotTheFraction) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.theta = 0.001;
  truth.alpha = 0.2;
  truth.eta = 0.1;
  GridDesign design;
  design.parameters = {1e8, 2e8, 4e8, 8e8};
  const Dataset data =
      test_support::SimulateRuns(truth, design.Points(), {.run_stddev = 0.003, .outlier_share = 0});
  const LadderResult result = Climb(LadderOf(design), MeasurementsOf(data), {}, {}).value();
  ASSERT_TRUE(result.rung.has_value());
  EXPECT_EQ(result.rung->law.variant, "no_floors");
  EXPECT_THAT(result.reports[3].explanation, HasSubstr("leave alpha open"));
  EXPECT_TRUE(result.rung->identification.is_complete);
}

TEST(LadderTest, OneWidthHoldsTheDecaysAndKeepsTheFraction) {
  GridDesign design;
  design.weight_bits = {2};
  const LadderResult result = ClimbStudy(design, 0.001);
  ASSERT_TRUE(result.rung.has_value());
  EXPECT_NE(result.rung->law.variant, "per_bit_chinchilla");
  EXPECT_THAT(UndeterminedParameters(*result.rung), IsSupersetOf({"chi", "mu"}));
  EXPECT_TRUE(result.rung->identification.determined[*result.rung->law.FindParameter("omega")]);
}

TEST(LadderTest, OneSizeLeavesTheModelTermToTheFloor) {
  GridDesign design;
  design.parameters = {3e8};
  const LadderResult result = ClimbStudy(design, 0.0005);
  ASSERT_TRUE(result.rung.has_value());
  EXPECT_THAT(UndeterminedParameters(*result.rung), IsSupersetOf({"zeta", "eta", "psi", "nu"}));
}

TEST(LadderTest, TwoSizesHoldTheModelExponentAtATypicalValue) {
  GridDesign design;
  design.parameters = {1e8, 1e9};
  const Dataset data = GridStudy(design, 0.001);
  const Law law = LadderOf(design)[0];
  const DesignFreedom freedom = FindFreedom(Design(law, MeasurementsOf(data)));
  EXPECT_EQ(freedom.reasons[*law.FindParameter("eta")], HoldReason::kTwoLevels);
  EXPECT_EQ(freedom.parameters.held_at[*law.FindParameter("eta")], 0.35);
  EXPECT_EQ(freedom.free_count(), 15);
}

TEST(LadderTest, RichDesignHoldsNothing) {
  const Law law = LadderOf({})[0];
  const DesignFreedom freedom = FindFreedom(Design(law, MeasurementsOf(GridStudy({}))));
  EXPECT_EQ(freedom.free_count(), 16);
}

TEST(LadderTest, FullPrecisionRunsAloneHaveNoFraction) {
  GridDesign design;
  design.weight_bits = {};
  design.total_tokens = {1e9, 3e9, 1e10, 3e10, 1e11};
  const LadderResult result = ClimbStudy(design, 0.0005);
  ASSERT_TRUE(result.rung.has_value());
  EXPECT_EQ(result.rung->law.variant, "per_bit_chinchilla");
  EXPECT_THAT(result.reports[0].explanation, HasSubstr("no QAT fractions"));
}

TEST(LadderTest, FewerRunsThanParametersAreCounted) {
  const GridDesign design = {.parameters = {1e8},
                             .total_tokens = {1e9, 1e10},
                             .weight_bits = {4},
                             .fractions = {0.1, 0.4},
                             .has_full_precision = false};
  const LadderResult result = ClimbStudy(design, 0.001);
  EXPECT_FALSE(result.rung.has_value());
  EXPECT_THAT(result.reports[0].explanation, HasSubstr("4 distinct runs cannot fix"));
}

TEST(LadderTest, RunsThatDifferInTheFractionAloneIdentifyNoLaw) {
  const GridDesign design = {.parameters = {1e8},
                             .total_tokens = {1e10},
                             .weight_bits = {4},
                             .fractions = {0.1, 0.4},
                             .has_full_precision = false};
  const LadderResult result = ClimbStudy(design, 0.001);
  EXPECT_FALSE(result.rung.has_value());
  EXPECT_THAT(result.reports.back().explanation, HasSubstr("differ in nothing"));
}

// With mu far from 0 the rung without it scatters by the misfit.
TEST(LadderTest, RungThatContradictsTheRunsGivesWay) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.theta = 0.001;
  const GridDesign design;
  const Dataset data = test_support::SimulateRuns(
      truth, design.Points(), {.run_stddev = 0.0002, .outlier_share = 0});
  const LadderResult result = Climb(LadderOf(design), MeasurementsOf(data), {}, {}).value();
  for (const RungReport& report : result.reports) {
    EXPECT_FALSE(report.accepted && report.variant == "bit_free_interaction");
  }
}

// With two budgets the exponent of the tokens is held beside a floor, and free without
// one: the law without floors may scatter less, and knows no more.
TEST(LadderTest, PartOfARungThatContradictsTheRunsIsNotAsked) {
  GridDesign design;
  design.total_tokens = {3e9, 1e11};
  design.fractions = {0.1, 0.3, 0.6};
  int contradicting_count = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Dataset data =
        test_support::SimulateRuns(OwnTruth("faint").coefficients, design.Points(), {.seed = seed});
    const LadderResult result = Climb(LadderOf(design), MeasurementsOf(data), {}, {}).value();
    if (result.reports.size() < 5) continue;
    if (!result.reports[3].explanation.starts_with("Identified, but")) continue;
    ++contradicting_count;
    EXPECT_EQ(result.reports[4].variant, "no_floors");
    EXPECT_THAT(result.reports[4].explanation, HasSubstr("a part of no_irreducible"));
    EXPECT_EQ(result.rung->law.variant, "no_irreducible");
  }
  EXPECT_GT(contradicting_count, 0);
}

// The richest rung is asked again by a full search: what a lower one gives up
// against it must be known.
TEST(LadderTest, WarmStartSkipsTheRungsBetweenTheRichestAndItsOwn) {
  const std::vector<Measurement> measurements = MeasurementsOf(test_support::SimulateRuns(
      OwnTruth("faint").coefficients, GridDesign{}.Points(), {.outlier_share = 0}));
  const std::vector<Law> ladder = LadderOf({});
  const LadderResult cold = Climb(ladder, measurements, {}, {}).value();
  ASSERT_EQ(cold.rung->law.variant, "no_irreducible");
  const LadderResult warm =
      Climb(ladder, measurements, {}, {{.variant = "no_irreducible", .theta = cold.rung->theta}})
          .value();
  EXPECT_EQ(warm.rung->law.variant, "no_irreducible");
  EXPECT_EQ(warm.rung->search.start_count, 1);
  EXPECT_EQ(warm.reports[0].explanation, cold.reports[0].explanation);
  EXPECT_THAT(warm.reports[1].explanation, HasSubstr("Not asked again"));
  EXPECT_EQ(warm.richest->theta, cold.richest->theta);
}

TEST(LadderTest, SkippedRungsAreAskedAgainWhereTheWarmOneNoLongerStands) {
  const std::vector<Measurement> measurements = MeasurementsOf(test_support::SimulateRuns(
      OwnTruth("faint").coefficients, GridDesign{}.Points(), {.outlier_share = 0}));
  const std::vector<Law> ladder = LadderOf({});
  const LadderResult cold = Climb(ladder, measurements, {}, {}).value();
  ASSERT_EQ(cold.rung->law.variant, "no_irreducible");
  const Rung refused =
      *Climb(ladder, measurements, Demand("bit_free_interaction"), {}).value().rung;
  const LadderResult warm =
      Climb(ladder, measurements, {}, {{.variant = "bit_free_interaction", .theta = refused.theta}})
          .value();
  EXPECT_EQ(warm.rung->law.variant, "no_irreducible");
  EXPECT_EQ(warm.reports[1].explanation, cold.reports[1].explanation);
  EXPECT_EQ(warm.rung->theta, cold.rung->theta);
}

TEST(LadderTest, RichestRungIsStoodOnThoughTheWarmStartStoodLower) {
  const LadderResult lower = ClimbStudy({}, 0.003);
  ASSERT_EQ(lower.rung->law.variant, "full");
  EXPECT_FALSE(lower.richest.has_value());
  const std::vector<Law> ladder = LadderOf({});
  const Rung rung =
      *Climb(ladder, MeasurementsOf(GridStudy({}, 0.003)), Demand("no_irreducible"), {})
           .value()
           .rung;
  const LadderResult warm =
      ClimbStudy({}, 0.003, {{.variant = "no_irreducible", .theta = rung.theta}});
  EXPECT_EQ(warm.rung->law.variant, "full");
}

TEST(LadderTest, WarmStartOfAnotherLengthCountsAsAbsent) {
  const LadderResult result = ClimbStudy({}, 0.003, {{.variant = "full", .theta = {1, 2}}});
  EXPECT_EQ(result.rung->law.variant, "full");
  EXPECT_EQ(result.rung->search.start_count, 64);
}

TEST(LadderTest, ExponentAtZeroIsAFindingAndKeepsTheRung) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.rho = 0;
  int at_bound_count = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const Dataset data = test_support::SimulateRuns(
        truth, GridDesign().Points(), {.seed = seed, .run_stddev = 0.003, .outlier_share = 0});
    const Rung rung = *Climb(LadderOf({}), MeasurementsOf(data), {}, {}).value().rung;
    EXPECT_EQ(rung.law.variant, "full");
    const int rho = *rung.law.FindParameter("rho");
    if (!rung.identification.at_lower[rho]) continue;
    ++at_bound_count;
    EXPECT_EQ(rung.theta[rho], 0);
    EXPECT_FALSE(rung.identification.determined[rho]);
  }
  // An estimate centred on the bound rests there in half of the cases; none in 6
  // has probability 2^-6.
  EXPECT_GE(at_bound_count, 1);
}

TEST(LadderTest, DemandedRungIsFittedThoughLessIsIdentified) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.theta = 0.001;
  const Dataset data = test_support::SimulateRuns(
      truth, GridDesign().Points(), {.run_stddev = 0.003, .outlier_share = 0});
  const LadderResult result = Climb(LadderOf({}), MeasurementsOf(data), Demand("full"), {}).value();
  EXPECT_EQ(result.rung->law.variant, "full");
  EXPECT_THAT(UndeterminedParameters(*result.rung), ElementsAre("theta", "kappa"));
}

}  // namespace
}  // namespace bitbudget::fitter
