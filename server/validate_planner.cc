#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "server/resource_names.h"
#include "server/validate.h"
#include "server/validate_question.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr double kFullPrecisionBits = 16;
constexpr int kMostAxisPoints = 10'000;
constexpr int64_t kMostGridPoints = 250'000;

void CheckBudget(FieldViolations& violations, const v1::OptimizeQatFractionRequest& request) {
  using Request = v1::OptimizeQatFractionRequest;
  switch (request.budget_case()) {
    case Request::kTotalTokens:
      CheckAtLeast(violations, "total_tokens", request.total_tokens(), 2);
      break;
    case Request::kComputeFlops:
      CheckPositive(violations, "compute_flops", request.compute_flops());
      break;
    case Request::BUDGET_NOT_SET:
      if (!request.has_fixed_fp_tokens() || !request.has_target_loss_nats()) {
        violations.push_back({"total_tokens",
                              "a budget (total_tokens or compute_flops) is required, unless "
                              "fixed_fp_tokens and target_loss_nats are set"});
      }
      break;
  }
}

void CheckCheckpoint(FieldViolations& violations, const v1::OptimizeQatFractionRequest& request) {
  if (request.has_target_loss_nats()) {
    CheckPositive(violations, "target_loss_nats", request.target_loss_nats());
    if (!request.has_fixed_fp_tokens()) {
      violations.push_back({"target_loss_nats", "is for a checkpoint: set fixed_fp_tokens too"});
    }
  }
  if (!request.has_fixed_fp_tokens()) return;
  CheckAtLeast(violations, "fixed_fp_tokens", request.fixed_fp_tokens(), 1);
  const auto fixed = static_cast<double>(request.fixed_fp_tokens());
  if (request.has_total_tokens() && request.fixed_fp_tokens() >= request.total_tokens()) {
    violations.push_back({"fixed_fp_tokens",
                          fmt::format("is {}; must be less than total_tokens, {}",
                                      request.fixed_fp_tokens(),
                                      request.total_tokens())});
  } else if (request.has_compute_flops() &&
             6 * static_cast<double>(request.parameters()) * fixed >= request.compute_flops()) {
    violations.push_back({"fixed_fp_tokens",
                          fmt::format("is {}, which takes {} FLOPs at 6 a parameter; must take "
                                      "less than compute_flops, {}",
                                      request.fixed_fp_tokens(),
                                      6 * static_cast<double>(request.parameters()) * fixed,
                                      request.compute_flops())});
  }
}

// Tokens and fractions of QAT may be 0: full precision, at 16 bits.
void CheckVariable(FieldViolations& violations,
                   const std::string& field,
                   v1::GridAxis::Variable variable,
                   double value) {
  constexpr double kMost = std::numeric_limits<double>::max();
  switch (variable) {
    case v1::GridAxis::PARAMETERS:
      return CheckRange(violations, field, value, 1, kMost);
    case v1::GridAxis::WEIGHT_BITS:
      return CheckRange(violations, field, value, 1, kFullPrecisionBits);
    case v1::GridAxis::QAT_FRACTION:
      return CheckRange(violations, field, value, 0, 1);
    case v1::GridAxis::QAT_TOKENS:
      return CheckRange(violations, field, value, 0, kMost);
    default:
      return CheckPositive(violations, field, value);
  }
}

void CheckAxis(FieldViolations& violations, const v1::GridAxis& axis) {
  if (axis.variable() == v1::GridAxis::VARIABLE_UNSPECIFIED ||
      !v1::GridAxis::Variable_IsValid(axis.variable())) {
    violations.push_back({"variable", "is required: what varies along the axis"});
  }
  if (axis.values().empty() == (axis.count() == 0)) {
    violations.push_back({"values", "exactly one of values and count must be set"});
    return;
  }
  if (axis.count() != 0) {
    CheckCount(violations, "count", axis.count(), 2, kMostAxisPoints);
    CheckVariable(violations, "lower", axis.variable(), axis.lower());
    CheckVariable(violations, "upper", axis.variable(), axis.upper());
    if (axis.logarithmic() && axis.lower() == 0) {
      violations.push_back({"lower", "is 0; a logarithmic axis begins above 0"});
    }
    if (!(axis.upper() > axis.lower() && std::isfinite(axis.upper()))) {
      violations.push_back(
          {"upper",
           fmt::format(
               "is {}; must be finite and greater than lower, {}", axis.upper(), axis.lower())});
    }
    return;
  }
  if (axis.values_size() > kMostAxisPoints) {
    violations.push_back(
        {"values", fmt::format("has {} entries; at most {}", axis.values_size(), kMostAxisPoints)});
    return;
  }
  for (int i = 0; i < axis.values_size(); ++i) {
    CheckVariable(violations, fmt::format("values[{}]", i), axis.variable(), axis.values(i));
  }
}

void CheckAxes(FieldViolations& violations, const v1::EvaluateGridRequest& request) {
  if (request.axes_size() < 1 || request.axes_size() > 2) {
    violations.push_back(
        {"axes", fmt::format("has {} entries; must have one or two", request.axes_size())});
    return;
  }
  int64_t points = 1;
  for (int i = 0; i < request.axes_size(); ++i) {
    FieldViolations of_axis;
    CheckAxis(of_axis, request.axes(i));
    AddAll(violations, fmt::format("axes[{}].", i), std::move(of_axis));
    points *= std::max<int64_t>(request.axes(i).values_size(), request.axes(i).count());
  }
  if (points > kMostGridPoints) {
    violations.push_back(
        {"axes", fmt::format("have {} points in all; at most {}", points, kMostGridPoints)});
  }
}

void CheckFixedVariables(FieldViolations& violations, const v1::EvaluateGridRequest& request) {
  const auto check =
      [&](const char* field, bool is_set, v1::GridAxis::Variable variable, double value) {
        if (is_set) CheckVariable(violations, field, variable, value);
      };
  check("parameters", request.has_parameters(), v1::GridAxis::PARAMETERS, request.parameters());
  check("total_tokens",
        request.has_total_tokens(),
        v1::GridAxis::TOTAL_TOKENS,
        request.total_tokens());
  check("fp_tokens", request.has_fp_tokens(), v1::GridAxis::FP_TOKENS, request.fp_tokens());
  check("qat_tokens", request.has_qat_tokens(), v1::GridAxis::QAT_TOKENS, request.qat_tokens());
  check("qat_fraction",
        request.has_qat_fraction(),
        v1::GridAxis::QAT_FRACTION,
        request.qat_fraction());
  check("weight_bits", request.has_weight_bits(), v1::GridAxis::WEIGHT_BITS, request.weight_bits());
}

}  // namespace

void CheckSource(FieldViolations& violations, const v1::LawSource& source) {
  if (source.source_case() == v1::LawSource::SOURCE_NOT_SET) {
    violations.push_back({"source", "is required: the study, the fit or the published law to ask"});
  } else if (source.has_study()) {
    CheckStudyName(violations, "source.study", source.study());
  } else if (source.has_published_law()) {
    if (!source.published_law().starts_with("laws/")) {
      violations.push_back(
          {"source.published_law",
           fmt::format("is \"{}\"; must be \"laws/{{law}}\"", source.published_law())});
    }
    if (source.min_revision() != 0) {
      violations.push_back({"source.min_revision", "is for a study; a published law has none"});
    }
  } else {
    if (!ParseFitName(source.fit())) {
      violations.push_back(
          {"source.fit",
           fmt::format("is \"{}\"; must be \"studies/{{study}}/fits/{{fit}}\"", source.fit())});
    }
    if (source.min_revision() != 0) {
      violations.push_back({"source.min_revision", "is for a study; a fit has its revision"});
    }
  }
  CheckAtLeast(violations, "source.min_revision", source.min_revision(), 0);
}

absl::Status Check(const v1::PredictLossRequest& request) {
  FieldViolations violations;
  CheckSource(violations, request.source());
  CheckAtLeast(violations, "parameters", request.parameters(), 1);
  CheckAtLeast(violations, "fp_tokens", request.fp_tokens(), 0);
  CheckAtLeast(violations, "qat_tokens", request.qat_tokens(), 0);
  CheckRange(violations, "weight_bits", request.weight_bits(), 1, kFullPrecisionBits);
  if (request.weight_bits() == kFullPrecisionBits && request.qat_tokens() > 0) {
    violations.push_back({"qat_tokens",
                          fmt::format("is {}; must be 0 with weight_bits 16, full precision",
                                      request.qat_tokens())});
  }
  CheckAtLeast(violations, "group_size", request.group_size(), 0);
  CheckConfidence(violations, request);
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  if (request.fp_tokens() == 0 && request.qat_tokens() == 0) {
    return OutOfRangeField("fp_tokens", "is 0, and so is qat_tokens; a run has tokens");
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::OptimizeQatFractionRequest& request) {
  FieldViolations violations;
  CheckSource(violations, request.source());
  CheckAtLeast(violations, "parameters", request.parameters(), 1);
  if (!(request.weight_bits() >= 1 && request.weight_bits() < kFullPrecisionBits)) {
    violations.push_back(
        {"weight_bits",
         fmt::format("is {}; must be at least 1 and less than 16", request.weight_bits())});
  }
  CheckBudget(violations, request);
  if (request.has_qat_token_cost()) {
    CheckRange(violations, "qat_token_cost", request.qat_token_cost(), 0.1, 10);
  }
  CheckCheckpoint(violations, request);
  const double caller = request.has_caller_fraction() ? request.caller_fraction() : 0.1;
  const bool at_pole = caller == 0 || caller == 1;
  if (!at_pole) CheckProbability(violations, "caller_fraction", caller);
  if (request.has_loss_tolerance_nats()) {
    CheckPositive(violations, "loss_tolerance_nats", request.loss_tolerance_nats());
  }
  CheckConfidence(violations, request);
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  if (at_pole) {
    return OutOfRangeField("caller_fraction",
                           fmt::format("is {}; the law has a pole there", caller));
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::EvaluateGridRequest& request) {
  FieldViolations violations;
  CheckSource(violations, request.source());
  if (request.quantity() == v1::EvaluateGridRequest::QUANTITY_UNSPECIFIED ||
      !v1::EvaluateGridRequest::Quantity_IsValid(request.quantity())) {
    violations.push_back({"quantity", "is required: what to evaluate"});
  }
  CheckAxes(violations, request);
  CheckFixedVariables(violations, request);
  CheckConfidence(violations, request);
  return ToStatus(std::move(violations));
}

}  // namespace bitbudget::server
