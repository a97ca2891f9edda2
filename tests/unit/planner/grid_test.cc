#include "planner/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "tests/unit/planner/status_testing.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

FittedLaw Grows() { return WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01); }

// A small language for questions: axes and values by variable.
struct Value {
  GridVariable variable;
  double value;
};

GridQuestion Grid(GridQuantity quantity,
                  std::vector<GridAxis> axes,
                  const std::vector<Value>& values) {
  GridQuestion question{.quantity = quantity, .axes = std::move(axes)};
  for (const auto& [variable, value] : values) {
    question.fixed[static_cast<int>(variable)] = value;
  }
  return question;
}

const Value kSize{GridVariable::kParameters, 396e6};
const Value kBudget{GridVariable::kTotalTokens, 5e10};
const Value kWidth{GridVariable::kWeightBits, 2};
const GridAxis kFractions{GridVariable::kQatFraction, {0.1, 0.3}};
const GridAxis kBudgets{GridVariable::kTotalTokens, {1e10, 5e10, 2e11}};
const GridAxis kSizes{GridVariable::kParameters, {1e8, 1e9}};

std::vector<std::string> ViolatedFields(const absl::Status& status) {
  std::vector<std::string> fields;
  const ErrorDetails details = GetErrorDetails(status).value_or(ErrorDetails{});
  for (const FieldViolation& violation : details.field_violations) {
    fields.push_back(violation.field + " " + violation.description.substr(0, 10));
  }
  return fields;
}

TEST(EvaluateGridTest, LossesAreThoseOfPredictLoss) {
  GridQuestion question = Grid(GridQuantity::kLossNats, {kFractions, kBudgets}, {kSize, kWidth});
  question.with_intervals = true;
  const GridAnswer answer = *EvaluateGrid(Grows(), question);
  ASSERT_THAT(answer.values, SizeIs(6));
  size_t i = 0;
  for (const double f : kFractions.values) {
    for (const double tokens : kBudgets.values) {
      const Estimate expected =
          PredictLoss(Grows(), {396e6, tokens - f * tokens, f * tokens, 2}, 0.9)->loss_nats;
      EXPECT_NEAR(answer.values[i], expected.value, 1e-14);
      EXPECT_NEAR(answer.lower[i], expected.interval->lower, 1e-13);
      EXPECT_NEAR(answer.upper[i], expected.interval->upper, 1e-13);
      ++i;
    }
  }
}

TEST(EvaluateGridTest, OptimaAreThoseOfOptimizeQatFraction) {
  GridQuestion fractions = Grid(GridQuantity::kOptimalQatFraction, {kSizes, kBudgets}, {kWidth});
  fractions.with_intervals = true;
  GridQuestion losses = fractions;
  losses.quantity = GridQuantity::kLossAtOptimumNats;
  GridQuestion wastes = fractions;
  wastes.quantity = GridQuantity::kWastedTokenFraction;
  wastes.fixed[static_cast<int>(GridVariable::kQatFraction)] = 0.1;
  const GridAnswer fraction = *EvaluateGrid(Grows(), fractions);
  const GridAnswer loss = *EvaluateGrid(Grows(), losses);
  const GridAnswer waste = *EvaluateGrid(Grows(), wastes);
  size_t i = 0;
  for (const double parameters : kSizes.values) {
    for (const double tokens : kBudgets.values) {
      const FractionAnswer expected = *OptimizeQatFraction(
          Grows(), {.parameters = parameters, .weight_bits = 2, .budget_tokens = tokens});
      EXPECT_EQ(fraction.values[i], expected.qat_fraction.value);
      EXPECT_EQ(fraction.lower[i], expected.qat_fraction.interval->lower);
      EXPECT_EQ(loss.values[i], expected.loss_nats.value);
      EXPECT_EQ(loss.upper[i], expected.loss_nats.interval->upper);
      EXPECT_EQ(waste.values[i], expected.caller_split->wasted_token_fraction.value);
      EXPECT_EQ(waste.upper[i], expected.caller_split->wasted_token_fraction.interval->upper);
      ++i;
    }
  }
}

TEST(EvaluateGridTest, AnyTwoTokenVariablesDescribeARun) {
  const std::vector<Value> all = {{GridVariable::kTotalTokens, 5e10},
                                  {GridVariable::kFpTokens, 4e10},
                                  {GridVariable::kQatTokens, 1e10},
                                  {GridVariable::kQatFraction, 0.2}};
  const double expected = PredictLoss(Grows(), {396e6, 4e10, 1e10, 2}, 0.9)->loss_nats.value;
  for (const Value& first : all) {
    for (const Value& second : all) {
      if (first.variable == second.variable) continue;
      const GridQuestion question =
          Grid(GridQuantity::kLossNats, {{first.variable, {first.value}}}, {kSize, kWidth, second});
      EXPECT_NEAR(EvaluateGrid(Grows(), question)->values[0], expected, 1e-14);
    }
  }
}

TEST(EvaluateGridTest, FullPrecisionIsSixteenBitsWithoutQatTokens) {
  const GridQuestion question =
      Grid(GridQuantity::kLossNats,
           {kBudgets},
           {kSize, {GridVariable::kWeightBits, 16}, {GridVariable::kQatTokens, 0}});
  EXPECT_NEAR(EvaluateGrid(Grows(), question)->values[1],
              PredictLoss(Grows(), {396e6, 5e10, 0, 16}, 0.9)->loss_nats.value,
              1e-14);
}

TEST(EvaluateGridTest, PointsThatAreNoRunsAreNaN) {
  GridQuestion question = Grid(GridQuantity::kLossNats,
                               {{GridVariable::kFpTokens, {4e10, 5e10, 6e10}}},
                               {kSize, kWidth, kBudget});
  question.with_intervals = true;
  const GridAnswer answer = *EvaluateGrid(Grows(), question);
  EXPECT_TRUE(std::isfinite(answer.values[0]));
  EXPECT_TRUE(std::isnan(answer.values[1]));
  EXPECT_TRUE(std::isnan(answer.values[2]));
  EXPECT_TRUE(std::isnan(answer.lower[2]));
  EXPECT_FALSE(answer.inside_data[2]);
}

TEST(EvaluateGridTest, FractionsOfOneAndMoreAreNaN) {
  const GridAxis fractions{GridVariable::kQatFraction, {0.5, 1, 1.5}};
  for (const GridQuantity quantity :
       {GridQuantity::kLossNats, GridQuantity::kWastedTokenFraction}) {
    const GridAnswer answer =
        *EvaluateGrid(Grows(), Grid(quantity, {fractions}, {kSize, kWidth, kBudget}));
    EXPECT_TRUE(std::isfinite(answer.values[0]));
    EXPECT_TRUE(std::isnan(answer.values[1]));
    EXPECT_TRUE(std::isnan(answer.values[2]));
  }
}

TEST(EvaluateGridTest, NoIntervalIsNaN) {
  GridQuestion question = Grid(GridQuantity::kOptimalQatFraction, {kBudgets}, {kSize, kWidth});
  question.with_intervals = true;
  const GridAnswer answer = *EvaluateGrid(FittedQatLaw(OwnTruth("grows")), question);
  EXPECT_TRUE(std::isfinite(answer.values[0]));
  EXPECT_TRUE(std::isnan(answer.lower[0]));
}

TEST(EvaluateGridTest, WithoutIntervalsThereAreNone) {
  const GridAnswer answer =
      *EvaluateGrid(Grows(), Grid(GridQuantity::kOptimalQatFraction, {kBudgets}, {kSize, kWidth}));
  EXPECT_THAT(answer.lower, IsEmpty());
  EXPECT_THAT(answer.upper, IsEmpty());
}

TEST(EvaluateGridTest, KeepsTheFarthestPointOutsideOnEachAxis) {
  const GridAxis budgets{GridVariable::kTotalTokens, {5e10, 1.4e13, 1.4e14, 2.8e12}};
  const GridAnswer answer = *EvaluateGrid(
      Grows(),
      Grid(GridQuantity::kLossNats, {budgets}, {kSize, kWidth, {GridVariable::kQatFraction, 0.2}}));
  EXPECT_THAT(answer.inside_data, ElementsAre(true, false, false, false));
  const auto axis = std::ranges::find(answer.outside, "total_tokens", &OutsideAxis::axis);
  ASSERT_NE(axis, answer.outside.end());
  EXPECT_EQ(axis->value, 1.4e14);
  EXPECT_NEAR(axis->factor, 100, 1e-9);
}

TEST(EvaluateGridTest, NamesMissingVariables) {
  EXPECT_THAT(
      ViolatedFields(
          EvaluateGrid(Grows(), Grid(GridQuantity::kWastedTokenFraction, {kBudgets}, {})).status()),
      ElementsAre("parameters is missing", "qat_fraction is missing", "weight_bits is missing"));
}

TEST(EvaluateGridTest, NamesVariablesGivenTwice) {
  EXPECT_THAT(ViolatedFields(
                  EvaluateGrid(
                      Grows(),
                      Grid(GridQuantity::kOptimalQatFraction, {kBudgets}, {kSize, kWidth, kBudget}))
                      .status()),
              ElementsAre("total_tokens is given t"));
  EXPECT_THAT(ViolatedFields(EvaluateGrid(Grows(),
                                          Grid(GridQuantity::kOptimalQatFraction,
                                               {kBudgets, kBudgets},
                                               {kSize, kWidth}))
                                 .status()),
              ElementsAre("total_tokens is given t"));
}

TEST(EvaluateGridTest, NamesVariablesThatAreNotNeeded) {
  EXPECT_THAT(ViolatedFields(EvaluateGrid(Grows(),
                                          Grid(GridQuantity::kLossAtOptimumNats,
                                               {kBudgets},
                                               {kSize, kWidth, {GridVariable::kFpTokens, 1e9}}))
                                 .status()),
              ElementsAre("fp_tokens is not nee"));
}

TEST(EvaluateGridTest, ALossNeedsExactlyTwoTokenVariables) {
  EXPECT_THAT(
      EvaluateGrid(Grows(), Grid(GridQuantity::kLossNats, {kBudgets}, {kSize, kWidth})).status(),
      ViolatesField(absl::StatusCode::kInvalidArgument, "total_tokens"));
  EXPECT_THAT(EvaluateGrid(Grows(),
                           Grid(GridQuantity::kLossNats,
                                {kBudgets, kFractions},
                                {kSize, kWidth, {GridVariable::kFpTokens, 1e9}}))
                  .status(),
              ViolatesField(absl::StatusCode::kInvalidArgument, "total_tokens"));
}

TEST(EvaluateGridTest, RefusesAnEmptyAxisOrNone) {
  EXPECT_THAT(EvaluateGrid(Grows(),
                           Grid(GridQuantity::kOptimalQatFraction,
                                {{GridVariable::kTotalTokens, {}}},
                                {kSize, kWidth}))
                  .status(),
              ViolatesField(absl::StatusCode::kInvalidArgument, "axes"));
  EXPECT_THAT(
      EvaluateGrid(Grows(), Grid(GridQuantity::kOptimalQatFraction, {}, {kSize, kWidth, kBudget}))
          .status(),
      ViolatesField(absl::StatusCode::kInvalidArgument, "axes"));
}

TEST(EvaluateGridTest, RefusedIfNoPointCanBeAnswered) {
  EXPECT_THAT(EvaluateGrid(FittedChinchillaLaw(),
                           Grid(GridQuantity::kOptimalQatFraction, {kBudgets}, {kSize, kWidth}))
                  .status(),
              CannotAnswer("compute_optimal_qat"));
}

TEST(EvaluateGridTest, PointsThatTheDataCannotAnswerAreNaNBesideOthers) {
  FittedLaw law = Grows();
  law.support.parameters = {1e8, 1e8};
  law.support.parameters_level_count = 1;
  const GridAnswer answer =
      *EvaluateGrid(law, Grid(GridQuantity::kOptimalQatFraction, {kSizes}, {kBudget, kWidth}));
  EXPECT_TRUE(std::isfinite(answer.values[0]));
  EXPECT_TRUE(std::isnan(answer.values[1]));
}

TEST(EvaluateGridTest, StopsWhenCancelled) {
  GridQuestion question = Grid(GridQuantity::kOptimalQatFraction, {kBudgets}, {kSize, kWidth});
  question.axes[0].values.assign(100'000, 1e10);
  int poll_count = 0;
  question.cancelled = [&] { return ++poll_count == 3; };
  EXPECT_EQ(EvaluateGrid(Grows(), question).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(poll_count, 3);
}

}  // namespace
}  // namespace bitbudget::planner
