#include "planner/loss.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numeric>

#include "planner/capability.h"
#include "planner/uncertainty.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

constexpr double kFullPrecisionBits = 16;

std::vector<TermLoss> TermsAt(const FittedLaw& law, const RunPoint& run) {
  const std::vector<double> losses = fitter::TermLosses(law.law, law.theta, run);
  std::vector<TermLoss> terms;
  terms.reserve(losses.size());
  for (size_t i = 0; i < losses.size(); ++i) {
    if (fitter::TermApplies(law.law.terms[i], run)) {
      terms.push_back({law.law.terms[i].name, losses[i]});
    }
  }
  return terms;
}

Estimate PerplexityOf(const Estimate& loss_nats) {
  Estimate perplexity{std::exp(loss_nats.value)};
  if (!loss_nats.interval) return perplexity;
  const Interval interval{std::exp(loss_nats.interval->lower), std::exp(loss_nats.interval->upper)};
  if (std::isfinite(interval.upper)) perplexity.interval = interval;
  return perplexity;
}

}  // namespace

absl::StatusOr<LossAnswer> PredictLoss(const FittedLaw& law,
                                       const RunPoint& run,
                                       double confidence_level) {
  RETURN_IF_ERROR(CheckLossQuestion(law, run));
  LossAnswer answer;
  answer.terms = TermsAt(law, run);
  const double loss_nats = std::accumulate(
      answer.terms.begin(), answer.terms.end(), 0.0, [](double sum, const TermLoss& term) {
        return sum + term.loss_nats;
      });
  if (!std::isfinite(std::exp(loss_nats))) {
    return OutOfRangeField(
        "parameters",
        fmt::format("the law gives no finite loss at {:g} parameters, {:g} + {:g} tokens, {:g} "
                    "bits; ask nearer to the data",
                    run.parameters,
                    run.fp_tokens,
                    run.qat_tokens,
                    run.weight_bits));
  }
  std::vector<double> gradient;
  fitter::LogLoss(law.law, law.theta, run, &gradient);
  const Uncertainty uncertainty(law, confidence_level);
  answer.loss_nats = uncertainty.Loss(run, loss_nats, gradient);
  // The misfit of the law is in run_stddev, as part of its residuals.
  const double run_variance = law.run_stddev * law.run_stddev + law.trunk_stddev * law.trunk_stddev;
  answer.prediction = uncertainty.LossOfOneRun(run, loss_nats, gradient, run_variance).interval;
  answer.perplexity = PerplexityOf(answer.loss_nats);
  answer.tokens_per_parameter_byte = run.tokens_per_parameter_byte(run.total_tokens());
  answer.outside = OutsideData(law.support, run);
  if (run.weight_bits < kFullPrecisionBits) {
    answer.warnings = WarnOfInterpolatedWidths(law.support, std::array{run.weight_bits});
  }
  return answer;
}

}  // namespace bitbudget::planner
