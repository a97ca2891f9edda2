#include "planner/compute_cost.h"

#include <fmt/format.h>

#include <cmath>

#include "util/error.h"
#include "util/width_text.h"

namespace bitbudget::planner {

double TrainingBudget::TokensAt(double parameters) const {
  return tokens ? *tokens : *flops / (kFlopsPerParameterAndToken * parameters);
}

Budget TrainingBudget::At(double log_parameters) const {
  if (tokens) return {std::log(*tokens), qat_token_cost};
  return {std::log(*flops / kFlopsPerParameterAndToken) - log_parameters, qat_token_cost};
}

const char* FieldOf(const TrainingBudget& budget) {
  return budget.flops ? "compute_flops" : "total_tokens";
}

absl::Status CheckBuysARun(const TrainingBudget& budget, double parameters) {
  constexpr double kLeastTokens = 2;
  const double tokens = budget.TokensAt(parameters);
  if (tokens >= kLeastTokens) return absl::OkStatus();
  return OutOfRangeField(
      FieldOf(budget),
      fmt::format("buys {:.3g} tokens for {:.3g} parameters; a run of two phases takes 2 or more",
                  tokens,
                  parameters));
}

absl::Status CheckBuysTheRun(const TrainingBudget& budget, const RunPoint& run) {
  if (run.fp_tokens >= 1 && run.qat_tokens >= 1) return absl::OkStatus();
  return OutOfRangeField(
      FieldOf(budget),
      fmt::format("buys {:.3g} tokens in full precision and {:.3g} with QAT for {:.3g} "
                  "parameters at {}; each phase takes 1 or more",
                  run.fp_tokens,
                  run.qat_tokens,
                  run.parameters,
                  WidthText(run.weight_bits)));
}

double TrainingFlops(const RunPoint& run, double qat_token_cost) {
  return kFlopsPerParameterAndToken * run.parameters *
         (run.fp_tokens + qat_token_cost * run.qat_tokens);
}

}  // namespace bitbudget::planner
