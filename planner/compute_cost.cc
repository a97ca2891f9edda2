#include "planner/compute_cost.h"

#include <cmath>

namespace bitbudget::planner {

Budget TrainingBudget::At(double log_parameters) const {
  if (tokens) return {std::log(*tokens), qat_token_cost};
  return {std::log(*flops / kFlopsPerParameterAndToken) - log_parameters, qat_token_cost};
}

double TrainingFlops(const RunPoint& run, double qat_token_cost) {
  return kFlopsPerParameterAndToken * run.parameters *
         (run.fp_tokens + qat_token_cost * run.qat_tokens);
}

}  // namespace bitbudget::planner
