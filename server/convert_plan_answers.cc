#include "server/convert_memory.h"
#include "server/convert_plan.h"
#include "server/convert_planner.h"

namespace bitbudget::server {
namespace {

v1::BitWidthCandidate::SizeLimit ToSizeLimit(planner::SizeLimit limit) {
  switch (limit) {
    case planner::SizeLimit::kGiven:
      return v1::BitWidthCandidate::GIVEN;
    case planner::SizeLimit::kMemory:
      return v1::BitWidthCandidate::MEMORY;
    case planner::SizeLimit::kBudget:
      return v1::BitWidthCandidate::BUDGET;
    case planner::SizeLimit::kTarget:
      return v1::BitWidthCandidate::TARGET;
  }
  return v1::BitWidthCandidate::SIZE_LIMIT_UNSPECIFIED;
}

v1::BitWidthCandidate ToCandidate(planner::WidthObjective objective,
                                  const planner::WidthCandidate& candidate) {
  v1::BitWidthCandidate message;
  message.set_weight_bits(candidate.weight_bits);
  message.set_parameters(candidate.parameters);
  *message.mutable_qat_fraction() = ToEstimate(candidate.qat_fraction);
  *message.mutable_loss_nats() = ToEstimate(candidate.loss_nats);
  if (candidate.probability_best) message.set_probability_best(*candidate.probability_best);
  message.set_fp_tokens(candidate.fp_tokens);
  message.set_qat_tokens(candidate.qat_tokens);
  message.set_compute_flops(candidate.compute_flops);
  *message.mutable_memory() = ToModelMemory(candidate.memory);
  message.set_tokens_per_parameter_byte(candidate.tokens_per_parameter_byte);
  message.set_size_limit(ToSizeLimit(candidate.size_limit));
  *message.mutable_excess_loss_nats() = ToEstimate(candidate.excess_loss_nats);
  message.set_is_tie(candidate.is_tie);
  if (candidate.needed) {
    *(objective == planner::WidthObjective::kLeastMemory ? message.mutable_needed_memory_bytes()
                                                         : message.mutable_needed_compute_flops()) =
        ToEstimate(*candidate.needed);
  }
  *message.mutable_extrapolation() = ToExtrapolation(candidate.outside);
  return message;
}

v1::RefusedWidth ToRefusedWidth(const planner::RefusedWidth& refused) {
  v1::RefusedWidth message;
  message.set_weight_bits(refused.weight_bits);
  message.set_reason(refused.reason);
  return message;
}

v1::FullPrecisionReference ToReference(const planner::Reference& reference) {
  v1::FullPrecisionReference message;
  *message.mutable_full_precision_loss_nats() = ToEstimate(reference.full_precision_loss_nats);
  *message.mutable_loss_difference_nats() = ToEstimate(reference.loss_difference_nats);
  *message.mutable_perplexity_difference() = ToEstimate(reference.perplexity_difference);
  return message;
}

v1::EqualTokensComparison ToComparison(const planner::EqualTokens& equal) {
  v1::EqualTokensComparison message;
  *message.mutable_reference() = ToReference(equal.reference);
  message.set_matches(equal.matches);
  if (equal.extra_token_share) {
    *message.mutable_extra_token_share() = ToEstimate(*equal.extra_token_share);
  }
  return message;
}

v1::EqualMemoryComparison ToComparison(const planner::EqualMemory& equal) {
  v1::EqualMemoryComparison message;
  message.set_parameters(equal.parameters);
  message.set_total_tokens(equal.total_tokens);
  *message.mutable_memory() = ToModelMemory(equal.memory);
  *message.mutable_same_law() = ToReference(equal.same_law);
  if (equal.full_precision_law) {
    *message.mutable_full_precision_law() = ToReference(*equal.full_precision_law);
  }
  *message.mutable_extrapolation() = ToExtrapolation(equal.outside);
  return message;
}

v1::WidthComparison ToComparison(const planner::WidthAgainstFullPrecision& width) {
  v1::WidthComparison message;
  message.set_weight_bits(width.weight_bits);
  message.set_qat_fraction(width.qat_fraction);
  message.set_fp_tokens(width.fp_tokens);
  message.set_qat_tokens(width.qat_tokens);
  *message.mutable_loss_nats() = ToEstimate(width.loss_nats);
  *message.mutable_memory() = ToModelMemory(width.memory);
  *message.mutable_same_law() = ToComparison(width.same_law);
  if (width.full_precision_law) {
    *message.mutable_full_precision_law() = ToComparison(*width.full_precision_law);
  }
  if (width.equal_memory) *message.mutable_equal_memory() = ToComparison(*width.equal_memory);
  return message;
}

v1::BudgetWaste ToBudgetWaste(const planner::Waste& waste) {
  v1::BudgetWaste message;
  message.set_budget_tokens(waste.budget_tokens);
  *message.mutable_wasted_token_fraction() = ToEstimate(waste.split.wasted_token_fraction);
  *message.mutable_wasted_tokens() = ToEstimate(waste.wasted_tokens);
  *message.mutable_wasted_flops() = ToEstimate(waste.wasted_flops);
  if (waste.wasted_device_hours) {
    *message.mutable_wasted_device_hours() = ToEstimate(*waste.wasted_device_hours);
  }
  if (waste.wasted_money) *message.mutable_wasted_money() = ToEstimate(*waste.wasted_money);
  message.set_best_qat_fraction(waste.best_qat_fraction);
  message.set_best_loss_nats(waste.best_loss_nats);
  *message.mutable_loss_nats() = ToEstimate(waste.split.loss_nats);
  *message.mutable_extrapolation() = ToExtrapolation(waste.outside);
  return message;
}

v1::SchedulePlan ToSchedulePlan(const planner::TrainingSchedule& schedule) {
  v1::SchedulePlan message;
  *message.mutable_cooldown() = ToCooldownAdvice(schedule.advice);
  message.set_is_fused(schedule.is_fused);
  message.set_tokens_per_step(schedule.tokens_per_step);
  message.set_tokens_per_step_source(schedule.tokens_per_step_source);
  message.set_fp_steps(schedule.fp_steps);
  message.set_qat_steps(schedule.qat_steps);
  for (const planner::SchedulePhase& phase : schedule.phases) {
    v1::SchedulePhase* entry = message.add_phases();
    entry->set_name(phase.name);
    entry->set_steps(phase.steps);
    entry->set_first_rate(phase.first_rate);
    entry->set_last_rate(phase.last_rate);
    entry->set_shape(phase.shape);
  }
  return message;
}

v1::TrainingCost ToTrainingCost(const planner::TrainingCost& cost) {
  v1::TrainingCost message;
  message.set_compute_flops(cost.compute_flops);
  if (cost.device_hours) message.set_device_hours(*cost.device_hours);
  if (cost.wall_hours) message.set_wall_hours(*cost.wall_hours);
  if (cost.money) message.set_money(*cost.money);
  return message;
}

}  // namespace

v1::OptimizeBitWidthResponse ToResponse(const planner::BitWidthQuestion& question,
                                        const planner::BitWidthAnswer& answer) {
  v1::OptimizeBitWidthResponse response;
  for (const planner::WidthCandidate& candidate : answer.candidates) {
    *response.add_candidates() = ToCandidate(question.objective, candidate);
  }
  for (const planner::RefusedWidth& refused : answer.refused) {
    *response.add_refused() = ToRefusedWidth(refused);
  }
  const bool is_about_loss = question.objective == planner::WidthObjective::kLeastLoss;
  if (is_about_loss && answer.candidates.size() > 1) {
    *response.mutable_runner_up_loss_nats() = ToEstimate(answer.candidates[1].excess_loss_nats);
  }
  response.set_loss_tolerance_nats(answer.loss_tolerance_nats);
  response.set_draw_count(answer.draw_count);
  return response;
}

v1::CompareToFullPrecisionResponse ToResponse(const planner::FullPrecisionAnswer& answer) {
  v1::CompareToFullPrecisionResponse response;
  for (const planner::WidthAgainstFullPrecision& width : answer.widths) {
    *response.add_widths() = ToComparison(width);
  }
  response.set_tolerance_nats(answer.tolerance_nats);
  response.set_total_tokens(answer.total_tokens);
  if (answer.fewest_bits_same_law) {
    response.set_fewest_bits_same_law(*answer.fewest_bits_same_law);
  }
  if (answer.fewest_bits_full_precision_law) {
    response.set_fewest_bits_full_precision_law(*answer.fewest_bits_full_precision_law);
  }
  return response;
}

v1::EstimateWasteResponse ToResponse(const planner::WasteQuestion& question,
                                     const planner::WasteAnswer& answer) {
  v1::EstimateWasteResponse response;
  for (const planner::Waste& waste : answer.budgets) {
    *response.add_budgets() = ToBudgetWaste(waste);
  }
  *response.mutable_wasted_token_fraction() =
      ToEstimate(answer.budgets.back().split.wasted_token_fraction);
  response.set_qat_fraction(question.qat_fraction);
  response.set_model_implied(true);
  return response;
}

v1::PlanTrainingResponse ToResponse(const planner::PlanQuestion& question,
                                    const planner::PlanAnswer& answer) {
  v1::PlanTrainingResponse response;
  const planner::WidthObjective objective = question.choice.objective;
  const auto& candidates = answer.choice.candidates;
  *response.mutable_plan() = ToCandidate(objective, candidates.front());
  for (size_t i = 1; i < candidates.size(); ++i) {
    *response.add_alternatives() = ToCandidate(objective, candidates[i]);
  }
  for (const planner::RefusedWidth& refused : answer.choice.refused) {
    *response.add_refused() = ToRefusedWidth(refused);
  }
  *response.mutable_schedule() = ToSchedulePlan(answer.schedule);
  *response.mutable_cost() = ToTrainingCost(answer.cost);
  if (answer.caller_split) {
    *response.mutable_caller_split() = ToSplitComparison(*answer.caller_split);
  }
  response.set_loss_tolerance_nats(answer.choice.loss_tolerance_nats);
  response.set_draw_count(answer.choice.draw_count);
  return response;
}

}  // namespace bitbudget::server
