#include "fitter/simplification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/unit/fitter/studies.h"

namespace bitbudget::fitter {
namespace {

FittedLaw LawOf(const FitResult& fit) { return *fit.law; }

std::vector<int> AllRows(const Dataset& data) {
  std::vector<int> rows(data.rows.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(SimplificationTest, LawGivesNothingUpAgainstItself) {
  const Dataset data = GridStudy({}, 0.003);
  const FittedLaw law = LawOf(FitLaw(data, {.variant = "full"}).value());
  const Simplification none = MeasureSimplification(data, AllRows(data), law, law);
  EXPECT_EQ(none.log_loss_rms, 0);
  EXPECT_EQ(none.logit_fraction_rms, 0);
  EXPECT_EQ(none.log_excess_rms, 0);
  EXPECT_EQ(none.fraction_count, 27);  // sizes, widths and budgets
}

TEST(SimplificationTest, DifferenceIsThatOfTheLossesAtTheRows) {
  const Dataset data = GridStudy({}, 0.003);
  const FittedLaw law = LawOf(FitLaw(data, {.variant = "full"}).value());
  FittedLaw higher = law;
  for (const Term& term : higher.law.terms) higher.theta[term.factors[0].parameter] += 0.01;
  const Simplification result = MeasureSimplification(data, AllRows(data), higher, law);
  EXPECT_NEAR(result.log_loss_rms, 0.01, 1e-12);
  // All terms alike move no optimum, and the cost of another split by the same share.
  EXPECT_NEAR(result.logit_fraction_rms, 0, 1e-5);
  EXPECT_NEAR(result.log_excess_rms, 0.01, 1e-4);
}

TEST(SimplificationTest, PerBitLawHasNoFractionToCompare) {
  const Dataset data = GridStudy({}, 0.003);
  const FittedLaw full = LawOf(FitLaw(data, {.variant = "full"}).value());
  const FittedLaw per_bit = LawOf(FitLaw(data, {.variant = "per_bit_chinchilla"}).value());
  const Simplification result = MeasureSimplification(data, AllRows(data), per_bit, full);
  EXPECT_GT(result.log_loss_rms, 0);
  EXPECT_EQ(result.fraction_count, 0);
}

// A floor too small for any single run to show still shifts the losses of its width:
// the intervals of the rung without it know that.
TEST(SimplificationTest, FitOnALowerRungCarriesWhatItGivesUp) {
  const Dataset data = test_support::SimulateRuns(
      OwnTruth("faint").coefficients, GridDesign{}.Points(), {.outlier_share = 0});
  const FitResult fit = FitLaw(data, {}).value();
  ASSERT_EQ(fit.variant, "no_irreducible");
  EXPECT_GT(fit.law->misfit.loss_stddev, 0);
  EXPECT_GT(fit.law->misfit.log_excess_stddev, 0);
  const FitResult warm = FitLaw(data, {}, {{fit.variant, fit.law->theta}}).value();
  EXPECT_NEAR(warm.law->misfit.loss_stddev,
              fit.law->misfit.loss_stddev,
              1e-3 * fit.law->misfit.loss_stddev);
}

}  // namespace
}  // namespace bitbudget::fitter
