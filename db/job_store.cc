#include "db/job_store.h"

#include <utility>

#include "db/campaigns.h"
#include "db/content_hash.h"
#include "db/job_end.h"
#include "db/job_lease.h"
#include "db/job_progress.h"
#include "db/job_state.h"
#include "db/jobs.h"
#include "db/reader_pool.h"
#include "db/writer.h"
#include "util/status_macros.h"

namespace bitbudget::db {

absl::StatusOr<v1::Job> JobStore::CreateJob(const std::string& study,
                                            const NewJob& job,
                                            const RequestKey& request) {
  return writer_.RunFor<v1::Job>(
      [&](WriteContext& context) { return db::CreateJob(context, study, job, request); });
}

absl::StatusOr<v1::Job> JobStore::GetJob(const std::string& name) {
  return readers_.Run([&](Connection& connection) { return db::GetJob(connection, name); });
}

absl::StatusOr<std::map<v1::JobState, int64_t>> JobStore::CountJobs() {
  return readers_.Run([](Connection& connection) { return db::CountJobs(connection); });
}

absl::StatusOr<JobPage> JobStore::ListJobs(const std::string& study,
                                           const v1::JobFilter& filter,
                                           const PageRequest& page) {
  return readers_.Run(
      [&](Connection& connection) { return db::ListJobs(connection, study, filter, page); });
}

absl::StatusOr<std::vector<v1::ProgressPoint>> JobStore::ReadCurve(const std::string& name,
                                                                   int64_t after_tokens) {
  return readers_.Run(
      [&](Connection& connection) { return db::ReadCurve(connection, name, after_tokens); });
}

absl::StatusOr<JobChange> JobStore::CancelJob(const std::string& name, const std::string& reason) {
  return writer_.RunFor<JobChange>(
      [&](WriteContext& context) { return db::CancelJob(context, name, reason); });
}

absl::StatusOr<JobChange> JobStore::RetryJob(const std::string& name, const RequestKey& request) {
  return writer_.RunFor<JobChange>(
      [&](WriteContext& context) { return db::RetryJob(context, name, request); });
}

absl::StatusOr<bool> JobStore::HasJobFor(const LeaseQuery& query) {
  return readers_.Run([&](Connection& connection) { return db::HasJobFor(connection, query); });
}

absl::StatusOr<std::optional<LeasedJob>> JobStore::Lease(const LeaseQuery& query) {
  return writer_.RunFor<std::optional<LeasedJob>>(
      [&](WriteContext& context) { return LeaseJob(context, query); });
}

absl::StatusOr<std::vector<OpenLease>> JobStore::ListOpenLeases(const std::string& worker) {
  return readers_.Run([&](Connection& connection) -> absl::StatusOr<std::vector<OpenLease>> {
    return db::ListOpenLeases(connection, worker);
  });
}

absl::StatusOr<std::optional<v1::Job>> JobStore::ExpireLease(const Attempt& attempt) {
  return writer_.RunFor<std::optional<v1::Job>>(
      [&](WriteContext& context) { return db::ExpireLease(context, attempt); });
}

absl::StatusOr<ProgressResult> JobStore::ReportProgress(const ProgressReport& report) {
  ASSIGN_OR_RETURN(std::optional<ProgressResult> answer, readers_.Run([&](Connection& connection) {
    return AnswerBareReport(connection, report);
  }));
  if (answer) return *std::move(answer);
  return writer_.RunFor<ProgressResult>(
      [&](WriteContext& context) { return db::ReportProgress(context, report); });
}

absl::StatusOr<CompletionResult> JobStore::CompleteJob(const Completion& completion) {
  const std::string hash =
      completion.experiment ? HashExperiment(*completion.experiment) : std::string();
  return writer_.RunFor<CompletionResult>(
      [&](WriteContext& context) { return db::CompleteJob(context, completion, hash); });
}

absl::StatusOr<AttemptEnd> JobStore::FailJob(const Attempt& attempt,
                                             const v1::JobFailure& failure) {
  return writer_.RunFor<AttemptEnd>(
      [&](WriteContext& context) { return db::FailJob(context, attempt, failure); });
}

absl::StatusOr<AttemptEnd> JobStore::ReleaseJob(const Attempt& attempt,
                                                const std::vector<v1::Checkpoint>& checkpoints) {
  return writer_.RunFor<AttemptEnd>(
      [&](WriteContext& context) { return db::ReleaseJob(context, attempt, checkpoints); });
}

absl::StatusOr<std::vector<bool>> JobStore::FindStored(const std::string& study,
                                                       const std::vector<v1::Experiment>& runs) {
  return readers_.Run(
      [&](Connection& connection) { return db::FindStored(connection, study, runs); });
}

absl::StatusOr<CampaignChange> JobStore::CreateCampaign(const std::string& study,
                                                        const std::string& campaign_id,
                                                        const v1::Campaign& campaign,
                                                        const std::vector<NewJob>& jobs,
                                                        const RequestKey& request) {
  return writer_.RunFor<CampaignChange>([&](WriteContext& context) {
    return db::CreateCampaign(context, study, campaign_id, campaign, jobs, request);
  });
}

absl::StatusOr<v1::Campaign> JobStore::GetCampaign(const std::string& name) {
  return readers_.Run([&](Connection& connection) { return db::GetCampaign(connection, name); });
}

absl::StatusOr<CampaignPage> JobStore::ListCampaigns(const std::string& study,
                                                     const PageRequest& page) {
  return readers_.Run(
      [&](Connection& connection) { return db::ListCampaigns(connection, study, page); });
}

absl::StatusOr<CampaignChange> JobStore::CancelCampaign(const std::string& name,
                                                        const std::string& reason) {
  return writer_.RunFor<CampaignChange>(
      [&](WriteContext& context) { return db::CancelCampaign(context, name, reason); });
}

absl::StatusOr<CampaignChange> JobStore::RetryCampaign(const std::string& name,
                                                       const RequestKey& request) {
  return writer_.RunFor<CampaignChange>(
      [&](WriteContext& context) { return db::RetryCampaign(context, name, request); });
}

absl::StatusOr<std::vector<ReadyJobs>> JobStore::ListReady(const std::string& campaign) {
  return readers_.Run([&](Connection& connection) { return db::ListReady(connection, campaign); });
}

}  // namespace bitbudget::db
