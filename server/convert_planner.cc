#include "server/convert_planner.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "planner/compute_cost.h"

namespace bitbudget::server {
namespace {

// The contract's enumerations are those of the planner behind an "unspecified".
planner::GridVariable ToVariable(v1::GridAxis::Variable variable) {
  return static_cast<planner::GridVariable>(static_cast<int>(variable) - 1);
}
v1::GridAxis::Variable FromVariable(planner::GridVariable variable) {
  return static_cast<v1::GridAxis::Variable>(static_cast<int>(variable) + 1);
}
planner::GridQuantity ToQuantity(v1::EvaluateGridRequest::Quantity quantity) {
  return static_cast<planner::GridQuantity>(static_cast<int>(quantity) - 1);
}

static_assert(static_cast<int>(v1::GridAxis::PARAMETERS) - 1 ==
              static_cast<int>(planner::GridVariable::kParameters));
static_assert(static_cast<int>(v1::GridAxis::TOTAL_TOKENS) - 1 ==
              static_cast<int>(planner::GridVariable::kTotalTokens));
static_assert(static_cast<int>(v1::GridAxis::FP_TOKENS) - 1 ==
              static_cast<int>(planner::GridVariable::kFpTokens));
static_assert(static_cast<int>(v1::GridAxis::QAT_TOKENS) - 1 ==
              static_cast<int>(planner::GridVariable::kQatTokens));
static_assert(static_cast<int>(v1::GridAxis::QAT_FRACTION) - 1 ==
              static_cast<int>(planner::GridVariable::kQatFraction));
static_assert(static_cast<int>(v1::GridAxis::WEIGHT_BITS) - 1 ==
              static_cast<int>(planner::GridVariable::kWeightBits));
static_assert(static_cast<int>(v1::EvaluateGridRequest::LOSS_NATS) - 1 ==
              static_cast<int>(planner::GridQuantity::kLossNats));
static_assert(static_cast<int>(v1::EvaluateGridRequest::WASTED_TOKEN_FRACTION) - 1 ==
              static_cast<int>(planner::GridQuantity::kWastedTokenFraction));

// The points of an axis; the ends are exactly those asked for.
std::vector<double> AxisValues(const v1::GridAxis& axis) {
  if (axis.count() == 0) return {axis.values().begin(), axis.values().end()};
  std::vector<double> values(axis.count());
  const double last = axis.count() - 1;
  for (int i = 0; i < axis.count(); ++i) {
    const double share = i / last;
    values[i] = axis.logarithmic() ? axis.lower() * std::pow(axis.upper() / axis.lower(), share)
                                   : axis.lower() + (axis.upper() - axis.lower()) * share;
  }
  values.back() = axis.upper();
  return values;
}

std::optional<double> BudgetTokens(const v1::OptimizeQatFractionRequest& request) {
  using Request = v1::OptimizeQatFractionRequest;
  switch (request.budget_case()) {
    case Request::kTotalTokens:
      return static_cast<double>(request.total_tokens());
    case Request::kComputeFlops:
      return request.compute_flops() /
             (planner::kFlopsPerParameterAndToken * static_cast<double>(request.parameters()));
    case Request::BUDGET_NOT_SET:
      break;
  }
  return std::nullopt;
}

void SetRange(v1::Range* range, const planner::Interval& interval) {
  range->set_lower(interval.lower);
  range->set_upper(interval.upper);
}

v1::CheckpointPlan ToCheckpointPlan(const planner::CheckpointAnswer& answer) {
  v1::CheckpointPlan plan;
  plan.set_fp_tokens(static_cast<int64_t>(answer.fp_tokens));
  if (answer.qat_tokens) plan.set_qat_tokens(*answer.qat_tokens);
  if (answer.loss_nats) *plan.mutable_loss_nats() = ToEstimate(*answer.loss_nats);
  if (answer.loss_change_per_qat_token_nats) {
    plan.set_loss_change_per_qat_token_nats(*answer.loss_change_per_qat_token_nats);
  }
  if (answer.balanced_qat_tokens) plan.set_balanced_qat_tokens(*answer.balanced_qat_tokens);
  plan.set_loss_floor_nats(answer.loss_floor_nats);
  if (answer.target_qat_tokens) {
    *plan.mutable_target_qat_tokens() = ToEstimate(*answer.target_qat_tokens);
  }
  return plan;
}

}  // namespace

fitter::RunPoint ToRunPoint(const v1::PredictLossRequest& request, const fitter::Law& law) {
  fitter::RunPoint run{.parameters = static_cast<double>(request.parameters()),
                       .fp_tokens = static_cast<double>(request.fp_tokens()),
                       .qat_tokens = static_cast<double>(request.qat_tokens()),
                       .weight_bits = request.weight_bits()};
  if (fitter::DependsOn(law, fitter::Feature::kLogLog2GroupSize)) {
    run.group_size = static_cast<double>(request.group_size());
  }
  const auto optimizer = std::ranges::find(law.optimizers, request.optimizer());
  if (optimizer != law.optimizers.end()) {
    run.optimizer = static_cast<int>(optimizer - law.optimizers.begin());
  } else if (law.optimizers.size() == 1 && request.optimizer().empty()) {
    run.optimizer = 0;
  }
  return run;
}

planner::FractionQuestion ToFractionQuestion(const v1::OptimizeQatFractionRequest& request) {
  planner::FractionQuestion question;
  question.parameters = static_cast<double>(request.parameters());
  question.weight_bits = request.weight_bits();
  question.budget_tokens = BudgetTokens(request);
  if (request.has_qat_token_cost()) question.qat_token_cost = request.qat_token_cost();
  if (request.has_fixed_fp_tokens()) {
    question.fixed_fp_tokens = static_cast<double>(request.fixed_fp_tokens());
  }
  if (request.has_target_loss_nats()) question.target_loss_nats = request.target_loss_nats();
  if (request.has_caller_fraction()) question.caller_fraction = request.caller_fraction();
  if (request.has_loss_tolerance_nats()) {
    question.loss_tolerance_nats = request.loss_tolerance_nats();
  }
  question.confidence_level = ConfidenceLevel(request);
  question.with_intervals = !request.point_only();
  return question;
}

planner::GridQuestion ToGridQuestion(const v1::EvaluateGridRequest& request) {
  planner::GridQuestion question;
  question.quantity = ToQuantity(request.quantity());
  for (const v1::GridAxis& axis : request.axes()) {
    question.axes.push_back({ToVariable(axis.variable()), AxisValues(axis)});
  }
  const auto fix = [&question](planner::GridVariable variable, bool is_set, double value) {
    if (is_set) question.fixed[static_cast<size_t>(variable)] = value;
  };
  using Variable = planner::GridVariable;
  fix(Variable::kParameters, request.has_parameters(), request.parameters());
  fix(Variable::kTotalTokens, request.has_total_tokens(), request.total_tokens());
  fix(Variable::kFpTokens, request.has_fp_tokens(), request.fp_tokens());
  fix(Variable::kQatTokens, request.has_qat_tokens(), request.qat_tokens());
  fix(Variable::kQatFraction, request.has_qat_fraction(), request.qat_fraction());
  fix(Variable::kWeightBits, request.has_weight_bits(), request.weight_bits());
  question.with_intervals = request.with_intervals();
  question.confidence_level = ConfidenceLevel(request);
  return question;
}

v1::PredictLossResponse ToResponse(const planner::LossAnswer& answer) {
  v1::PredictLossResponse response;
  *response.mutable_loss_nats() = ToEstimate(answer.loss_nats);
  if (answer.prediction) SetRange(response.mutable_prediction_interval(), *answer.prediction);
  *response.mutable_perplexity() = ToEstimate(answer.perplexity);
  for (const planner::TermLoss& term : answer.terms) {
    v1::LossTerm* message = response.add_terms();
    message->set_name(term.name);
    message->set_loss_nats(term.loss_nats);
  }
  response.set_tokens_per_parameter_byte(answer.tokens_per_parameter_byte);
  return response;
}

v1::OptimizeQatFractionResponse ToResponse(const planner::FractionAnswer& answer) {
  v1::OptimizeQatFractionResponse response;
  *response.mutable_qat_fraction() = ToEstimate(answer.qat_fraction);
  response.set_fp_tokens(answer.fp_tokens);
  response.set_qat_tokens(answer.qat_tokens);
  // A loss is positive; 0 is the planner's word for none.
  if (answer.loss_nats.value > 0) *response.mutable_loss_nats() = ToEstimate(answer.loss_nats);
  if (answer.flat_range) SetRange(response.mutable_flat_range(), *answer.flat_range);
  response.set_loss_tolerance_nats(answer.loss_tolerance_nats);
  response.set_tokens_per_parameter_byte(answer.tokens_per_parameter_byte);
  if (answer.caller_split) {
    *response.mutable_caller_split() = ToSplitComparison(*answer.caller_split);
    *response.mutable_wasted_token_fraction() = response.caller_split().wasted_token_fraction();
  }
  if (answer.checkpoint) *response.mutable_checkpoint() = ToCheckpointPlan(*answer.checkpoint);
  *response.mutable_cooldown() = ToCooldownAdvice(answer.cooldown);
  return response;
}

v1::EvaluateGridResponse ToResponse(const planner::GridQuestion& question,
                                    const planner::GridAnswer& answer) {
  v1::EvaluateGridResponse response;
  for (const planner::GridAxis& axis : question.axes) {
    auto* values = response.add_axes();
    values->set_variable(FromVariable(axis.variable));
    values->mutable_values()->Add(axis.values.begin(), axis.values.end());
  }
  response.mutable_values()->Add(answer.values.begin(), answer.values.end());
  response.mutable_lower()->Add(answer.lower.begin(), answer.lower.end());
  response.mutable_upper()->Add(answer.upper.begin(), answer.upper.end());
  response.mutable_inside_data()->Add(answer.inside_data.begin(), answer.inside_data.end());
  return response;
}

v1::SplitComparison ToSplitComparison(const planner::SplitCost& cost) {
  v1::SplitComparison message;
  message.set_qat_fraction(cost.qat_fraction);
  *message.mutable_loss_nats() = ToEstimate(cost.loss_nats);
  *message.mutable_excess_loss_nats() = ToEstimate(cost.excess_loss_nats);
  *message.mutable_wasted_token_fraction() = ToEstimate(cost.wasted_token_fraction);
  message.set_wasted_tokens(cost.wasted_tokens);
  return message;
}

v1::CooldownAdvice ToCooldownAdvice(const planner::CooldownAdvice& advice) {
  v1::CooldownAdvice message;
  switch (advice.advice) {
    case planner::Cooldown::kFuse:
      message.set_advice(v1::CooldownAdvice::FUSE);
      break;
    case planner::Cooldown::kKeepClassic:
      message.set_advice(v1::CooldownAdvice::KEEP_CLASSIC);
      break;
    case planner::Cooldown::kUndecided:
      message.set_advice(v1::CooldownAdvice::UNDECIDED);
      break;
  }
  message.set_reason(advice.reason);
  return message;
}

v1::Estimate ToEstimate(const planner::Estimate& estimate) {
  v1::Estimate message;
  message.set_value(estimate.value);
  if (estimate.interval) {
    message.set_lower(estimate.interval->lower);
    message.set_upper(estimate.interval->upper);
  }
  return message;
}

v1::Extrapolation ToExtrapolation(const std::vector<planner::OutsideAxis>& outside) {
  v1::Extrapolation message;
  message.set_inside_data(outside.empty());
  for (const planner::OutsideAxis& axis : outside) {
    v1::Extrapolation::Axis* entry = message.add_axes();
    entry->set_axis(axis.axis);
    entry->set_value(axis.value);
    SetRange(entry->mutable_data_range(), axis.data_range);
    entry->set_factor(axis.factor);
  }
  return message;
}

}  // namespace bitbudget::server
