// The streams of WatchJobs and WatchCampaign.

#ifndef BITBUDGET_SERVER_JOB_WATCH_H_
#define BITBUDGET_SERVER_JOB_WATCH_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bitbudget/v1/campaign.pb.h"
#include "bitbudget/v1/job.pb.h"
#include "db/job_store.h"
#include "server/job_board.h"
#include "server/watch_source.h"

namespace bitbudget::server {

// A campaign, with what the workers make of it.
absl::StatusOr<v1::Campaign> LoadCampaign(const std::string& name,
                                          db::JobStore& store,
                                          const JobBoard& board);

// Both requests are valid; the rest is borrowed. `wake` is called on a thread of
// the feed and must not block. What does not exist is an error of the first
// Next.
std::unique_ptr<WatchSource<v1::WatchJobsResponse>> WatchJobsOf(const v1::WatchJobsRequest& request,
                                                                db::JobStore& store,
                                                                JobBoard& board,
                                                                std::function<void()> wake);
std::unique_ptr<WatchSource<v1::WatchCampaignResponse>> WatchCampaignOf(
    const v1::WatchCampaignRequest& request,
    db::JobStore& store,
    JobBoard& board,
    std::function<void()> wake);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_JOB_WATCH_H_
