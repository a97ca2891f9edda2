#include "db/campaigns.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "db/content_hash.h"
#include "db/experiment_row.h"
#include "db/job_row.h"
#include "db/job_state.h"
#include "db/jobs.h"
#include "db/names.h"
#include "db/page_token.h"
#include "db/requests.h"
#include "db/sqlite_error.h"
#include "db/studies.h"
#include "util/error.h"
#include "util/status_macros.h"

#define BITBUDGET_SELECT_CAMPAIGNS                                                   \
  "SELECT campaign_key, campaign_id, definition, definition_hash, create_time FROM " \
  "campaigns "

namespace bitbudget::db {
namespace {

std::string CampaignName(const std::string& study_name, const std::string& campaign_id) {
  return fmt::format("{}/campaigns/{}", study_name, campaign_id);
}

// What the caller decided, and the cost that follows from it.
v1::Campaign Definition(const v1::Campaign& campaign) {
  v1::Campaign definition = campaign;
  definition.clear_name();
  definition.clear_state_counts();
  definition.clear_flops_done();
  definition.clear_ended();
  definition.clear_create_time();
  definition.clear_reason();
  return definition;
}

// The cost is no part of what was asked for: it falls as the study grows.
bool AskTheSame(const v1::Campaign& a, const v1::Campaign& b) {
  v1::Campaign asked_a = Definition(a);
  v1::Campaign asked_b = Definition(b);
  asked_a.clear_cost();
  asked_b.clear_cost();
  return HashMessage(asked_a) == HashMessage(asked_b);
}

// Lets the retry of a cancelled job bring back another that waits for it, as if that
// one had been cancelled with it alone.
void TieToDependency(Connection& connection, int64_t job_key) {
  Query(connection,
        "UPDATE jobs SET cancelled_with = (SELECT min(dependency_key) FROM job_dependencies "
        "JOIN jobs AS dependencies ON dependencies.job_key = dependency_key "
        "WHERE job_dependencies.job_key = ?1 AND dependencies.state IN (5, 6)) "
        "WHERE job_key = ?1",
        job_key)
      .Run();
}

// Counts its jobs, state by state.
void AddProgress(Connection& connection, int64_t campaign_key, v1::Campaign& campaign) {
  Query query(connection,
              "SELECT state, count(*), sum(estimated_flops) FROM jobs WHERE campaign_key = ?1 "
              "GROUP BY state ORDER BY state",
              campaign_key);
  campaign.set_ended(true);
  while (query.Next()) {
    const auto state = static_cast<v1::JobState>(query.Int(0));
    v1::Campaign::StateCount& count = *campaign.add_state_counts();
    count.set_state(state);
    count.set_count(query.Int(1));
    if (state == v1::SUCCEEDED) {
      campaign.set_flops_done(query.Double(2));
    } else if (state != v1::FAILED && state != v1::CANCELLED) {
      campaign.set_ended(false);
    }
  }
}

struct StoredCampaign {
  int64_t key = 0;
  int64_t study_key = 0;
  v1::Campaign campaign;
};

absl::StatusOr<StoredCampaign> ReadCampaign(Connection& connection,
                                            const StudyHandle& study,
                                            const Query& row) {
  StoredCampaign stored{.key = row.Int(0), .study_key = study.key};
  const std::string name = CampaignName(study.name, row.Bytes(1));
  v1::Campaign& campaign = stored.campaign;
  if (!campaign.ParseFromString(row.Bytes(2)) || HashMessage(campaign) != row.Bytes(3)) {
    return DatabaseDamaged(connection.path(), fmt::format("{} does not match its hash", name));
  }
  campaign.set_name(name);
  SetTimestamp(row.Int(4), campaign.mutable_create_time());
  AddProgress(connection, stored.key, campaign);
  return stored;
}

absl::StatusOr<std::optional<StoredCampaign>> FindCampaign(Connection& connection,
                                                           const StudyHandle& study,
                                                           const std::string& campaign_id) {
  Query query(connection,
              BITBUDGET_SELECT_CAMPAIGNS "WHERE study_key = ?1 AND campaign_id = ?2",
              study.key,
              campaign_id);
  if (!query.Next()) return std::nullopt;
  return ReadCampaign(connection, study, query);
}

absl::StatusOr<StoredCampaign> LoadCampaign(Connection& connection, const std::string& name) {
  const std::optional<ChildName> parts = ParseChildName(name, "campaigns");
  if (!parts) return NotFound("campaign", name);
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, parts->study));
  ASSIGN_OR_RETURN(std::optional<StoredCampaign> stored,
                   FindCampaign(connection, study, parts->id));
  if (!stored) return NotFound("campaign", name);
  return *std::move(stored);
}

// "campaign-3": the next number whose name is free.
std::string MakeCampaignId(const WriteContext& context, const StudyHandle& study) {
  for (;;) {
    Query number(context.connection,
                 "UPDATE studies SET last_campaign_number = last_campaign_number + 1 "
                 "WHERE study_key = ?1 RETURNING last_campaign_number",
                 study.key);
    number.Next();
    std::string id = fmt::format("campaign-{}", number.Int(0));
    number.Next();
    Query taken(context.connection,
                "SELECT 1 FROM campaigns WHERE study_key = ?1 AND campaign_id = ?2",
                study.key,
                id);
    if (!taken.Next()) return id;
  }
}

absl::Status CampaignExists(const std::string& name) {
  return MakeError(
      absl::StatusCode::kAlreadyExists,
      fmt::format("{} exists already and is another campaign; choose another id", name),
      {.reason = "CAMPAIGN_EXISTS", .resource_type = "campaign", .resource_name = name});
}

int64_t InsertCampaign(const WriteContext& context,
                       const StudyHandle& study,
                       const std::string& campaign_id,
                       const v1::Campaign& definition) {
  Query(context.connection,
        "INSERT INTO campaigns (study_key, campaign_id, definition, definition_hash, create_time) "
        "VALUES (?1, ?2, ?3, ?4, ?5)",
        study.key,
        campaign_id,
        Blob{definition.SerializeAsString()},
        Blob{HashMessage(definition)},
        context.now_microseconds)
      .Run();
  return context.connection.database().getLastInsertRowid();
}

// Ascending: a job comes after those that it depends on.
std::vector<int64_t> FailedJobs(Connection& connection, int64_t campaign_key) {
  Query query(connection,
              "SELECT job_key FROM jobs WHERE campaign_key = ?1 AND state = 5 ORDER BY job_key",
              campaign_key);
  std::vector<int64_t> keys;
  while (query.Next()) keys.push_back(query.Int(0));
  return keys;
}

}  // namespace

absl::StatusOr<std::vector<bool>> FindStored(Connection& connection,
                                             const std::string& study_name,
                                             const std::vector<v1::Experiment>& runs) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, study_name));
  std::vector<bool> is_stored;
  is_stored.reserve(runs.size());
  for (const v1::Experiment& run : runs) {
    is_stored.push_back(FindByNaturalKey(connection, study.key, run) != 0);
  }
  return is_stored;
}

absl::StatusOr<CampaignChange> CreateCampaign(WriteContext& context,
                                              const std::string& study_name,
                                              const std::string& campaign_id,
                                              const v1::Campaign& campaign,
                                              const std::vector<NewJob>& jobs,
                                              const RequestKey& request) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, study_name));
  CampaignChange change;
  const auto effect = [&]() -> absl::StatusOr<v1::Campaign> {
    const v1::Campaign definition = Definition(campaign);
    ASSIGN_OR_RETURN(std::optional<StoredCampaign> existing,
                     FindCampaign(context.connection, study, campaign_id));
    if (existing) {
      if (!AskTheSame(existing->campaign, campaign)) {
        return CampaignExists(existing->campaign.name());
      }
      return std::move(existing->campaign);
    }
    const std::string id = campaign_id.empty() ? MakeCampaignId(context, study) : campaign_id;
    const int64_t key = InsertCampaign(context, study, id, definition);
    ASSIGN_OR_RETURN(change.changed, InsertJobs(context, study, key, jobs));
    ASSIGN_OR_RETURN(std::optional<StoredCampaign> stored,
                     FindCampaign(context.connection, study, id));
    return std::move(stored->campaign);
  };
  ASSIGN_OR_RETURN(change.campaign, Once<v1::Campaign>(context, study.key, request, effect));
  return change;
}

absl::StatusOr<v1::Campaign> GetCampaign(Connection& connection, const std::string& name) {
  ASSIGN_OR_RETURN(StoredCampaign stored, LoadCampaign(connection, name));
  return std::move(stored.campaign);
}

absl::StatusOr<CampaignPage> ListCampaigns(Connection& connection,
                                           const std::string& study_name,
                                           const PageRequest& page) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, study_name));
  const PageTokens tokens(fmt::format("ListCampaigns {}", study.key));
  ASSIGN_OR_RETURN(const std::string position, tokens.Parse(page.token));
  Query query(connection,
              BITBUDGET_SELECT_CAMPAIGNS
              "WHERE study_key = ?1 AND campaign_key > ?2 ORDER BY campaign_key LIMIT ?3",
              study.key,
              ParseNumber(position).value_or(0),
              int64_t{page.size} + 1);
  CampaignPage result;
  int64_t last_key = 0;
  while (query.Next()) {
    if (static_cast<int>(result.campaigns.size()) == page.size) {
      result.next_page_token = tokens.Make(fmt::to_string(last_key));
      break;
    }
    ASSIGN_OR_RETURN(StoredCampaign stored, ReadCampaign(connection, study, query));
    last_key = stored.key;
    result.campaigns.push_back(std::move(stored.campaign));
  }
  return result;
}

absl::StatusOr<CampaignChange> CancelCampaign(WriteContext& context,
                                              const std::string& name,
                                              const std::string& reason) {
  ASSIGN_OR_RETURN(const StoredCampaign stored, LoadCampaign(context.connection, name));
  std::vector<int64_t> keys;
  {
    Query query(context.connection,
                "SELECT job_key FROM jobs WHERE campaign_key = ?1 AND state IN (1, 2, 3, 7) "
                "ORDER BY job_key DESC",
                stored.key);
    while (query.Next()) keys.push_back(query.Int(0));
  }
  CampaignChange change;
  // Dependents come first, so that each is cancelled for the reason given.
  for (const int64_t key : keys) {
    ASSIGN_OR_RETURN(const StoredJob job, LoadJob(context.connection, key));
    RETURN_IF_ERROR(EndWithoutResult(context, job, v1::CANCELLED, reason, change.changed));
  }
  for (const int64_t key : keys) TieToDependency(context.connection, key);
  ASSIGN_OR_RETURN(change.campaign, GetCampaign(context.connection, name));
  return change;
}

absl::StatusOr<CampaignChange> RetryCampaign(WriteContext& context,
                                             const std::string& name,
                                             const RequestKey& request) {
  ASSIGN_OR_RETURN(const StoredCampaign stored, LoadCampaign(context.connection, name));
  CampaignChange change;
  const auto effect = [&]() -> absl::StatusOr<v1::Campaign> {
    for (const int64_t key : FailedJobs(context.connection, stored.key)) {
      ASSIGN_OR_RETURN(const StoredJob job, LoadJob(context.connection, key));
      RETURN_IF_ERROR(Revive(context, job, change.changed));
    }
    return GetCampaign(context.connection, name);
  };
  ASSIGN_OR_RETURN(change.campaign, Once<v1::Campaign>(context, stored.study_key, request, effect));
  return change;
}

absl::StatusOr<std::vector<ReadyJobs>> ListReady(Connection& connection, const std::string& name) {
  ASSIGN_OR_RETURN(const StoredCampaign stored, LoadCampaign(connection, name));
  Query query(
      connection,
      "SELECT trainer, data, data_sha256, memory_bytes, estimated_flops, count(*) FROM jobs "
      "WHERE campaign_key = ?1 AND state IN (1, 7) AND waiting_count = 0 "
      "GROUP BY trainer, data, data_sha256, memory_bytes, estimated_flops",
      stored.key);
  std::vector<ReadyJobs> ready;
  while (query.Next()) {
    ready.push_back({.needs = {.study = ParseChildName(name, "campaigns")->study,
                               .trainer = query.Bytes(0),
                               .data = query.Bytes(1),
                               .data_sha256 = query.Bytes(2),
                               .memory_bytes = query.Int(3),
                               .flops = query.Double(4)},
                     .count = query.Int(5)});
  }
  return ready;
}

}  // namespace bitbudget::db
