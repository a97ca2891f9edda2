// CampaignService of the contract: jobs that are designed together. Thread-safe.

#ifndef BITBUDGET_SERVER_CAMPAIGN_SERVICE_H_
#define BITBUDGET_SERVER_CAMPAIGN_SERVICE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "bitbudget/v1/campaign.pb.h"
#include "db/store.h"
#include "server/call_context.h"
#include "server/job_board.h"
#include "server/watch_source.h"

namespace bitbudget::server {

class CampaignService {
 public:
  // Both are borrowed.
  CampaignService(db::Store& store, JobBoard& board) : store_(store), board_(board) {}

  // Errors and repeats as campaign.proto says.
  absl::StatusOr<v1::Campaign> CreateCampaign(const CallContext& call,
                                              const v1::CreateCampaignRequest& request);
  absl::StatusOr<v1::Campaign> GetCampaign(const CallContext& call,
                                           const v1::GetCampaignRequest& request);
  absl::StatusOr<v1::ListCampaignsResponse> ListCampaigns(const CallContext& call,
                                                          const v1::ListCampaignsRequest& request);
  absl::StatusOr<v1::Campaign> CancelCampaign(const CallContext& call,
                                              const v1::CancelCampaignRequest& request);
  absl::StatusOr<v1::Campaign> RetryCampaign(const CallContext& call,
                                             const v1::RetryCampaignRequest& request);
  // `wake` is called on a thread that must not be blocked.
  absl::StatusOr<std::unique_ptr<WatchSource<v1::WatchCampaignResponse>>> WatchCampaign(
      const v1::WatchCampaignRequest& request, std::function<void()> wake);

 private:
  db::Store& store_;
  JobBoard& board_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CAMPAIGN_SERVICE_H_
