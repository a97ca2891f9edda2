// From the grids of a campaign to the runs that they ask for. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_CAMPAIGN_GRID_H_
#define BITBUDGET_SERVER_CAMPAIGN_GRID_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/campaign.pb.h"

namespace bitbudget::server {

// Jobs that one campaign may have.
inline constexpr int kMostJobsInCampaign = 20'000;

// The distinct runs of all grids, each complete as if it were trained alone, with
// token counts in whole steps. Replicates first: all runs of the first seed, then
// those of the second; within one, models in the order in which they are named.
//
// INVALID_ARGUMENT with all violations, by paths as in CreateCampaignRequest.
absl::StatusOr<std::vector<v1::TrainingSpec>> ExpandGrids(const v1::Campaign& campaign);

// Equal for trainings that are the same but for defaults written out or not.
std::string TrainingKey(const v1::TrainingSpec& training);

// The plain full-precision run that `training` is, up to the end of its
// full-precision phase.
v1::TrainingSpec FullPrecisionPart(const v1::TrainingSpec& training);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CAMPAIGN_GRID_H_
