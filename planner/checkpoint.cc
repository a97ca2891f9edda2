#include "planner/checkpoint.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "planner/capability.h"
#include "planner/optimal_split.h"
#include "planner/root.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

constexpr double kStepTolerance = 1e-8;

// QAT tokens per full-precision token at which the split of the checkpoint is
// the best one for all its tokens; nullopt if there is none up to 1e6.
std::optional<double> BalancedRatio(const LossSurface& surface, const FractionQuestion& question) {
  const double log_fp_tokens = std::log(*question.fixed_fp_tokens);
  // Below 0 where more QAT would pay, above 0 where more full precision would.
  const auto pull = [&](double log_ratio) {
    const double cost_ratio = question.qat_token_cost * std::exp(log_ratio);
    const Budget budget{log_fp_tokens + std::log1p(cost_ratio), question.qat_token_cost};
    return BalanceAt(surface, budget, log_ratio);
  };
  const double most = std::log(1e6);
  const double least = -most;
  if (!(pull(least).log_ratio() < 0 && pull(most).log_ratio() > 0)) return std::nullopt;
  const double log_ratio = FindRoot(
      [&](double x) {
        const Balance balance = pull(x);
        const double spent = 1 / (1 + std::exp(-x) / question.qat_token_cost);
        // The budget grows along with the ratio: d ln M / dx = s.
        return ValueAndSlope{balance.log_ratio(),
                             balance.log_ratio_slope() + spent * balance.log_budget_slope};
      },
      least,
      most,
      0,
      kStepTolerance);
  return std::exp(log_ratio);
}

absl::Status TargetOutOfReach(double target_nats, double floor_nats) {
  return OutOfRangeField(
      "target_loss_nats",
      fmt::format("is {:g}; no number of QAT tokens takes this checkpoint below {:g}",
                  target_nats,
                  floor_nats));
}

// QAT tokens until the target, symmetric interval in their logarithm.
absl::StatusOr<Estimate> TokensToTarget(const LossSurface& surface,
                                        const FractionQuestion& question,
                                        const Uncertainty& uncertainty) {
  const double fp_tokens = *question.fixed_fp_tokens;
  const double target_nats = *question.target_loss_nats;
  const double floor_nats = surface.FloorNats(fp_tokens);
  if (target_nats <= floor_nats) return TargetOutOfReach(target_nats, floor_nats);
  const auto tokens_at = [&](double log_ratio) {
    return LogTokens::Of(fp_tokens, fp_tokens * std::exp(log_ratio));
  };
  // On the logarithm of what QAT can take away the target is nearly a straight
  // line in ln D_qat.
  const double gap_nats = target_nats - floor_nats;
  constexpr double kMaxLogRatio = 200;
  const double log_ratio = FindRoot(
      [&](double x) {
        const LogTokens tokens = tokens_at(x);
        const double above_floor_nats = surface.LossNats(tokens) - floor_nats;
        return ValueAndSlope{std::log(gap_nats / above_floor_nats),
                             -surface.SlopeInLogQatTokens(tokens) / above_floor_nats};
      },
      -kMaxLogRatio,
      kMaxLogRatio,
      0,
      kStepTolerance);
  if (log_ratio > kMaxLogRatio - 2 * kStepTolerance) {
    return TargetOutOfReach(target_nats, floor_nats);
  }
  const LogTokens tokens = tokens_at(log_ratio);
  if (tokens.qat < 0) {
    return OutOfRangeField(
        "target_loss_nats",
        fmt::format("is {:g}, which the law reaches with {:.3g} QAT tokens; ask for a loss that "
                    "takes one or more",
                    target_nats,
                    std::exp(tokens.qat)));
  }
  // ln D_qat moves with ln L by this.
  const double scale = -surface.LossNats(tokens) / surface.SlopeInLogQatTokens(tokens);
  std::vector<double> gradient;
  if (uncertainty.wanted()) gradient = surface.LogLossGradient(tokens);
  for (double& entry : gradient) entry *= scale;
  const double misfit = scale * surface.law().misfit.loss_stddev;
  return uncertainty.Positive(fp_tokens * std::exp(log_ratio), gradient, misfit * misfit);
}

absl::Status AddBudget(const LossSurface& surface,
                       const FractionQuestion& question,
                       const Uncertainty& uncertainty,
                       CheckpointAnswer* answer) {
  const double left_tokens = *question.budget_tokens - answer->fp_tokens;
  if (!(left_tokens > 0)) {
    return OutOfRangeField("fixed_fp_tokens",
                           fmt::format("is {:g}; the budget of {:g} tokens leaves none for QAT",
                                       answer->fp_tokens,
                                       *question.budget_tokens));
  }
  const double qat_tokens = left_tokens / question.qat_token_cost;
  if (!(qat_tokens >= 1)) {
    return OutOfRangeField(
        "fixed_fp_tokens",
        fmt::format("is {:g}; the budget of {:g} tokens leaves {:.3g} for QAT, less than one",
                    answer->fp_tokens,
                    *question.budget_tokens,
                    qat_tokens));
  }
  const LogTokens tokens = LogTokens::Of(answer->fp_tokens, qat_tokens);
  const RunPoint run = surface.RunAt(tokens);
  RETURN_IF_ERROR(CheckLossQuestion(surface.law(), run));
  std::vector<double> gradient;
  if (uncertainty.wanted()) gradient = surface.LogLossGradient(tokens);
  answer->qat_tokens = qat_tokens;
  answer->loss_nats = uncertainty.Loss(run, surface.LossNats(tokens), gradient);
  answer->loss_change_per_qat_token_nats = surface.SlopeInLogQatTokens(tokens) / qat_tokens;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CheckpointAnswer> PlanCheckpoint(const LossSurface& surface,
                                                const FractionQuestion& question,
                                                const Uncertainty& uncertainty) {
  CheckpointAnswer answer;
  answer.fp_tokens = *question.fixed_fp_tokens;
  answer.loss_floor_nats = surface.FloorNats(answer.fp_tokens);
  if (question.budget_tokens) {
    RETURN_IF_ERROR(AddBudget(surface, question, uncertainty, &answer));
  }
  if (const auto ratio = BalancedRatio(surface, question)) {
    answer.balanced_qat_tokens = *ratio * answer.fp_tokens;
  }
  if (question.target_loss_nats) {
    ASSIGN_OR_RETURN(answer.target_qat_tokens, TokensToTarget(surface, question, uncertainty));
  }
  return answer;
}

}  // namespace bitbudget::planner
