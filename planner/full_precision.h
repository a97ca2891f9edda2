// What quantization costs against full precision: at equal tokens, at equal memory,
// and in bits or tokens to match.
//
// Full precision is what the QAT law says without its quantization terms (from which
// a quantized run is never better), and what the law fitted to full-precision runs
// alone says (from which it may be). Both differences come from the joint covariance
// of the two fits, which share rows and trunks.

#ifndef BITBUDGET_PLANNER_FULL_PRECISION_H_
#define BITBUDGET_PLANNER_FULL_PRECISION_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/answer.h"
#include "planner/compute_cost.h"
#include "planner/joint_uncertainty.h"
#include "planner/memory.h"

namespace bitbudget::planner {

struct FullPrecisionQuestion {
  double parameters = 0;            // > 0
  std::vector<double> weight_bits;  // 1 <= . < 16, different; empty: every measured one
  TrainingBudget budget;
  MemoryModel memory_model;
  // Losses this far above full precision match it; > 0. Unset: 1 % of the loss in
  // full precision.
  std::optional<double> tolerance_nats;
  double confidence_level = 0.9;
  bool with_intervals = true;
  std::function<bool()> cancelled;  // as in BitWidthQuestion
};

// A quantized run beside one in full precision, as one of the laws sees that.
struct Reference {
  Estimate full_precision_loss_nats;
  Estimate loss_difference_nats;  // quantized minus full precision
  Estimate perplexity_difference;
};

// The same at equal size and tokens, and what it takes to match.
struct EqualTokens {
  Reference reference;
  bool matches = false;  // the difference is at most the tolerance
  // Tokens beyond the budget with which the quantized run, at its best split,
  // comes down to full precision plus the tolerance, as a share of the budget's;
  // below 0 if it matches with fewer. Unset if no number of tokens does.
  std::optional<Estimate> extra_token_share;
};

// The largest full-precision model in the memory of the quantized one. With a
// budget in FLOPs it is trained on more tokens, being smaller.
struct EqualMemory {
  double parameters = 0;
  double total_tokens = 0;
  ModelMemory memory;
  Reference same_law;
  std::optional<Reference> full_precision_law;
  std::vector<OutsideAxis> outside;
};

struct WidthAgainstFullPrecision {
  double weight_bits = 0;
  double qat_fraction = 0;  // the best
  double fp_tokens = 0;
  double qat_tokens = 0;
  Estimate loss_nats;
  ModelMemory memory;
  EqualTokens same_law;
  std::optional<EqualTokens> full_precision_law;
  std::optional<EqualMemory> equal_memory;  // unset if nothing fits
};

struct FullPrecisionAnswer {
  std::vector<WidthAgainstFullPrecision> widths;  // fewest bits first, at least one
  double tolerance_nats = 0;
  double total_tokens = 0;  // of the full-precision run at equal tokens
  // The fewest bits of `widths` that match; unset if none do.
  std::optional<double> fewest_bits_same_law;
  std::optional<double> fewest_bits_full_precision_law;
  std::vector<OutsideAxis> outside;  // the farthest of the quantized runs
  std::vector<std::string> warnings;
};

// Compares quantized runs of one size, each at its best split, with full precision.
//
// At equal tokens a budget that counts QAT tokens dearer (qat_token_cost) pays for
// more tokens in full precision.
//
// Errors:
// - OUT_OF_RANGE: the budget buys less than a token a phase.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: see capability.h.
// - CANCELLED.
absl::StatusOr<FullPrecisionAnswer> CompareToFullPrecision(const FitLaws& laws,
                                                           const FullPrecisionQuestion& question);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_FULL_PRECISION_H_
