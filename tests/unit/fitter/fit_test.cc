#include "fitter/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fitter/fraction_misfit.h"
#include "tests/unit/fitter/studies.h"
#include "util/error.h"

namespace bitbudget::fitter {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

FitResult Fit(const Dataset& data, const FitOptions& options = {}) {
  return FitLaw(data, options).value();
}

double ThetaOf(const FittedLaw& law, const char* name) {
  return law.theta[*law.law.FindParameter(name)];
}

TEST(FitTest, ResultCarriesEverythingAnAnswerNeeds) {
  const Dataset data = GridStudy({}, 0.003);
  const FitResult fit = Fit(data);
  ASSERT_TRUE(fit.law.has_value());
  EXPECT_EQ(fit.variant, "full");
  EXPECT_EQ(fit.row_count, static_cast<int64_t>(data.rows.size()));
  EXPECT_EQ(fit.full_precision_row_count, 9);
  EXPECT_EQ(fit.law->covariance.size(), 256u);
  EXPECT_EQ(fit.law->support.qat_row_count, 108);
  EXPECT_EQ(fit.singular_values.size(),
            static_cast<std::size_t>(
                std::count(fit.law->at_bound.begin(), fit.law->at_bound.end(), false)));
  EXPECT_TRUE(std::is_sorted(fit.singular_values.rbegin(), fit.singular_values.rend()));
  EXPECT_GT(fit.search.r_squared, 0.99);
  EXPECT_GE(fit.law->degrees_of_freedom, 1);
}

// A standard error is of order noise / sqrt(rows), far above 0 and below 1.
TEST(FitTest, StandardErrorsAreThereForEveryIdentifiedParameterInsideItsBounds) {
  const FitResult fit = Fit(GridStudy({}, 0.003));
  const int count = fit.law->law.parameter_count();
  for (int j = 0; j < count; ++j) {
    const double variance = fit.law->covariance[j * count + j];
    const bool has_error = fit.law->identified[j] && !fit.law->at_bound[j];
    EXPECT_EQ(variance > 0, has_error) << fit.law->law.parameters[j].name;
  }
}

TEST(FitTest, SaysWhereNothingTellsTrunksFromSizes) {
  Dataset data = GridStudy({}, 0.003);
  EXPECT_FALSE(Fit(data).is_trunk_confounded_with_size);  // every run on its own
  for (Observation& row : data.rows) row.trunk = static_cast<int>(row.point.parameters / 1e8);
  const FitResult confounded = Fit(data);
  EXPECT_TRUE(confounded.is_trunk_confounded_with_size);
  EXPECT_THAT(confounded.warnings, Contains(HasSubstr("No size has two trunks")));
  for (std::size_t i = 0; i < data.rows.size(); i += 2) data.rows[i].trunk += 100;
  const FitResult told = Fit(data);
  EXPECT_FALSE(told.is_trunk_confounded_with_size);
  EXPECT_THAT(told.warnings, Not(Contains(HasSubstr("two trunks"))));
}

TEST(FitTest, RunNoiseIsMeasured) {
  const FitResult fit = Fit(GridStudy({}, 0.003));
  // 117 rows less 16 parameters know a standard deviation to 7 %; three times that,
  // and 1 % of outliers clipped at 3 scales add 4 %.
  EXPECT_NEAR(fit.law->run_stddev, 0.003, 0.003 * 0.25);
}

TEST(FitTest, ResolvedOptionsHaveEveryDefaultInForce) {
  const FitResult fit = Fit(GridStudy({}, 0.003));
  EXPECT_EQ(fit.resolved_options.variant, "full");
  EXPECT_EQ(fit.resolved_options.huber_delta, fit.search.huber_delta);
  EXPECT_EQ(fit.resolved_options.schedule, "");
  EXPECT_EQ(fit.resolved_options.recipe, "");
  EXPECT_EQ(fit.resolved_options.optimizer, "");
}

TEST(FitTest, SameInputsGiveTheSameBits) {
  const Dataset data = GridStudy({}, 0.003);
  const FitResult first = Fit(data, {.seed = 9});
  const FitResult second = Fit(data, {.seed = 9});
  EXPECT_EQ(first.law->theta, second.law->theta);
  EXPECT_EQ(first.law->covariance, second.law->covariance);
  EXPECT_EQ(first.search.objective, second.search.objective);
  EXPECT_EQ(first.cross_covariance, second.cross_covariance);
}

TEST(FitTest, OrderOfRowsDoesNotChangeTheEstimate) {
  Dataset data = GridStudy({}, 0.003);
  const FitResult fit = Fit(data);
  std::reverse(data.rows.begin(), data.rows.end());
  EXPECT_EQ(Fit(data).law->theta, fit.law->theta);
}

TEST(FitTest, WarmStartEqualsTheColdOptimum) {
  Dataset data = GridStudy({}, 0.003);
  const FitResult before = Fit(data);
  data.rows.push_back(data.rows[40]);
  data.rows.back().replicate = 1;
  data.rows.back().loss_nats *= 1.004;
  const FitResult cold = Fit(data);
  const FitResult warm =
      FitLaw(data, {}, {{.variant = before.variant, .theta = before.law->theta}}).value();
  EXPECT_EQ(warm.search.start_count, 1);
  EXPECT_EQ(warm.search.huber_delta, cold.search.huber_delta);
  EXPECT_NEAR(warm.search.objective, cold.search.objective, 1e-9 * cold.search.objective);
}

TEST(FitTest, FullPrecisionLawIsKeptBesideTheQatLaw) {
  GridDesign design;
  design.total_tokens = {1e9, 3e9, 1e10, 3e10, 1e11};
  design.parameters = {1e8, 3e8, 1e9, 3e9};
  const FitResult fit = Fit(GridStudy(design, 0.0005));
  ASSERT_TRUE(fit.full_precision_law.has_value());
  EXPECT_EQ(fit.full_precision_law->law.family, "chinchilla");
  EXPECT_EQ(fit.full_precision_law->support.qat_row_count, 0);
  EXPECT_EQ(fit.cross_covariance.size(),
            static_cast<std::size_t>(fit.law->law.parameter_count() * 5));
}

TEST(FitTest, FullPrecisionLawNeedsNoWeightInTheQatLaw) {
  GridDesign design;
  design.total_tokens = {1e9, 3e9, 1e10, 3e10, 1e11};
  design.parameters = {1e8, 3e8, 1e9, 3e9};
  const FitResult fit = Fit(GridStudy(design, 0.0005), {.full_precision_weight = 0});
  EXPECT_EQ(fit.full_precision_row_count, 0);
  EXPECT_TRUE(fit.full_precision_law.has_value());
}

TEST(FitTest, FewFullPrecisionRunsGiveNoLawOfTheirOwn) {
  GridDesign design;
  design.parameters = {1e8, 1e9};
  EXPECT_FALSE(Fit(GridStudy(design, 0.001)).full_precision_law.has_value());
}

TEST(FitTest, WeightOfFullPrecisionRowsPullsTheLawTowardsThem) {
  Dataset data = GridStudy({}, 0.003);
  for (Observation& row : data.rows) {
    if (row.role == RunRole::kFullPrecision) row.loss_nats *= 1.02;
  }
  const auto misfit = [&](double weight) {
    const FitResult fit =
        Fit(data, {.variant = "full", .huber_delta = 1, .full_precision_weight = weight});
    double sum = 0;
    for (const Observation& row : data.rows) {
      if (row.role != RunRole::kFullPrecision) continue;
      sum += std::abs(LogLoss(fit.law->law, fit.law->theta, row.point) - std::log(row.loss_nats));
    }
    return sum;
  };
  EXPECT_LT(misfit(100), misfit(1));
}

TEST(FitTest, FractionThatFallsWithTheBudgetIsWarnedOf) {
  const Dataset data = test_support::SimulateRuns(
      OwnTruth("falls").coefficients, GridDesign().Points(), {.outlier_share = 0});
  EXPECT_THAT(Fit(data, {.variant = "full"}).warnings,
              Contains(HasSubstr("falls with the budget")));
}

TEST(FitTest, FractionThatGrowsIsNotWarnedOf) {
  EXPECT_THAT(Fit(GridStudy({}, 0.001)).warnings, Not(Contains(HasSubstr("budget"))));
}

TEST(FitTest, PerBitRungSaysThatItCannotSplit) {
  const FitResult fit = Fit(GridStudy({}, 0.003), {.variant = "per_bit_chinchilla"});
  EXPECT_THAT(fit.warnings, Contains(HasSubstr("no QAT fraction in them")));
}

TEST(FitTest, PerBitRungBringsTheFractionLawOfTheMeasuredOptima) {
  GridDesign design;
  design.fractions = {0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.95};
  const FitResult fit = Fit(GridStudy(design), {.variant = "per_bit_chinchilla"});
  ASSERT_TRUE(fit.fraction_law.has_value());
  EXPECT_GT(fit.fraction_law->a, 0);
}

// 27 cells of four fractions, up to 1.4 apart in logit f: each shows its best one, or on
// which side it lies.
TEST(FitTest, OptimaOfTheRunsThemselvesAreKeptBesideTheLaw) {
  const FitResult fit = Fit(GridStudy({}, 0.0005));
  EXPECT_EQ(fit.measured_optima.size(), 27u);
  int exact_count = 0;
  for (const MeasuredOptimum& optimum : fit.measured_optima) {
    if (optimum.bound != OptimumBound::kExact) continue;
    ++exact_count;
    const double by_law =
        *OptimalLogit(*fit.law, optimum.parameters, optimum.weight_bits, optimum.total_tokens);
    EXPECT_NEAR(std::log(optimum.qat_fraction / (1 - optimum.qat_fraction)), by_law, 1.4);
  }
  EXPECT_GT(exact_count, 9);
}

TEST(FitTest, LeastLossesOfNoiseAreNoOptima) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.phi = 0;
  truth.lambda = 0;
  const Dataset data =
      test_support::SimulateRuns(truth, GridDesign().Points(), {.outlier_share = 0});
  EXPECT_THAT(Fit(data, {.variant = "per_bit_chinchilla"}).measured_optima, IsEmpty());
}

TEST(FitTest, LastRungIsTheFractionLawAlone) {
  GridDesign design;
  design.fractions = {0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.95};
  const FitResult fit = Fit(GridStudy(design), {.variant = "qat_fraction"});
  EXPECT_EQ(fit.variant, "qat_fraction");
  EXPECT_FALSE(fit.law.has_value());
  ASSERT_TRUE(fit.fraction_law.has_value());
}

TEST(FitTest, DemandedRungThatIsNotIdentifiedNamesWhatIsOpen) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.theta = 0.001;
  const FitResult fit =
      Fit(test_support::SimulateRuns(truth, GridDesign().Points(), {.outlier_share = 0}),
          {.variant = "full"});
  EXPECT_THAT(fit.not_identified, ElementsAre("theta", "kappa"));
  EXPECT_THAT(fit.warnings, Contains(HasSubstr("asked for but is not identified")));
}

TEST(FitTest, ExponentThatTwoLevelsCannotFixIsAssumedAndWarnedOf) {
  GridDesign design;
  design.parameters = {1e8, 1e9};
  const FitResult fit = Fit(GridStudy(design, 0.001));
  EXPECT_THAT(fit.not_identified, Contains("eta"));
  EXPECT_THAT(fit.warnings, Contains(HasSubstr("assumed eta = 0.35")));
}

TEST(FitTest, CoefficientOfALawIsTheSameWhateverTheUnitsOfTheStudy) {
  // A grid a million times smaller in N and D has the same S, and coefficients that
  // move by the power of their scale alone.
  Dataset data = GridStudy({}, 0.003);
  const FitResult fit = Fit(data);
  for (Observation& row : data.rows) {
    row.point.parameters *= 1e-4;
    row.point.fp_tokens *= 1e-4;
    row.point.qat_tokens *= 1e-4;
  }
  const FitResult moved = Fit(data);
  EXPECT_NEAR(ThetaOf(*moved.law, "omega"), ThetaOf(*fit.law, "omega"), 1e-5);
  EXPECT_NEAR(ThetaOf(*moved.law, "zeta"),
              ThetaOf(*fit.law, "zeta") - ThetaOf(*fit.law, "eta") * std::log(1e4),
              1e-4);
}

TEST(FitTest, CancelledFitReturnsCancelled) {
  int polls = 0;
  const auto result = FitLaw(GridStudy({}, 0.003), {.cancelled = [&] { return ++polls > 200; }});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
}

TEST(FitTest, TooFewRowsAreRefusedWithTheAxesTheyLack) {
  Dataset data = GridStudy({.parameters = {1e8},
                            .total_tokens = {1e10},
                            .weight_bits = {4},
                            .fractions = {0.1, 0.4},
                            .has_full_precision = false});
  const absl::Status status = FitLaw(data, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  std::vector<std::string> axes;
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  ASSERT_TRUE(details.has_value());
  for (const MissingAxis& axis : details->missing_axes) axes.push_back(axis.axis);
  EXPECT_THAT(axes, ElementsAre("parameters", "total_tokens", "qat_fraction"));
}

TEST(FitTest, NoRowsLeftAreRefused) {
  Dataset data = GridStudy({});
  for (Observation& row : data.rows) row.excluded = true;
  EXPECT_EQ(FitLaw(data, {}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(FitTest, EveryOptionOutOfRangeIsRefusedByName) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::pair<const char*, FitOptions> cases[] = {
      {"huber_delta", {.huber_delta = 0}},
      {"huber_delta", {.huber_delta = 1.5}},
      {"huber_delta", {.huber_delta = kNan}},
      {"start_count", {.start_count = 0, .polish_count = 1}},
      {"start_count", {.start_count = 10001}},
      {"polish_count", {.polish_count = 0}},
      {"polish_count", {.start_count = 3, .polish_count = 4}},
      {"full_precision_weight", {.full_precision_weight = -1}},
      {"full_precision_weight", {.full_precision_weight = 101}},
      {"full_precision_weight", {.full_precision_weight = kNan}},
      {"min_fp_tokens", {.min_fp_tokens = -1}},
      {"min_fp_tokens", {.min_fp_tokens = kNan}},
      {"variant", {.variant = "half"}}};
  const Dataset data = GridStudy({});
  for (const auto& [field, options] : cases) {
    const absl::Status status = FitLaw(data, options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    const std::optional<ErrorDetails> details = GetErrorDetails(status);
    ASSERT_TRUE(details.has_value()) << field;
    bool is_named = false;
    for (const FieldViolation& violation : details->field_violations) {
      is_named = is_named || violation.field == std::string("fit_options.") + field;
    }
    EXPECT_TRUE(is_named) << field;
  }
}

TEST(FitTest, UnknownFamilyIsRefused) {
  EXPECT_EQ(FitLaw(GridStudy({}), {.family = "linear"}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(NeedsColdSearchTest, FewNewRowsOnTheSameRungNeedNone) {
  FitResult fit;
  fit.variant = "full";
  fit.row_count = 800;
  fit.search.residual_robust_scale = 0.003;
  EXPECT_FALSE(NeedsColdSearch(fit, fit, 80));
}

TEST(NeedsColdSearchTest, ATenthOfNewRowsNeedsOne) {
  FitResult fit;
  fit.row_count = 800;
  EXPECT_TRUE(NeedsColdSearch(fit, fit, 81));
}

TEST(NeedsColdSearchTest, AnotherRungNeedsOne) {
  FitResult previous;
  previous.variant = "full";
  FitResult warm;
  warm.variant = "no_irreducible";
  warm.row_count = 800;
  EXPECT_TRUE(NeedsColdSearch(previous, warm, 0));
}

TEST(NeedsColdSearchTest, GrowingScatterNeedsOne) {
  FitResult previous;
  previous.search.residual_robust_scale = 0.003;
  FitResult warm;
  warm.row_count = 800;
  warm.search.residual_robust_scale = 0.004;
  EXPECT_TRUE(NeedsColdSearch(previous, warm, 0));
}

}  // namespace
}  // namespace bitbudget::fitter
