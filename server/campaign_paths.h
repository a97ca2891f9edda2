// Where a campaign states what its runs are made of, so that errors name the
// field that was written. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_CAMPAIGN_PATHS_H_
#define BITBUDGET_SERVER_CAMPAIGN_PATHS_H_

#include <string>
#include <string_view>

#include "bitbudget/v1/campaign.pb.h"

namespace bitbudget::server {

// Path, as in CreateCampaignRequest, of what decides `field`, a path as in
// TrainingSpec, of the runs of a grid. Fields that nobody states are those of the
// campaign's `training`.
std::string StatedPath(const v1::Campaign& campaign, int grid, std::string_view field);

// The same for the runs of one model of the grid.
std::string StatedPath(const v1::Campaign& campaign, int grid, int model, std::string_view field);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CAMPAIGN_PATHS_H_
