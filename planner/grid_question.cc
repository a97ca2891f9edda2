#include "planner/grid_question.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "util/error.h"

namespace bitbudget::planner {
namespace {

constexpr std::array<const char*, kGridVariableCount> kNames = {
    "parameters", "total_tokens", "fp_tokens", "qat_tokens", "qat_fraction", "weight_bits"};

constexpr std::array kTokenVariables = {GridVariable::kTotalTokens,
                                        GridVariable::kFpTokens,
                                        GridVariable::kQatTokens,
                                        GridVariable::kQatFraction};

const char* Name(GridVariable variable) { return kNames[Index(variable)]; }

// Whether a quantity needs a variable, apart from the choice of two that a loss
// has.
bool Needs(GridQuantity quantity, GridVariable variable) {
  switch (variable) {
    case GridVariable::kParameters:
    case GridVariable::kWeightBits:
      return true;
    case GridVariable::kTotalTokens:
      return quantity != GridQuantity::kLossNats;
    case GridVariable::kQatFraction:
      return quantity == GridQuantity::kWastedTokenFraction;
    case GridVariable::kFpTokens:
    case GridVariable::kQatTokens:
      return false;
  }
  return false;
}

// Of the variables that are given, by axis or value. A loss takes any two of its
// token variables.
std::vector<FieldViolation> CheckNeeds(GridQuantity quantity,
                                       const std::array<int, kGridVariableCount>& given_count) {
  std::vector<FieldViolation> violations;
  const bool is_loss = quantity == GridQuantity::kLossNats;
  for (int i = 0; i < kGridVariableCount; ++i) {
    const auto variable = static_cast<GridVariable>(i);
    const bool chosen =
        is_loss && std::ranges::find(kTokenVariables, variable) != kTokenVariables.end();
    const bool needed = Needs(quantity, variable);
    if (given_count[i] > 1) violations.push_back({kNames[i], "is given twice"});
    if (given_count[i] == 0 && needed) {
      violations.push_back({kNames[i], "is missing; give a value or an axis"});
    }
    if (given_count[i] > 0 && !needed && !chosen) {
      violations.push_back({kNames[i], "is not needed for this quantity; leave it out"});
    }
  }
  const auto given_tokens = std::ranges::count_if(
      kTokenVariables, [&](GridVariable variable) { return given_count[Index(variable)] > 0; });
  if (is_loss && given_tokens != 2) {
    violations.push_back({"total_tokens",
                          fmt::format("a loss needs two of total_tokens, fp_tokens, qat_tokens, "
                                      "qat_fraction; {} given",
                                      given_tokens)});
  }
  return violations;
}

}  // namespace

absl::Status CheckGridQuestion(const GridQuestion& question) {
  if (question.axes.empty() || question.axes.size() > 2) {
    return InvalidField("axes", fmt::format("has {} axes, needs 1 or 2", question.axes.size()));
  }
  std::array<int, kGridVariableCount> given_count{};
  for (const GridAxis& axis : question.axes) {
    if (axis.values.empty()) {
      return InvalidField("axes", fmt::format("axis {} has no values", Name(axis.variable)));
    }
    ++given_count[Index(axis.variable)];
  }
  for (int i = 0; i < kGridVariableCount; ++i) given_count[i] += question.fixed[i] ? 1 : 0;
  std::vector<FieldViolation> violations = CheckNeeds(question.quantity, given_count);
  if (violations.empty()) return absl::OkStatus();
  return InvalidFields(std::move(violations));
}

RunPoint ResolveRun(const GridVariables& variables) {
  const auto get = [&](GridVariable variable) { return variables[Index(variable)]; };
  const auto total = get(GridVariable::kTotalTokens);
  const auto fp = get(GridVariable::kFpTokens);
  const auto qat = get(GridVariable::kQatTokens);
  const auto fraction = get(GridVariable::kQatFraction);
  RunPoint run{.parameters = *get(GridVariable::kParameters),
               .weight_bits = *get(GridVariable::kWeightBits)};
  if (total) {
    run.qat_tokens = qat ? *qat : fp ? *total - *fp : *fraction * *total;
    run.fp_tokens = fp ? *fp : *total - run.qat_tokens;
  } else if (fp) {
    run.fp_tokens = *fp;
    run.qat_tokens = qat ? *qat : *fp * *fraction / (1 - *fraction);
  } else {
    run.qat_tokens = *qat;
    run.fp_tokens = *qat * (1 - *fraction) / *fraction;
  }
  return run;
}

}  // namespace bitbudget::planner
