#include "planner/qat_fraction.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "planner/best_fraction.h"
#include "planner/capability.h"
#include "planner/checkpoint.h"
#include "planner/compute_cost.h"
#include "planner/optimal_split.h"
#include "planner/root.h"
#include "planner/split_cost.h"
#include "planner/uncertainty.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

// Losses within this share of the best one count as equal by default: it is the
// noise between seeds of a run.
constexpr double kDefaultToleranceShare = 1e-3;

// Where an answer deserves a warning.
constexpr double kEdgeFraction = 0.01;
constexpr double kWideInterval = 10;  // odds of its upper end over those of the lower one
constexpr double kNoGrowth = -1e-6;   // in logit f by ln of the budget; more is rounding
constexpr double kNoticeableLogitShift = 0.01;

Uncertainty MakeUncertainty(const FittedLaw& law, const FractionQuestion& question) {
  return question.with_intervals ? Uncertainty(law, question.confidence_level) : Uncertainty(law);
}

double Odds(double fraction) { return fraction / (1 - fraction); }

bool IsAllIdentified(const FittedLaw& law) {
  return std::ranges::find(law.identified, false) == law.identified.end();
}

// Parameters that the data do not tell and that move the best split: one unit of
// an exponent or of the log of a coefficient moves logit f noticeably. An empty
// gradient has none.
std::vector<std::string> UnknownParametersThatMatter(const FittedLaw& law,
                                                     const std::vector<double>& gradient) {
  std::vector<std::string> names;
  for (size_t i = 0; i < gradient.size(); ++i) {
    if (!law.identified[i] && std::abs(gradient[i]) > kNoticeableLogitShift) {
      names.push_back(law.law.parameters[i].name);
    }
  }
  return names;
}

void AddWarnings(const FittedLaw& law,
                 const OptimalSplit& optimum,
                 const std::vector<double>& gradient,
                 FractionAnswer* answer) {
  std::vector<std::string>& warnings = answer->warnings;
  if (optimum.Growth() < kNoGrowth) {
    warnings.push_back(
        "At this point the best QAT fraction falls as the budget grows, against the finding of "
        "arXiv 2509.22935; check it with runs at more budgets.");
  }
  const double fraction = answer->qat_fraction.value;
  if (fraction < kEdgeFraction || fraction > 1 - kEdgeFraction) {
    warnings.push_back(fmt::format(
        "The best QAT fraction {:.2g} lies at the edge of what the law describes.", fraction));
  }
  const std::optional<Interval>& interval = answer->qat_fraction.interval;
  if (interval && Odds(interval->upper) > kWideInterval * Odds(interval->lower)) {
    warnings.push_back(fmt::format(
        "The data hardly fix the best QAT fraction: its interval reaches from {:.2g} to {:.2g}.",
        interval->lower,
        interval->upper));
  }
  if (const auto names = UnknownParametersThatMatter(law, gradient); !names.empty()) {
    warnings.push_back(fmt::format(
        "The best QAT fraction depends on {}, which the data do not identify; intervals take the "
        "fitted value as known.",
        fmt::join(names, ", ")));
  }
}

void SetRun(const RunPoint& run, const fitter::DataSupport& support, FractionAnswer* answer) {
  answer->fp_tokens = run.fp_tokens;
  answer->qat_tokens = run.qat_tokens;
  answer->tokens_per_parameter_byte = run.tokens_per_parameter_byte(run.total_tokens());
  answer->outside = OutsideData(support, run);
}

// What is left of a range of fractions whichever way it is moved, by `distance` in
// logit; nullopt if nothing is.
std::optional<Interval> Shrink(const Interval& range, double distance) {
  if (distance == 0) return range;
  const double odds_ratio = std::exp(distance);
  const auto scale_odds = [](double f, double factor) { return f * factor / (1 - f + f * factor); };
  const Interval rest = {scale_odds(range.lower, odds_ratio),
                         scale_odds(range.upper, 1 / odds_ratio)};
  if (!(rest.lower < rest.upper)) return std::nullopt;
  return rest;
}

absl::StatusOr<FractionAnswer> AnswerForBudget(const LossSurface& surface,
                                               const FractionQuestion& question,
                                               const Uncertainty& uncertainty) {
  const FittedLaw& law = surface.law();
  const Budget budget{std::log(*question.budget_tokens), question.qat_token_cost};
  const std::optional<OptimalSplit> optimum = FindOptimalSplit(surface, budget);
  if (!optimum) {
    return NoInteriorOptimumAt(
        law, {question.parameters, *question.budget_tokens, 0, question.weight_bits});
  }
  const RunPoint run = surface.RunAt(optimum->tokens);
  RETURN_IF_ERROR(CheckLossQuestion(law, run));
  RETURN_IF_ERROR(CheckBuysTheRun({.tokens = question.budget_tokens}, run));

  FractionAnswer answer;
  SetRun(run, law.support, &answer);
  std::vector<double> gradient;
  if (!IsAllIdentified(law)) gradient = LogitFractionGradient(surface, budget, *optimum);
  answer.qat_fraction = BestFraction(surface, budget, *optimum, uncertainty);
  // By the envelope theorem the best loss moves with theta as the loss of a fixed
  // split does.
  std::vector<double> loss_gradient;
  if (uncertainty.wanted()) loss_gradient = surface.LogLossGradient(optimum->tokens);
  answer.loss_nats = uncertainty.Loss(run, optimum->loss_nats(), loss_gradient);
  answer.loss_tolerance_nats =
      question.loss_tolerance_nats.value_or(kDefaultToleranceShare * optimum->loss_nats());
  // A law that misses differences by more than the tolerance cannot tell which losses
  // lie within it.
  if (LossDifferenceMisfitHalfWidth(law, question.confidence_level) * optimum->loss_nats() <=
      answer.loss_tolerance_nats) {
    answer.flat_range = Shrink(FlatRange(surface, budget, *optimum, answer.loss_tolerance_nats),
                               FractionMisfitHalfWidth(law, question.confidence_level));
  }
  answer.caller_split =
      CompareSplit(surface, budget, *optimum, question.caller_fraction, uncertainty);
  AddCallerSplitOutside(law.support, question.caller_fraction, &answer.outside);
  AddWarnings(law, *optimum, gradient, &answer);
  return answer;
}

absl::StatusOr<FractionAnswer> AnswerForCheckpoint(const LossSurface& surface,
                                                   const FractionQuestion& question,
                                                   const Uncertainty& uncertainty) {
  FractionAnswer answer;
  ASSIGN_OR_RETURN(answer.checkpoint, PlanCheckpoint(surface, question, uncertainty));
  const CheckpointAnswer& checkpoint = *answer.checkpoint;
  answer.fp_tokens = checkpoint.fp_tokens;
  // Without a budget, the tokens that reach the target say where the question
  // lies.
  const double qat_tokens =
      checkpoint.qat_tokens.value_or(checkpoint.target_qat_tokens.value_or(Estimate{}).value);
  const RunPoint run{question.parameters, checkpoint.fp_tokens, qat_tokens, question.weight_bits};
  RETURN_IF_ERROR(CheckLossQuestion(surface.law(), run));
  answer.outside = OutsideData(surface.law().support, run);
  if (!checkpoint.qat_tokens) return answer;
  SetRun(run, surface.law().support, &answer);
  answer.qat_fraction.value = run.qat_fraction();
  answer.loss_nats = *checkpoint.loss_nats;
  return answer;
}

}  // namespace

absl::StatusOr<FractionAnswer> OptimizeQatFraction(const FittedLaw& law,
                                                   const FractionQuestion& question) {
  RETURN_IF_ERROR(CheckSplitQuestion(law, question.parameters, question.weight_bits));
  const LossSurface surface(law, question.parameters, question.weight_bits);
  const Uncertainty uncertainty = MakeUncertainty(law, question);
  ASSIGN_OR_RETURN(FractionAnswer answer,
                   question.fixed_fp_tokens ? AnswerForCheckpoint(surface, question, uncertainty)
                                            : AnswerForBudget(surface, question, uncertainty));
  answer.cooldown = AdviseCooldown(question.weight_bits);
  for (std::string& warning :
       WarnOfInterpolatedWidths(law.support, std::array{question.weight_bits})) {
    answer.warnings.push_back(std::move(warning));
  }
  return answer;
}

}  // namespace bitbudget::planner
