#include "fitter/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/fitter/studies.h"
#include "util/error.h"

namespace bitbudget::fitter {
namespace {

constexpr RunPoint kAsked = {
    .parameters = 1e9, .fp_tokens = 8e10, .qat_tokens = 2e10, .weight_bits = 2};

// A study, its fit, and the question of the loss at kAsked.
struct Case {
  Dataset data;
  FitResult fit;

  ExplainOptions Question() const {
    return {.answer = [this](const std::vector<double>& theta) -> absl::StatusOr<double> {
      return std::exp(LogLoss(fit.law->law, theta, kAsked));
    }};
  }
  absl::StatusOr<Explanation> Explain(const ExplainOptions& options) const {
    return ExplainFit(data, fit.resolved_options, *fit.law, options);
  }
};

Case MakeCase(double trunk_stddev) {
  Case result{.data = test_support::SimulateRuns(OwnTruth("grows").coefficients,
                                                 GridDesign{}.Points(),
                                                 {.seed = 5,
                                                  .run_stddev = 0.003,
                                                  .trunk_stddev = trunk_stddev,
                                                  .outlier_share = 0,
                                                  .replicate_count = 2})};
  result.fit = FitLaw(result.data, {.variant = "shared_bit_decay"}).value();
  return result;
}

// One step is of first order: the rest is of the order of the step itself, and of the
// runs that leave or enter Huber's quadratic zone. It must tell which runs matter, and
// by how much to within a factor 1.5.
TEST(ExplainTest, OneStepAgreesWithARefitForTheMostInfluentialRuns) {
  const Case c = MakeCase(0);
  ExplainOptions options = c.Question();
  options.run_refit_count = 20;
  const Explanation explanation = c.Explain(options).value();
  int refitted_count = 0;
  for (const ExplainedRun& run : explanation.runs) {
    if (!run.influence.refit) continue;
    ++refitted_count;
    const double ratio = *run.influence.one_step / *run.influence.refit;
    EXPECT_GT(ratio, 1 / 1.5) << run.row;
    EXPECT_LT(ratio, 1.5) << run.row;
  }
  EXPECT_EQ(refitted_count, 20);
}

// Both descend to the same optimum, until the objective can fall by no more than 1e-9
// of itself; the answer is known to about the root of that.
TEST(ExplainTest, RefitWithoutATrunkIsTheFitOfTheOtherRuns) {
  const Case c = MakeCase(0.005);
  const Explanation explanation = c.Explain(c.Question()).value();
  ASSERT_EQ(explanation.trunks.size(), 18U);  // 9 sizes and budgets, two seeds
  const ExplainedTrunk& trunk = explanation.trunks[4];
  Dataset without = c.data;
  for (Observation& row : without.rows) row.excluded = row.trunk == trunk.trunk;
  const FitResult fit = FitLaw(without, c.fit.resolved_options).value();
  const double answer = std::exp(LogLoss(fit.law->law, fit.law->theta, kAsked));
  EXPECT_NEAR(trunk.influence.refit.value(), answer - *explanation.answer, 1e-5);
  EXPECT_EQ(trunk.run_count, 12);
}

TEST(ExplainTest, RunThatIsOffIsAnOutlierAndNoOtherIs) {
  Case c = MakeCase(0);
  c.data.rows[40].loss_nats *= 1.05;
  c.fit = FitLaw(c.data, {.variant = "full"}).value();
  const Explanation explanation = c.Explain({}).value();
  for (const ExplainedRun& run : explanation.runs) {
    EXPECT_EQ(run.is_outlier, run.row == 40) << run.row << " " << run.scaled_residual;
  }
  EXPECT_FALSE(explanation.answer.has_value());
  EXPECT_FALSE(explanation.runs[0].influence.one_step.has_value());
}

// Trace of a projection.
TEST(ExplainTest, LeveragesAddUpToTheParameters) {
  const Case c = MakeCase(0);
  const Explanation explanation = c.Explain({}).value();
  double sum = 0;
  for (const ExplainedRun& run : explanation.runs) sum += run.leverage;
  EXPECT_NEAR(sum, static_cast<double>(c.fit.singular_values.size()), 1e-6);
}

TEST(ExplainTest, DirectionsAreThoseOfTheSingularValuesWorstFirst) {
  const Case c = MakeCase(0);
  const Explanation explanation = c.Explain({}).value();
  const std::vector<double>& values = c.fit.singular_values;
  ASSERT_EQ(explanation.directions.size(), values.size());
  // The stored parameters went through one conversion of coordinates and back.
  EXPECT_NEAR(explanation.directions.front().singular_value, values.back(), 1e-6 * values.back());
  for (const Direction& direction : explanation.directions) {
    double squares = 0;
    for (const Direction::Part& part : direction.parts) squares += part.weight * part.weight;
    EXPECT_GE(squares, 0.9 - 1e-12);
    EXPECT_LE(squares, 1 + 1e-12);
  }
}

TEST(ExplainTest, CorrelationsLieBetweenTheReportedLevelAndOne) {
  const Explanation explanation = MakeCase(0).Explain({}).value();
  ASSERT_FALSE(explanation.correlations.empty());
  for (const Correlation& correlation : explanation.correlations) {
    EXPECT_GE(std::abs(correlation.value), kReportedCorrelation);
    EXPECT_LE(std::abs(correlation.value), 1 + 1e-9);
  }
}

TEST(ExplainTest, AnswerThatTheFitItselfRefusesIsAnError) {
  const Case c = MakeCase(0);
  const absl::Status status =
      c.Explain({.answer = [](const std::vector<double>&) -> absl::StatusOr<double> {
         return DataCannotAnswer({}, "no");
       }}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ExplainTest, CancelledExplanationStops) {
  const Case c = MakeCase(0);
  ExplainOptions options = c.Question();
  options.cancelled = [] { return true; };
  EXPECT_EQ(c.Explain(options).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace bitbudget::fitter
