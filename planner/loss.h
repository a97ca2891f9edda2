// What loss will a run have?

#ifndef BITBUDGET_PLANNER_LOSS_H_
#define BITBUDGET_PLANNER_LOSS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/answer.h"

namespace bitbudget::planner {

struct TermLoss {
  std::string name;
  double loss_nats = 0;
};

struct LossAnswer {
  Estimate loss_nats;                  // interval of the mean
  std::optional<Interval> prediction;  // one further run, own trunk and seed
  Estimate perplexity;
  std::vector<TermLoss> terms;  // add up to loss_nats.value
  double tokens_per_parameter_byte = 0;
  std::vector<OutsideAxis> outside;
  std::vector<std::string> warnings;
};

// Predicts the loss of `run`. Intervals are symmetric in log loss (delta
// method), Student's t at `confidence_level` in (0, 1); none if the law has no
// covariance where the loss depends on it.
//
// Errors:
// - OUT_OF_RANGE: fp_tokens or qat_tokens is 0 for a quantized run (poles of the
//   law), qat_tokens is not 0 at 16 bits, or loss or perplexity is not
//   finite.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: the law does not describe such runs
//   (a Chinchilla law asked for a quantized run; a per-bit law asked for a width
//   not measured), or the data have one level only of an axis and the question
//   is about another (capability.h).
absl::StatusOr<LossAnswer> PredictLoss(const FittedLaw& law,
                                       const RunPoint& run,
                                       double confidence_level);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_LOSS_H_
