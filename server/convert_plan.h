// Between questions about widths, full precision, waste and plans of the contract
// and those of the planner. Requests are valid (see validate.h). Pure, thread-safe.

#ifndef BITBUDGET_SERVER_CONVERT_PLAN_H_
#define BITBUDGET_SERVER_CONVERT_PLAN_H_

#include "absl/status/statusor.h"
#include "bitbudget/v1/planner.pb.h"
#include "planner/bit_width.h"
#include "planner/full_precision.h"
#include "planner/training_plan.h"
#include "planner/waste.h"

namespace bitbudget::server {

// Questions, without `cancelled`, which belongs to the call. Errors as
// ToMemoryModel.
absl::StatusOr<planner::BitWidthQuestion> ToBitWidthQuestion(
    const v1::OptimizeBitWidthRequest& request, bool law_counts_embeddings);
absl::StatusOr<planner::FullPrecisionQuestion> ToFullPrecisionQuestion(
    const v1::CompareToFullPrecisionRequest& request, bool law_counts_embeddings);
planner::WasteQuestion ToWasteQuestion(const v1::EstimateWasteRequest& request);
absl::StatusOr<planner::PlanQuestion> ToPlanQuestion(const v1::PlanTrainingRequest& request,
                                                     bool law_counts_embeddings);

// Answers, all but their provenance and what repeats the request.
v1::OptimizeBitWidthResponse ToResponse(const planner::BitWidthQuestion& question,
                                        const planner::BitWidthAnswer& answer);
v1::CompareToFullPrecisionResponse ToResponse(const planner::FullPrecisionAnswer& answer);
v1::EstimateWasteResponse ToResponse(const planner::WasteQuestion& question,
                                     const planner::WasteAnswer& answer);
v1::PlanTrainingResponse ToResponse(const planner::PlanQuestion& question,
                                    const planner::PlanAnswer& answer);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONVERT_PLAN_H_
