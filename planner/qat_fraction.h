// How should a token budget be split between full precision and QAT?
//
// At fixed N, B and budget the loss as a function of the QAT fraction f is
//
//   g(f) = P f^-omega + Q (1-f)^-xi f^-rho + constant
//
// strictly convex on (0, 1) (arXiv 2509.22935; docs/design.md), so the optimum
// is unique. With K = omega P / Q it solves
//
//   K f^(rho-omega) (1-f)^(1+xi) = (xi+rho) f - rho.

#ifndef BITBUDGET_PLANNER_QAT_FRACTION_H_
#define BITBUDGET_PLANNER_QAT_FRACTION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/answer.h"

namespace bitbudget::planner {

struct FractionQuestion {
  double parameters = 0;   // > 0
  double weight_bits = 0;  // 1 <= . < 16
  // Budget in full-precision tokens: fp_tokens + qat_token_cost * qat_tokens.
  // Optional with fixed_fp_tokens and target_loss_nats only.
  std::optional<double> budget_tokens;
  double qat_token_cost = 1;                  // > 0
  std::optional<double> fixed_fp_tokens;      // > 0; at the budget: OUT_OF_RANGE
  std::optional<double> target_loss_nats;     // > 0; with fixed_fp_tokens
  double caller_fraction = 0.1;               // in (0, 1)
  std::optional<double> loss_tolerance_nats;  // > 0; unset: 0.1 % of the best
  double confidence_level = 0.9;
  bool with_intervals = true;
};

// What another split costs, by the law itself.
struct SplitCost {
  double qat_fraction = 0;
  Estimate loss_nats;
  Estimate excess_loss_nats;       // >= 0
  Estimate wasted_token_fraction;  // in [0, 1)
  double wasted_tokens = 0;
};

// See bitbudget.v1.CheckpointPlan.
struct CheckpointAnswer {
  double fp_tokens = 0;
  std::optional<double> qat_tokens;
  std::optional<Estimate> loss_nats;
  std::optional<double> loss_change_per_qat_token_nats;
  std::optional<double> balanced_qat_tokens;
  double loss_floor_nats = 0;
  std::optional<Estimate> target_qat_tokens;
};

enum class Cooldown { kFuse, kKeepClassic, kUndecided };

struct CooldownAdvice {
  Cooldown advice = Cooldown::kUndecided;
  std::string reason;
};

// With fixed_fp_tokens the fraction is what the budget leaves, without interval;
// without a budget as well, fraction, qat_tokens and loss are 0.
struct FractionAnswer {
  Estimate qat_fraction;
  double fp_tokens = 0;
  double qat_tokens = 0;
  Estimate loss_nats;
  // Unset with fixed_fp_tokens, and if no fraction is that good wherever the misfit
  // of the law may leave the best one.
  std::optional<Interval> flat_range;
  double loss_tolerance_nats = 0;
  double tokens_per_parameter_byte = 0;
  std::optional<SplitCost> caller_split;  // unset with fixed_fp_tokens
  std::optional<CheckpointAnswer> checkpoint;
  CooldownAdvice cooldown;
  std::vector<OutsideAxis> outside;
  // A fraction that falls with the budget, lies within 1 % of an end, has odds told
  // no better than to a factor of 10, or depends on parameters that are not identified.
  std::vector<std::string> warnings;
};

// Answers the question. Intervals are by the delta method through the implicit
// function theorem: on the logit of the fraction, on log loss, and so on, so
// that they stay inside their range.
//
// Errors:
// - OUT_OF_RANGE: the target loss is at or below what the law can reach, or the
//   budget leaves less than a token for a phase.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: the law has no term that trades
//   full precision against QAT, the data do not identify those it has or are too
//   poor (capability.h), or its loss has no minimum inside (0, 1), as with xi =
//   0; names the axes that are too poor.
absl::StatusOr<FractionAnswer> OptimizeQatFraction(const FittedLaw& law,
                                                   const FractionQuestion& question);

// The same from the one-coefficient law f = exp(-a / ln S), which knows no
// losses: loss, flat range, caller's split and checkpoint stay unset. Its
// interval is symmetric in ln a.
//
// Errors:
// - OUT_OF_RANGE: S <= 1, where the law is undefined.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: fixed_fp_tokens is set.
absl::StatusOr<FractionAnswer> OptimizeQatFraction(const fitter::FractionLaw& law,
                                                   const fitter::DataSupport& support,
                                                   const FractionQuestion& question);

// Evidence of arXiv 2509.22935 on fusing the cooldown into QAT, by bits.
CooldownAdvice AdviseCooldown(double weight_bits);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_QAT_FRACTION_H_
