#include "planner/compute_cost.h"

#include <fmt/format.h>

#include <cmath>

#include "util/error.h"

namespace bitbudget::planner {

double TrainingBudget::TokensAt(double parameters) const {
  return tokens ? *tokens : *flops / (kFlopsPerParameterAndToken * parameters);
}

Budget TrainingBudget::At(double log_parameters) const {
  if (tokens) return {std::log(*tokens), qat_token_cost};
  return {std::log(*flops / kFlopsPerParameterAndToken) - log_parameters, qat_token_cost};
}

absl::Status CheckBuysARun(const TrainingBudget& budget, double parameters) {
  constexpr double kLeastTokens = 2;
  const double tokens = budget.TokensAt(parameters);
  if (tokens >= kLeastTokens) return absl::OkStatus();
  return OutOfRangeField(
      budget.flops ? "compute_flops" : "total_tokens",
      fmt::format("buys {:.3g} tokens for {:.3g} parameters; a run of two phases takes 2 or more",
                  tokens,
                  parameters));
}

double TrainingFlops(const RunPoint& run, double qat_token_cost) {
  return kFlopsPerParameterAndToken * run.parameters *
         (run.fp_tokens + qat_token_cost * run.qat_tokens);
}

}  // namespace bitbudget::planner
