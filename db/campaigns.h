// Campaigns in their table. See job_store.h for the contracts of the calls.

#ifndef BITBUDGET_DB_CAMPAIGNS_H_
#define BITBUDGET_DB_CAMPAIGNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/job_store.h"
#include "db/writer.h"

namespace bitbudget::db {

absl::StatusOr<std::vector<bool>> FindStored(Connection& connection,
                                             const std::string& study,
                                             const std::vector<v1::Experiment>& runs);
absl::StatusOr<CampaignChange> CreateCampaign(WriteContext& context,
                                              const std::string& study,
                                              const std::string& campaign_id,
                                              const v1::Campaign& campaign,
                                              const std::vector<NewJob>& jobs,
                                              const RequestKey& request);
absl::StatusOr<v1::Campaign> GetCampaign(Connection& connection, const std::string& name);
absl::StatusOr<CampaignPage> ListCampaigns(Connection& connection,
                                           const std::string& study,
                                           const PageRequest& page);
absl::StatusOr<CampaignChange> CancelCampaign(WriteContext& context,
                                              const std::string& name,
                                              const std::string& reason);
absl::StatusOr<CampaignChange> RetryCampaign(WriteContext& context,
                                             const std::string& name,
                                             const RequestKey& request);
absl::StatusOr<std::vector<ReadyJobs>> ListReady(Connection& connection, const std::string& name);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_CAMPAIGNS_H_
