// Rules of the questions about widths, full precision, waste and plans.

#include <fmt/format.h>

#include <algorithm>

#include "server/validate.h"
#include "server/validate_question.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr int kMostWidths = 100;
constexpr int kMostDraws = 100'000;
constexpr int kMostBudgets = 1'000;

template <typename Widths>
void CheckWidths(FieldViolations& violations, const Widths& widths) {
  if (widths.size() > kMostWidths) {
    violations.push_back(
        {"weight_bits", fmt::format("has {} entries; at most {}", widths.size(), kMostWidths)});
    return;
  }
  for (int i = 0; i < widths.size(); ++i) {
    const std::string field = fmt::format("weight_bits[{}]", i);
    if (!(widths[i] >= 1 && widths[i] < 16)) {
      violations.push_back(
          {field, fmt::format("is {}; must be at least 1 and less than 16", widths[i])});
    } else if (std::find(widths.begin(), widths.begin() + i, widths[i]) != widths.begin() + i) {
      violations.push_back({field, fmt::format("is {} a second time", widths[i])});
    }
  }
}

template <typename Request>
void CheckQatTokenCost(FieldViolations& violations, const Request& request) {
  if (request.has_qat_token_cost()) {
    CheckRange(violations, "qat_token_cost", request.qat_token_cost(), 0.1, 10);
  }
}

template <typename Request>
void CheckTolerance(FieldViolations& violations, const Request& request) {
  if (request.has_loss_tolerance_nats()) {
    CheckPositive(violations, "loss_tolerance_nats", request.loss_tolerance_nats());
  }
}

template <typename Request>
void CheckDraws(FieldViolations& violations, const Request& request) {
  if (request.has_draw_count()) {
    CheckCount(violations, "draw_count", request.draw_count(), 0, kMostDraws);
  }
}

template <typename Request>
void CheckSize(FieldViolations& violations, const Request& request) {
  if (request.has_parameters()) {
    CheckAtLeast(violations, "parameters", request.parameters(), 1);
  }
  if (request.has_memory_bytes()) {
    CheckAtLeast(violations, "memory_bytes", request.memory_bytes(), 1);
  }
}

// Tokens or FLOPs where given; `required` says whether one of them must be.
template <typename Request>
void CheckTokensOrFlops(FieldViolations& violations, const Request& request, bool required) {
  if (request.has_total_tokens()) {
    CheckAtLeast(violations, "total_tokens", request.total_tokens(), 2);
  } else if (request.has_compute_flops()) {
    CheckPositive(violations, "compute_flops", request.compute_flops());
  } else if (required) {
    violations.push_back({"total_tokens", "a budget (total_tokens or compute_flops) is required"});
  }
}

void CheckObjective(FieldViolations& violations, const v1::OptimizeBitWidthRequest& request) {
  using Request = v1::OptimizeBitWidthRequest;
  const bool is_inverse =
      request.objective() == Request::LEAST_MEMORY || request.objective() == Request::LEAST_COMPUTE;
  if (!Request::Objective_IsValid(request.objective())) {
    violations.push_back({"objective", "is none of those known"});
  }
  if (is_inverse && !request.has_target_loss_nats()) {
    violations.push_back({"target_loss_nats", "is required: the loss to reach"});
  }
  if (!is_inverse && request.has_target_loss_nats()) {
    violations.push_back(
        {"target_loss_nats", "is for the objectives LEAST_MEMORY and LEAST_COMPUTE"});
  }
  if (request.has_target_loss_nats()) {
    CheckPositive(violations, "target_loss_nats", request.target_loss_nats());
  }
  if (request.objective() != Request::LEAST_COMPUTE) return;
  if (request.has_total_tokens()) {
    violations.push_back({"total_tokens", "is what LEAST_COMPUTE seeks; leave it out"});
  }
  if (request.has_compute_flops()) {
    violations.push_back({"compute_flops", "is what LEAST_COMPUTE seeks; leave it out"});
  }
}

// The fraction of a caller's split; `at_pole` tells 0 and 1, which are no mistakes
// but questions that the law does not answer.
bool IsPole(double fraction) { return fraction == 0 || fraction == 1; }

absl::Status PoleOfTheLaw(const char* field, double fraction) {
  return OutOfRangeField(field, fmt::format("is {}; the law has a pole there", fraction));
}

void CheckBudgets(FieldViolations& violations, const v1::EstimateWasteRequest& request) {
  const int kinds = (request.total_tokens_size() > 0 ? 1 : 0) +
                    (request.compute_flops_size() > 0 ? 1 : 0) + (request.has_range() ? 1 : 0);
  if (kinds != 1) {
    violations.push_back({"total_tokens",
                          fmt::format("exactly one of total_tokens, compute_flops and range must "
                                      "be set; {} are",
                                      kinds)});
  }
  if (request.total_tokens_size() > kMostBudgets || request.compute_flops_size() > kMostBudgets) {
    violations.push_back({"total_tokens", fmt::format("at most {} budgets", kMostBudgets)});
    return;
  }
  for (int i = 0; i < request.total_tokens_size(); ++i) {
    CheckAtLeast(violations, fmt::format("total_tokens[{}]", i), request.total_tokens(i), 2);
  }
  for (int i = 0; i < request.compute_flops_size(); ++i) {
    CheckPositive(violations, fmt::format("compute_flops[{}]", i), request.compute_flops(i));
  }
  if (!request.has_range()) return;
  const v1::TokenRange& range = request.range();
  CheckAtLeast(violations, "range.lower", range.lower(), 2);
  if (range.upper() <= range.lower()) {
    violations.push_back(
        {"range.upper",
         fmt::format("is {}; must be greater than range.lower, {}", range.upper(), range.lower())});
  }
  CheckCount(violations, "range.count", range.count(), 2, kMostBudgets);
}

// A goal that only hardware, or its price, can tell in FLOPs.
void CheckGoalInHardware(FieldViolations& violations,
                         const v1::PlanTrainingRequest& request,
                         const char* field,
                         double value) {
  CheckPositive(violations, field, value);
  if (!request.has_hardware()) {
    violations.push_back({"hardware", fmt::format("is required with {}", field)});
  } else if (request.has_money() && !(request.hardware().price_per_device_hour() > 0)) {
    violations.push_back(
        {"hardware.price_per_device_hour", "is required with money, and greater than 0"});
  }
}

void CheckGoal(FieldViolations& violations, const v1::PlanTrainingRequest& request) {
  using Request = v1::PlanTrainingRequest;
  switch (request.goal_case()) {
    case Request::kTotalTokens:
    case Request::kComputeFlops:
      return CheckTokensOrFlops(violations, request, /*required=*/true);
    case Request::kDeviceHours:
      return CheckGoalInHardware(violations, request, "device_hours", request.device_hours());
    case Request::kMoney:
      return CheckGoalInHardware(violations, request, "money", request.money());
    case Request::kDeadlineHours:
      return CheckGoalInHardware(violations, request, "deadline_hours", request.deadline_hours());
    case Request::kTargetLossNats:
      return CheckPositive(violations, "target_loss_nats", request.target_loss_nats());
    case Request::GOAL_NOT_SET:
      violations.push_back({"total_tokens",
                            "a goal is required: total_tokens, compute_flops, device_hours, "
                            "money, deadline_hours or target_loss_nats"});
  }
}

void CheckCheckpoint(FieldViolations& violations, const v1::PlanTrainingRequest& request) {
  if (!request.has_fixed_fp_tokens()) return;
  CheckAtLeast(violations, "fixed_fp_tokens", request.fixed_fp_tokens(), 1);
  if (!request.has_parameters()) {
    violations.push_back({"parameters", "is required with fixed_fp_tokens: its size is given"});
  }
  if (request.has_total_tokens() && request.fixed_fp_tokens() >= request.total_tokens()) {
    violations.push_back({"fixed_fp_tokens",
                          fmt::format("is {}; must be less than total_tokens, {}",
                                      request.fixed_fp_tokens(),
                                      request.total_tokens())});
  }
  if (request.has_caller_fraction()) {
    violations.push_back({"caller_fraction", "has no meaning for a checkpoint; leave it out"});
  }
}

}  // namespace

absl::Status Check(const v1::OptimizeBitWidthRequest& request) {
  FieldViolations violations;
  CheckSource(violations, request.source());
  CheckObjective(violations, request);
  CheckSize(violations, request);
  const bool needs_budget = request.objective() != v1::OptimizeBitWidthRequest::LEAST_COMPUTE;
  CheckTokensOrFlops(violations, request, needs_budget);
  CheckQatTokenCost(violations, request);
  CheckWidths(violations, request.weight_bits());
  CheckMemoryModel(violations, request.memory_model(), request.has_parameters());
  CheckTolerance(violations, request);
  CheckConfidence(violations, request);
  CheckDraws(violations, request);
  return ToStatus(std::move(violations));
}

absl::Status Check(const v1::CompareToFullPrecisionRequest& request) {
  FieldViolations violations;
  CheckSource(violations, request.source());
  CheckAtLeast(violations, "parameters", request.parameters(), 1);
  CheckTokensOrFlops(violations, request, /*required=*/true);
  CheckQatTokenCost(violations, request);
  CheckWidths(violations, request.weight_bits());
  CheckMemoryModel(violations, request.memory_model(), /*has_parameters=*/true);
  if (request.has_tolerance_nats()) {
    CheckPositive(violations, "tolerance_nats", request.tolerance_nats());
  }
  CheckConfidence(violations, request);
  return ToStatus(std::move(violations));
}

absl::Status Check(const v1::EstimateWasteRequest& request) {
  FieldViolations violations;
  CheckSource(violations, request.source());
  CheckAtLeast(violations, "parameters", request.parameters(), 1);
  if (!(request.weight_bits() >= 1 && request.weight_bits() < 16)) {
    violations.push_back(
        {"weight_bits",
         fmt::format("is {}; must be at least 1 and less than 16", request.weight_bits())});
  }
  const bool at_pole = request.has_qat_fraction() && IsPole(request.qat_fraction());
  if (request.has_qat_fraction() && !at_pole) {
    CheckProbability(violations, "qat_fraction", request.qat_fraction());
  }
  CheckBudgets(violations, request);
  CheckQatTokenCost(violations, request);
  if (request.has_hardware()) CheckHardware(violations, request.hardware());
  CheckConfidence(violations, request);
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  return at_pole ? PoleOfTheLaw("qat_fraction", request.qat_fraction()) : absl::OkStatus();
}

absl::Status Check(const v1::PlanTrainingRequest& request) {
  FieldViolations violations;
  CheckSource(violations, request.source());
  CheckSize(violations, request);
  CheckGoal(violations, request);
  CheckCheckpoint(violations, request);
  CheckQatTokenCost(violations, request);
  CheckWidths(violations, request.weight_bits());
  CheckMemoryModel(violations, request.memory_model(), request.has_parameters());
  if (request.has_hardware()) CheckHardware(violations, request.hardware());
  if (request.has_tokens_per_step()) {
    CheckCount(violations, "tokens_per_step", request.tokens_per_step(), 1, 1'000'000'000'000);
  }
  const bool at_pole = request.has_caller_fraction() && IsPole(request.caller_fraction());
  if (request.has_caller_fraction() && !at_pole) {
    CheckProbability(violations, "caller_fraction", request.caller_fraction());
  }
  CheckTolerance(violations, request);
  CheckConfidence(violations, request);
  CheckDraws(violations, request);
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  return at_pole ? PoleOfTheLaw("caller_fraction", request.caller_fraction()) : absl::OkStatus();
}

}  // namespace bitbudget::server
