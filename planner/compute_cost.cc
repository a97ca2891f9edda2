#include "planner/compute_cost.h"

#include <fmt/format.h>

#include <cmath>

#include "util/error.h"

namespace bitbudget::planner {

Budget TrainingBudget::At(double log_parameters) const {
  if (tokens) return {std::log(*tokens), qat_token_cost};
  return {std::log(*flops / kFlopsPerParameterAndToken) - log_parameters, qat_token_cost};
}

absl::Status CheckBuysARun(const TrainingBudget& budget, double parameters) {
  constexpr double kLeastTokens = 2;
  // A budget of exactly 2 goes through a logarithm and back.
  constexpr double kRounding = 1e-9;
  const double tokens = std::exp(budget.At(std::log(parameters)).log_tokens);
  if (tokens >= kLeastTokens * (1 - kRounding)) return absl::OkStatus();
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
