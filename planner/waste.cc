#include "planner/waste.h"

#include <array>
#include <cmath>
#include <utility>

#include "planner/capability.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

Estimate Scaled(const Estimate& estimate, double factor) {
  Estimate scaled{factor * estimate.value};
  if (estimate.interval) {
    scaled.interval = {factor * estimate.interval->lower, factor * estimate.interval->upper};
  }
  return scaled;
}

void AddCost(const WasteQuestion& question, Waste* waste) {
  const double flops = kFlopsPerParameterAndToken * question.parameters * waste->budget_tokens;
  const Estimate& share = waste->split.wasted_token_fraction;
  waste->wasted_tokens = Scaled(share, waste->budget_tokens);
  waste->wasted_flops = Scaled(share, flops);
  if (!question.hardware) return;
  const double hours = question.hardware->DeviceHours(flops);
  waste->wasted_device_hours = Scaled(share, hours);
  if (const auto& price = question.hardware->price_per_device_hour) {
    waste->wasted_money = Scaled(share, hours * *price);
  }
}

}  // namespace

absl::StatusOr<WasteAnswer> EstimateWaste(const FittedLaw& law, const WasteQuestion& question) {
  RETURN_IF_ERROR(CheckSplitQuestion(law, question.parameters, question.weight_bits));
  const LossSurface surface(law, question.parameters, question.weight_bits);
  const Uncertainty uncertainty =
      question.with_intervals ? Uncertainty(law, question.confidence_level) : Uncertainty(law);
  const double logit = std::log(question.qat_fraction / (1 - question.qat_fraction));
  WasteAnswer answer{.warnings =
                         WarnOfInterpolatedWidths(law.support, std::array{question.weight_bits})};
  double guess = 0;  // the split moves little from budget to budget
  for (const TrainingBudget& training_budget : question.budgets) {
    if (question.cancelled && question.cancelled()) {
      return absl::CancelledError("the question was cancelled");
    }
    RETURN_IF_ERROR(CheckBuysARun(training_budget, question.parameters));
    const Budget budget = training_budget.At(std::log(question.parameters));
    const std::optional<OptimalSplit> optimum = FindOptimalSplit(surface, budget, guess);
    if (!optimum) return NoInteriorOptimum(law);
    guess = optimum->logit_fraction;
    const RunPoint run = surface.RunAt(TokensAt(budget, logit));
    RETURN_IF_ERROR(CheckLossQuestion(law, run));
    RETURN_IF_ERROR(CheckBuysTheRun(training_budget, run));
    RETURN_IF_ERROR(CheckBuysTheRun(training_budget, surface.RunAt(optimum->tokens)));
    Waste waste{.budget_tokens = training_budget.TokensAt(question.parameters)};
    waste.best_qat_fraction = surface.RunAt(optimum->tokens).qat_fraction();
    waste.best_loss_nats = optimum->loss_nats();
    waste.split = CompareSplit(surface, budget, *optimum, question.qat_fraction, uncertainty);
    waste.outside = OutsideData(law.support, run);
    AddCost(question, &waste);
    KeepFarthest(waste.outside, &answer.outside);
    answer.budgets.push_back(std::move(waste));
  }
  return answer;
}

}  // namespace bitbudget::planner
