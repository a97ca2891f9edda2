#include "fitter/fraction_misfit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "fitter/measured_optima.h"
#include "tests/unit/fitter/studies.h"

namespace bitbudget::fitter {
namespace {

using test_support::NormalStream;

double Logit(double f) { return std::log(f / (1 - f)); }

// The full law with the coefficients of a truth, as if fitted without error.
FittedLaw ExactLaw(const test_support::QatLawCoefficients& c) {
  FittedLaw fitted{.law = QatLadder().front()};
  const auto log = [](double x) { return std::log(x); };
  fitted.theta = {log(c.alpha),
                  log(c.beta),
                  c.gamma,
                  log(c.zeta),
                  c.eta,
                  log(c.theta),
                  c.kappa,
                  log(c.phi),
                  c.chi,
                  c.psi,
                  c.omega,
                  log(c.lambda),
                  c.mu,
                  c.nu,
                  c.xi,
                  c.rho};
  return fitted;
}

// Four seeds of runs at seven fractions in 18 cells of two widths, under "grows".
Dataset DrawStudy(uint64_t seed, double run_stddev = 0.002, double outlier_share = 0) {
  GridDesign design;
  design.weight_bits = {1, 2};
  design.fractions = {0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8};
  design.has_full_precision = false;
  return test_support::SimulateRuns(OwnTruth("grows").coefficients,
                                    design.Points(),
                                    {.seed = seed,
                                     .run_stddev = run_stddev,
                                     .trunk_stddev = 0.002,
                                     .outlier_share = outlier_share,
                                     .replicate_count = 4});
}

std::vector<int> AllRows(const Dataset& data) {
  std::vector<int> rows(data.rows.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::optional<FractionMisfit> Measure(const Dataset& data, const FittedLaw& law) {
  return MeasureFractionMisfit(data, AllRows(data), law);
}

TEST(FractionMisfitTest, RightLawIsRejectedAtTheNominalRate) {
  const FittedLaw law = ExactLaw(OwnTruth("grows").coefficients);
  constexpr int kDraws = 400;
  double mean = 0;
  int widened = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto misfit = Measure(DrawStudy(draw), law);
    ASSERT_TRUE(misfit.has_value());
    mean += misfit->p_value / kDraws;
    widened += misfit->logit_stddev > 0;
  }
  // Uniform p values: sqrt(1 / 12 / 400) = .0144, and .01 of 400 draws is 4 with a
  // standard deviation of 2; four of each.
  EXPECT_NEAR(mean, 0.5, 4 * 0.0144);
  EXPECT_LE(widened, 4 + 4 * 2);
}

// With phi scaled the law's optima move by about the same in every cell.
FittedLaw ShiftedLaw() {
  test_support::QatLawCoefficients coefficients = OwnTruth("grows").coefficients;
  coefficients.phi *= 4;
  return ExactLaw(coefficients);
}

TEST(FractionMisfitTest, WrongLawIsOffByAsMuchAsItsOptima) {
  const Dataset data = DrawStudy(1);
  const auto misfit = Measure(data, ShiftedLaw());
  ASSERT_TRUE(misfit.has_value());
  EXPECT_LT(misfit->p_value, 1e-6);
  // The optimum of "grows" moves by ln 4 over its curvature in the logit.
  const auto optima = FindMeasuredOptima(data, AllRows(data)).optima;
  double sum = 0;
  for (const MeasuredOptimum& optimum : optima) {
    test_support::QatLawCoefficients wrong = OwnTruth("grows").coefficients;
    wrong.phi *= 4;
    const auto best = [&](const test_support::QatLawCoefficients& truth) {
      return Logit(test_support::TrueOptimalFraction(
          truth, optimum.parameters, optimum.total_tokens, optimum.weight_bits));
    };
    const double shift = best(wrong) - best(OwnTruth("grows").coefficients);
    sum += shift * shift / static_cast<double>(optima.size());
  }
  // 18 differences know their scale to 1 / sqrt(36) = 17 %, and the errors of measured
  // optima come on top.
  EXPECT_NEAR(misfit->logit_stddev / std::sqrt(sum), 1, 0.35);
}

TEST(FractionMisfitTest, PublishedLawIsHeldAgainstTheSameOptima) {
  // So near to the law that no loss is cut as an outlier.
  const Dataset data = DrawStudy(1, 1e-4);
  const auto misfit = Measure(data, ExactLaw(OwnTruth("grows").coefficients));
  ASSERT_TRUE(misfit.has_value());
  const auto optima = FindMeasuredOptima(data, AllRows(data)).optima;
  ASSERT_EQ(misfit->optimum_count, static_cast<int>(optima.size()));
  double sum = 0;
  for (const MeasuredOptimum& optimum : optima) {
    const double s = optimum.total_tokens / (optimum.parameters * optimum.weight_bits / 8);
    const double difference = Logit(std::exp(-6.7297 / std::log(s))) - Logit(optimum.qat_fraction);
    sum += difference * difference / static_cast<double>(optima.size());
  }
  ASSERT_TRUE(misfit->published_logit_rms.has_value());
  EXPECT_NEAR(*misfit->published_logit_rms, std::sqrt(sum), 1e-9);
}

TEST(FractionMisfitTest, MistypedLossesAreNoMisfit) {
  const FittedLaw law = ExactLaw(OwnTruth("grows").coefficients);
  int widened = 0;
  for (int draw = 0; draw < 50; ++draw) {
    widened += Measure(DrawStudy(draw, 0.002, 0.01), law)->logit_stddev > 0;
  }
  EXPECT_LE(widened, 3);  // .5 expected; more than 3 has a probability of .2 %
}

TEST(FractionMisfitTest, WithoutReplicatesItIsUnknown) {
  Dataset data = DrawStudy(1);
  std::erase_if(data.rows, [](const Observation& row) { return row.replicate > 0; });
  EXPECT_FALSE(Measure(data, ShiftedLaw()).has_value());
}

TEST(FractionMisfitTest, TwoOptimaTellNoScatter) {
  Dataset data = DrawStudy(1);
  std::erase_if(data.rows, [](const Observation& row) {
    return row.point.parameters != 1e8 || row.point.weight_bits != 2 ||
           row.point.total_tokens() > 3e10;
  });
  EXPECT_FALSE(Measure(data, ShiftedLaw()).has_value());
}

}  // namespace
}  // namespace bitbudget::fitter
