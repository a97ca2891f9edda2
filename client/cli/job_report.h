// Jobs and campaigns as text for people. Pure.

#ifndef BITBUDGET_CLIENT_CLI_JOB_REPORT_H_
#define BITBUDGET_CLIENT_CLI_JOB_REPORT_H_

#include <string>

#include "bitbudget/v1/campaign.pb.h"
#include "bitbudget/v1/job.pb.h"
#include "client/cli/table.h"

namespace bitbudget::cli {

// A job with all that is known of it.
std::string JobText(const v1::Job& job);

// One line a job.
Table JobTable(const v1::ListJobsResponse& jobs);

// "j-17 running 45 %, loss 2.3041: LABEL", for a stream of changes.
std::string JobLine(const v1::Job& job);

// What a campaign costs, with shared trunks and without.
std::string CostText(const v1::CampaignCost& cost);

// A campaign with all that is known of it.
std::string CampaignText(const v1::Campaign& campaign);

// One line a campaign.
Table CampaignTable(const v1::ListCampaignsResponse& campaigns);

// "12 of 17 jobs done, 2 running, 3 queued; 45 % of the FLOPs", or that there was
// nothing to train.
std::string CampaignLine(const v1::Campaign& campaign);

// Jobs of the campaign in this state.
int64_t JobsIn(const v1::Campaign& campaign, v1::JobState state);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_JOB_REPORT_H_
