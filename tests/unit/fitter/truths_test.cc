// The default fit of simulated studies of 757 QAT and 40 full-precision rows
// against the best optima known and against the truths themselves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fitter/fit.h"
#include "tests/support/shared_data.h"
#include "tests/support/simulated_study.h"
#include "tests/support/truth_optima.h"

namespace bitbudget::fitter {
namespace {

using test_support::Truth;
using test_support::TruthOptimum;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;

std::optional<Truth> FindTruth(const std::string& study) {
  const std::vector<Truth> truths = test_support::TruthsOnRecord();
  const auto found = std::find_if(
      truths.begin(), truths.end(), [&](const Truth& truth) { return truth.name == study; });
  if (found == truths.end()) return std::nullopt;
  return *found;
}

// Fraction of least loss of a fitted law, by golden section on its convex loss.
double OptimalFraction(const FittedLaw& law, double n, double d, double bits) {
  const auto loss = [&](double f) {
    return LogLoss(law.law, law.theta, test_support::RunAtFraction(n, d, bits, f));
  };
  double low = 1e-6;
  double high = 1 - 1e-6;
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  while (high - low > 1e-6) {
    const double a = high - ratio * (high - low);
    const double b = low + ratio * (high - low);
    if (loss(a) < loss(b)) {
      high = b;
    } else {
      low = a;
    }
  }
  return (low + high) / 2;
}

class TruthsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    truth_ = FindTruth(GetParam());
    if (!truth_) GTEST_SKIP() << test_support::kSharedDataAbsent;
  }

  Dataset Study(uint64_t seed) const {
    return test_support::SimulateStudy(truth_->coefficients, {.seed = seed});
  }

  std::optional<Truth> truth_;
};

using EveryTruthTest = TruthsTest;
using GrowsTest = TruthsTest;
using FallsTest = TruthsTest;
using FaintTest = TruthsTest;

TEST_P(EveryTruthTest, DefaultFitFindsTheBestOptimumKnownForEverySeed) {
  int checked_count = 0;
  for (const TruthOptimum& known : test_support::ReadTruthOptima(test_support::TruthOptimaPath())) {
    if (known.study != GetParam()) continue;
    const FitResult fit = FitLaw(Study(known.seed), {}).value();
    EXPECT_EQ(fit.variant, known.variant) << known.seed;
    EXPECT_EQ(fit.search.huber_delta, known.huber_delta) << known.seed;
    EXPECT_LE(fit.search.objective, known.objective * (1 + 1e-6)) << known.seed;
    EXPECT_EQ(fit.search.termination, Termination::kConverged) << known.seed;
    ++checked_count;
  }
  EXPECT_EQ(checked_count, test_support::kTruthOptimumSeedCount);
}

// .1 % of the loss inside the range of the data.
TEST_P(GrowsTest, LossesInsideTheDataAreRight) {
  const FitResult fit = FitLaw(Study(0), {}).value();
  double sum = 0;
  const std::vector<RunPoint> design = test_support::StudyDesign();
  for (const RunPoint& run : design) {
    const double error = LogLoss(fit.law->law, fit.law->theta, run) -
                         std::log(test_support::TrueLoss(truth_->coefficients, run));
    sum += error * error;
  }
  EXPECT_LT(std::sqrt(sum / static_cast<double>(design.size())), 0.001);
}

// .3 % of the loss at the largest size, fitted without it.
TEST_P(GrowsTest, LossesOfTheLargestSizeHeldOutAreRight) {
  Dataset data = Study(0);
  for (Observation& row : data.rows) row.excluded = row.point.parameters == 2.2e9;
  const FitResult fit = FitLaw(data, {}).value();
  double sum = 0;
  int count = 0;
  for (const Observation& row : data.rows) {
    if (!row.excluded) continue;
    const double error = LogLoss(fit.law->law, fit.law->theta, row.point) -
                         std::log(test_support::TrueLoss(truth_->coefficients, row.point));
    sum += error * error;
    ++count;
  }
  EXPECT_GT(count, 100);
  EXPECT_LT(std::sqrt(sum / count), 0.003);
}

// Points of the paper's range; see truths.json.
TEST_P(GrowsTest, OptimalFractionsAreWithinThreeHundredths) {
  const FitResult fit = FitLaw(Study(0), {}).value();
  const struct {
    double n, d, bits;
  } points[] = {{86e6, 2.3e9, 4}, {396e6, 50e9, 1}, {396e6, 50e9, 4}, {759e6, 1.4e12, 2}};
  for (const auto& [n, d, bits] : points) {
    const double truth = test_support::TrueOptimalFraction(truth_->coefficients, n, d, bits);
    EXPECT_NEAR(OptimalFraction(*fit.law, n, d, bits), truth, 0.03);
  }
}

TEST_P(GrowsTest, FullLawIsIdentifiedForEverySeed) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    EXPECT_EQ(FitLaw(Study(seed), {}).value().variant, "full") << seed;
  }
}

TEST_P(FallsTest, FractionThatFallsIsFittedAndWarnedOf) {
  const FitResult fit = FitLaw(Study(0), {}).value();
  EXPECT_EQ(fit.variant, "full");
  EXPECT_THAT(fit.warnings, Contains(HasSubstr("falls with the budget")));
}

TEST_P(FaintTest, FloorThatIsAlmostAbsentIsSaidNotToBeIdentified) {
  const FitResult fit = FitLaw(Study(0), {}).value();
  EXPECT_NE(fit.variant, "full");
  EXPECT_FALSE(fit.ladder[0].accepted);
  EXPECT_THAT(fit.ladder[0].explanation, HasSubstr("theta"));
}

INSTANTIATE_TEST_SUITE_P(Own,
                         EveryTruthTest,
                         ::testing::Values("own/grows", "own/falls", "own/faint"));
INSTANTIATE_TEST_SUITE_P(Shared,
                         EveryTruthTest,
                         ::testing::Values("shared/grows", "shared/falls", "shared/faint"));
INSTANTIATE_TEST_SUITE_P(All, GrowsTest, ::testing::Values("own/grows", "shared/grows"));
INSTANTIATE_TEST_SUITE_P(All, FallsTest, ::testing::Values("own/falls", "shared/falls"));
INSTANTIATE_TEST_SUITE_P(All, FaintTest, ::testing::Values("own/faint", "shared/faint"));

}  // namespace
}  // namespace bitbudget::fitter
