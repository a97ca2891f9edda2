// How long to train a full-precision checkpoint with QAT that exists already.

#ifndef BITBUDGET_PLANNER_CHECKPOINT_H_
#define BITBUDGET_PLANNER_CHECKPOINT_H_

#include "absl/status/statusor.h"
#include "planner/loss_surface.h"
#include "planner/qat_fraction.h"
#include "planner/uncertainty.h"

namespace bitbudget::planner {

// Answers a question with fixed_fp_tokens.
//
// Errors:
// - OUT_OF_RANGE: the budget leaves less than one QAT token, or no number of them
//   reaches the target, or less than one does.
absl::StatusOr<CheckpointAnswer> PlanCheckpoint(const LossSurface& surface,
                                                const FractionQuestion& question,
                                                const Uncertainty& uncertainty);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_CHECKPOINT_H_
