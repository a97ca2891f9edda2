#include <cmath>
#include <optional>

#include "server/convert_memory.h"
#include "server/convert_plan.h"
#include "server/convert_planner.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

template <typename Request>
double QatTokenCost(const Request& request) {
  return request.has_qat_token_cost() ? request.qat_token_cost() : 1;
}

// Of a request whose budget is total_tokens, compute_flops or neither.
template <typename Request>
planner::TrainingBudget BudgetOf(const Request& request) {
  planner::TrainingBudget budget{.qat_token_cost = QatTokenCost(request)};
  if (request.has_total_tokens()) budget.tokens = static_cast<double>(request.total_tokens());
  if (request.has_compute_flops()) budget.flops = request.compute_flops();
  return budget;
}

template <typename Request>
double ParametersOf(const Request& request) {
  return static_cast<double>(request.parameters());
}

// What OptimizeBitWidth and PlanTraining ask alike.
template <typename Request>
absl::StatusOr<planner::BitWidthQuestion> ToChoice(const Request& request,
                                                   bool law_counts_embeddings) {
  planner::BitWidthQuestion question;
  if (request.has_parameters()) question.parameters = ParametersOf(request);
  question.weight_bits.assign(request.weight_bits().begin(), request.weight_bits().end());
  if (request.has_memory_bytes()) {
    question.memory_bytes = static_cast<double>(request.memory_bytes());
  }
  question.budget = BudgetOf(request);
  if (request.has_target_loss_nats()) question.target_loss_nats = request.target_loss_nats();
  ASSIGN_OR_RETURN(
      question.memory_model,
      ToMemoryModel(request.memory_model(), ParametersOf(request), law_counts_embeddings));
  if (request.has_loss_tolerance_nats()) {
    question.loss_tolerance_nats = request.loss_tolerance_nats();
  }
  question.confidence_level = ConfidenceLevel(request);
  if (request.has_draw_count()) question.draw_count = request.draw_count();
  question.seed = static_cast<uint64_t>(request.seed());
  return question;
}

planner::WidthObjective ToObjective(v1::OptimizeBitWidthRequest::Objective objective) {
  switch (objective) {
    case v1::OptimizeBitWidthRequest::LEAST_MEMORY:
      return planner::WidthObjective::kLeastMemory;
    case v1::OptimizeBitWidthRequest::LEAST_COMPUTE:
      return planner::WidthObjective::kLeastCompute;
    default:
      return planner::WidthObjective::kLeastLoss;
  }
}

// FLOPs that are still to be spent, told in another way; unset for other goals.
std::optional<double> FlopsToSpend(const v1::PlanTrainingRequest& request,
                                   const planner::Hardware& hardware) {
  using Request = v1::PlanTrainingRequest;
  switch (request.goal_case()) {
    case Request::kDeviceHours:
      return request.device_hours() * hardware.FlopsPerDeviceHour();
    case Request::kDeadlineHours:
      return request.deadline_hours() * hardware.device_count * hardware.FlopsPerDeviceHour();
    case Request::kMoney:
      return request.money() / *hardware.price_per_device_hour * hardware.FlopsPerDeviceHour();
    default:
      return std::nullopt;
  }
}

// A range, evenly spaced in the logarithm; the ends are exactly those asked for.
void AddRange(const v1::TokenRange& range,
              const planner::TrainingBudget& like,
              std::vector<planner::TrainingBudget>* budgets) {
  const auto lower = static_cast<double>(range.lower());
  const auto upper = static_cast<double>(range.upper());
  for (int i = 0; i < range.count(); ++i) {
    const double share = static_cast<double>(i) / (range.count() - 1);
    planner::TrainingBudget budget = like;
    budget.tokens = i == range.count() - 1 ? upper : lower * std::pow(upper / lower, share);
    budgets->push_back(budget);
  }
}

}  // namespace

absl::StatusOr<planner::BitWidthQuestion> ToBitWidthQuestion(
    const v1::OptimizeBitWidthRequest& request, bool law_counts_embeddings) {
  ASSIGN_OR_RETURN(planner::BitWidthQuestion question, ToChoice(request, law_counts_embeddings));
  question.objective = ToObjective(request.objective());
  question.with_intervals = !request.point_only();
  return question;
}

absl::StatusOr<planner::FullPrecisionQuestion> ToFullPrecisionQuestion(
    const v1::CompareToFullPrecisionRequest& request, bool law_counts_embeddings) {
  planner::FullPrecisionQuestion question;
  question.parameters = ParametersOf(request);
  question.weight_bits.assign(request.weight_bits().begin(), request.weight_bits().end());
  question.budget = BudgetOf(request);
  ASSIGN_OR_RETURN(
      question.memory_model,
      ToMemoryModel(request.memory_model(), question.parameters, law_counts_embeddings));
  if (request.has_tolerance_nats()) question.tolerance_nats = request.tolerance_nats();
  question.confidence_level = ConfidenceLevel(request);
  question.with_intervals = !request.point_only();
  return question;
}

planner::WasteQuestion ToWasteQuestion(const v1::EstimateWasteRequest& request) {
  planner::WasteQuestion question;
  question.parameters = ParametersOf(request);
  question.weight_bits = request.weight_bits();
  if (request.has_qat_fraction()) question.qat_fraction = request.qat_fraction();
  const planner::TrainingBudget none{.qat_token_cost = QatTokenCost(request)};
  for (const int64_t tokens : request.total_tokens()) {
    question.budgets.push_back(none);
    question.budgets.back().tokens = static_cast<double>(tokens);
  }
  for (const double flops : request.compute_flops()) {
    question.budgets.push_back(none);
    question.budgets.back().flops = flops;
  }
  if (request.has_range()) AddRange(request.range(), none, &question.budgets);
  if (request.has_hardware()) question.hardware = ToHardware(request.hardware());
  question.confidence_level = ConfidenceLevel(request);
  question.with_intervals = !request.point_only();
  return question;
}

absl::StatusOr<planner::PlanQuestion> ToPlanQuestion(const v1::PlanTrainingRequest& request,
                                                     bool law_counts_embeddings) {
  planner::PlanQuestion question;
  ASSIGN_OR_RETURN(question.choice, ToChoice(request, law_counts_embeddings));
  planner::BitWidthQuestion& choice = question.choice;
  if (request.has_hardware()) question.hardware = ToHardware(request.hardware());
  if (request.has_fixed_fp_tokens()) {
    choice.fixed_fp_tokens = static_cast<double>(request.fixed_fp_tokens());
  }
  if (request.has_target_loss_nats()) choice.objective = planner::WidthObjective::kLeastCompute;
  const auto flops = FlopsToSpend(request, question.hardware.value_or(planner::Hardware{}));
  if (flops) {
    const double spent_flops = planner::kFlopsPerParameterAndToken * ParametersOf(request) *
                               choice.fixed_fp_tokens.value_or(0);
    choice.budget.flops = *flops + spent_flops;
  }
  if (request.has_tokens_per_step()) {
    question.tokens_per_step = static_cast<double>(request.tokens_per_step());
  }
  if (request.has_caller_fraction()) question.caller_fraction = request.caller_fraction();
  return question;
}

}  // namespace bitbudget::server
