// Which bit width, size and split are best under a memory cap and a budget; and the
// inverses: the least memory, or the least compute, for a loss.

#ifndef BITBUDGET_PLANNER_BIT_WIDTH_H_
#define BITBUDGET_PLANNER_BIT_WIDTH_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/answer.h"
#include "planner/compute_cost.h"
#include "planner/memory.h"

namespace bitbudget::planner {

enum class WidthObjective {
  kLeastLoss,     // within the cap and the budget
  kLeastMemory,   // that reaches the target within the budget (and the cap, if any)
  kLeastCompute,  // that reaches the target within the cap
};

struct BitWidthQuestion {
  WidthObjective objective = WidthObjective::kLeastLoss;
  // Size as the law counts it; unset: free.
  std::optional<double> parameters;
  // A checkpoint of so many full-precision tokens exists; > 0, with `parameters`
  // and not with kLeastMemory. The split is what the budget, or the target, leaves;
  // where the target needs less than one QAT token, one.
  std::optional<double> fixed_fp_tokens;
  // Widths to consider, 1 <= . < 16, different; empty: every measured one.
  std::vector<double> weight_bits;
  std::optional<double> memory_bytes;      // cap on the total, > 0
  TrainingBudget budget;                   // of kLeastCompute the token cost alone
  std::optional<double> target_loss_nats;  // > 0; with the inverses
  MemoryModel memory_model;
  std::optional<double> loss_tolerance_nats;  // > 0; unset: 0.1 % of the best loss
  double confidence_level = 0.9;
  bool with_intervals = true;
  // Draws for the probability of being best; 0 for none.
  int draw_count = 1000;
  uint64_t seed = 0;
  // Polled now and then; true stops with CANCELLED. May be empty.
  std::function<bool()> cancelled;
};

// What keeps a candidate from being larger.
enum class SizeLimit { kGiven, kMemory, kBudget, kTarget };

// A width with the best that can be done at it.
struct WidthCandidate {
  double weight_bits = 0;
  double parameters = 0;
  Estimate qat_fraction;  // at this size
  double fp_tokens = 0;
  double qat_tokens = 0;
  Estimate loss_nats;
  ModelMemory memory;
  double compute_flops = 0;
  double tokens_per_parameter_byte = 0;
  SizeLimit size_limit = SizeLimit::kGiven;
  // The memory in bytes, or the FLOPs, that the target needs; with the inverses.
  std::optional<Estimate> needed;
  // Loss above that of the first candidate; its interval may reach below 0. Zero
  // with the inverses, whose candidates all have the target.
  Estimate excess_loss_nats;
  // Not told from the first candidate: within the tolerance of it, or the interval
  // of the difference holds 0. True of the first one if there is such a second.
  bool is_tie = false;
  // Probability of being the best of the candidates as they stand, over draws of
  // the parameters and of the misfit of the law.
  std::optional<double> probability_best;
  std::vector<OutsideAxis> outside;
};

// A width that is no candidate, and why: one sentence.
struct RefusedWidth {
  double weight_bits = 0;
  std::string reason;
};

struct BitWidthAnswer {
  std::vector<WidthCandidate> candidates;  // best first, at least one
  std::vector<RefusedWidth> refused;       // in the order of the question
  double loss_tolerance_nats = 0;
  int draw_count = 0;  // made
  std::vector<std::string> warnings;
};

// Sizes more than this many times below or above the measured ones are not
// searched.
inline constexpr double kSizeSearchFactor = 1000;

// Answers the question. Exact in size and split (size_optimum.h); widths are
// enumerated, for in them the problem is not convex.
//
// Errors:
// - OUT_OF_RANGE: no width has a model that fits the cap ("memory_bytes"), reaches
//   the target ("target_loss_nats"), has a best size within kSizeSearchFactor of
//   the data ("parameters"), or is trained on a token or more in each phase
//   ("total_tokens", "compute_flops", "target_loss_nats"); or the checkpoint leaves no budget
//   ("fixed_fp_tokens"). Names the nearest miss.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: the law does not know the split, the
//   widths or, with a free size, other sizes (capability.h).
// - CANCELLED: question.cancelled returned true.
absl::StatusOr<BitWidthAnswer> OptimizeBitWidth(const FittedLaw& law,
                                                const BitWidthQuestion& question);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_BIT_WIDTH_H_
