#include "planner/training_plan.h"

#include <cmath>

#include "planner/optimal_split.h"
#include "planner/uncertainty.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

// Tokens in full-precision ones that the run costs.
double BudgetTokens(const WidthCandidate& chosen, double qat_token_cost) {
  return chosen.fp_tokens + qat_token_cost * chosen.qat_tokens;
}

TrainingCost CostOf(const PlanQuestion& question, const WidthCandidate& chosen) {
  TrainingCost cost{.compute_flops = chosen.compute_flops};
  if (question.choice.fixed_fp_tokens) {
    cost.compute_flops -= kFlopsPerParameterAndToken * chosen.parameters * chosen.fp_tokens;
  }
  if (!question.hardware) return cost;
  const Hardware& hardware = *question.hardware;
  cost.device_hours = hardware.DeviceHours(cost.compute_flops);
  cost.wall_hours = *cost.device_hours / hardware.device_count;
  if (hardware.price_per_device_hour) {
    cost.money = *cost.device_hours * *hardware.price_per_device_hour;
  }
  return cost;
}

// The caller's split of the same budget at the chosen size and width.
std::optional<SplitCost> CompareCallerSplit(const FittedLaw& law,
                                            const PlanQuestion& question,
                                            const WidthCandidate& chosen) {
  if (question.choice.fixed_fp_tokens) return std::nullopt;
  const double qat_token_cost = question.choice.budget.qat_token_cost;
  const LossSurface surface(law, chosen.parameters, chosen.weight_bits);
  const Budget budget{std::log(BudgetTokens(chosen, qat_token_cost)), qat_token_cost};
  const auto optimum =
      FindOptimalSplit(surface, budget, std::log(chosen.qat_tokens / chosen.fp_tokens));
  if (!optimum) return std::nullopt;
  const Uncertainty uncertainty = question.choice.with_intervals
                                      ? Uncertainty(law, question.choice.confidence_level)
                                      : Uncertainty(law);
  return CompareSplit(surface, budget, *optimum, question.caller_fraction, uncertainty);
}

}  // namespace

absl::StatusOr<PlanAnswer> PlanTraining(const FittedLaw& law, const PlanQuestion& question) {
  PlanAnswer answer;
  ASSIGN_OR_RETURN(answer.choice, OptimizeBitWidth(law, question.choice));
  const WidthCandidate& chosen = answer.choice.candidates.front();
  answer.cost = CostOf(question, chosen);
  answer.caller_split = CompareCallerSplit(law, question, chosen);
  ASSIGN_OR_RETURN(answer.schedule,
                   MakeSchedule({.weight_bits = chosen.weight_bits,
                                 .fp_tokens = chosen.fp_tokens,
                                 .qat_tokens = chosen.qat_tokens,
                                 .compute_flops = chosen.compute_flops,
                                 .qat_token_cost = question.choice.budget.qat_token_cost,
                                 .has_checkpoint = question.choice.fixed_fp_tokens.has_value(),
                                 .tokens_per_step = question.tokens_per_step}));
  return answer;
}

}  // namespace bitbudget::planner
