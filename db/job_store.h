// Jobs and campaigns in the database, over the same writer as everything else.
//
// A lease is three things: the number of the attempt and the worker, which are
// stored here, and a deadline, which is not: it is the server's, on its steady
// clock. The store fences: what an attempt may still do is decided in the
// transaction that does it.
//
// Records are the messages of bitbudget.v1; validation is the caller's. Jobs are
// returned without lease_remaining, which the server fills in.
//
// Thread-safe. Errors beyond those named at each call are those of store.h, and
// - NOT_FOUND: no such study, job or campaign.
// - INVALID_ARGUMENT, naming attempt: the job has had fewer leases.

#ifndef BITBUDGET_DB_JOB_STORE_H_
#define BITBUDGET_DB_JOB_STORE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/campaign.pb.h"
#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/job.pb.h"
#include "db/store.h"

namespace bitbudget::db {

class ReaderPool;
class Writer;

// A job to store.
struct NewJob {
  v1::Job job;
  // Memory that its training takes, for matching with workers.
  int64_t memory_bytes = 0;
  // Further dependencies, and the job to start from, among those stored with it:
  // indices smaller than its own.
  std::vector<int> earlier_dependencies;
  int earlier_start_job = -1;  // none
};

// A changed job, and the names of all that changed with it, itself included.
// Nothing changed if there are none.
struct JobChange {
  v1::Job job;
  std::vector<std::string> changed;
};

struct JobPage {
  std::vector<v1::Job> jobs;  // without curves
  std::string next_page_token;
};

struct CampaignPage {
  std::vector<v1::Campaign> campaigns;
  std::string next_page_token;
};

struct CampaignChange {
  v1::Campaign campaign;
  std::vector<std::string> changed;  // jobs
};

// What a job needs of a worker.
struct JobNeeds {
  std::string study;  // "studies/{study}"
  std::string trainer;
  std::string data;
  std::string data_sha256;
  int64_t memory_bytes = 0;
  double flops = 0;
};

// Jobs of equal needs that could be leased now.
struct ReadyJobs {
  JobNeeds needs;
  int64_t count = 0;
};

// Who wants which job.
struct LeaseQuery {
  std::string study;  // empty: of any
  std::string worker;
  v1::WorkerCapabilities capabilities;
  // The worker ends no job of more FLOPs in its time.
  double max_flops = std::numeric_limits<double>::infinity();
  absl::Duration period;  // of the lease
  // Not empty: a repeat gets the lease that the first got, while it holds.
  std::string request_id;
  // Jobs whose last failure was on this worker and later than that are left to
  // others, while `another_can_run` them; unset: nobody else is there.
  absl::Time own_failures_after = absl::InfiniteFuture();
  std::function<bool(const JobNeeds&)> another_can_run;
};

struct LeasedJob {
  v1::Job job;
  std::optional<v1::Checkpoint> start_checkpoint;
  absl::Duration period;
  bool repeated = false;  // the lease is that of an earlier request
};

// A lease that holds, as far as the database knows.
struct OpenLease {
  std::string job;
  int attempt = 0;
  absl::Duration period;
};

// The attempt of a job that speaks.
struct Attempt {
  std::string job;
  int attempt = 0;
};

struct ProgressReport {
  Attempt attempt;
  std::vector<v1::ProgressPoint> points;
  std::vector<v1::Checkpoint> checkpoints;
};

struct ProgressResult {
  bool stop = false;  // the job was cancelled
  absl::Duration period;
  std::string worker;
  bool changed = false;  // something was stored
};

struct Completion {
  Attempt attempt;
  std::optional<v1::Experiment> experiment;  // canonical; none for a trunk
  v1::RunStatistics statistics;
  std::vector<v1::Checkpoint> checkpoints;
  std::vector<v1::ProgressPoint> points;
};

struct CompletionResult {
  v1::Job job;
  std::optional<v1::Experiment> experiment;
  bool job_unchanged = false;
  int64_t revision = 0;
  bool revision_advanced = false;
  std::vector<std::string> changed;
};

// The end of an attempt without a result.
struct AttemptEnd {
  v1::Job job;
  bool job_unchanged = false;
  std::vector<std::string> changed;
};

class JobStore final {
 public:
  // Both are borrowed; see Store::jobs.
  JobStore(Writer& writer, ReaderPool& readers) : writer_(writer), readers_(readers) {}
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  // Queues a job, whose dependencies exist. FAILED_PRECONDITION,
  // DEPENDENCY_ENDED if one of them is FAILED or CANCELLED.
  absl::StatusOr<v1::Job> CreateJob(const std::string& study,
                                    const NewJob& job,
                                    const RequestKey& request);
  // With its curve.
  absl::StatusOr<v1::Job> GetJob(const std::string& name);
  // How many jobs of all studies are in each state that any is in.
  absl::StatusOr<std::map<v1::JobState, int64_t>> CountJobs();
  // `study` empty: of all.
  absl::StatusOr<JobPage> ListJobs(const std::string& study,
                                   const v1::JobFilter& filter,
                                   const PageRequest& page);
  // Points of the curve beyond `after_tokens`, ascending.
  absl::StatusOr<std::vector<v1::ProgressPoint>> ReadCurve(const std::string& name,
                                                           int64_t after_tokens);

  // Ends a job and those that depend on it; those that have ended stay.
  absl::StatusOr<JobChange> CancelJob(const std::string& name, const std::string& reason);
  // Queues an ended job again, and those that were cancelled with it.
  // FAILED_PRECONDITION: JOB_NOT_ENDED, JOB_SUCCEEDED, DEPENDENCY_ENDED.
  absl::StatusOr<JobChange> RetryJob(const std::string& name, const RequestKey& request);

  // True if Lease would find a job just now. Reads only.
  absl::StatusOr<bool> HasJobFor(const LeaseQuery& query);
  // Leases the first job in the order of priority and creation that `query` can
  // run; nullopt if there is none.
  absl::StatusOr<std::optional<LeasedJob>> Lease(const LeaseQuery& query);
  // Those of `worker`; empty: of all.
  absl::StatusOr<std::vector<OpenLease>> ListOpenLeases(const std::string& worker);
  // Makes the job LOST if the lease of this attempt still holds. The job, if so.
  absl::StatusOr<std::optional<v1::Job>> ExpireLease(const Attempt& attempt);

  // Stores progress; a bare report of a running job only reads. A LOST job that
  // nobody else has leased goes on. ABORTED, LEASE_LOST unless the lease is this
  // attempt's.
  absl::StatusOr<ProgressResult> ReportProgress(const ProgressReport& report);
  absl::StatusOr<CompletionResult> CompleteJob(const Completion& completion);
  absl::StatusOr<AttemptEnd> FailJob(const Attempt& attempt, const v1::JobFailure& failure);
  absl::StatusOr<AttemptEnd> ReleaseJob(const Attempt& attempt,
                                        const std::vector<v1::Checkpoint>& checkpoints);

  // Which of the runs the study has, not excluded, by their natural keys; in the
  // order of the runs.
  absl::StatusOr<std::vector<bool>> FindStored(const std::string& study,
                                               const std::vector<v1::Experiment>& runs);
  // Stores a campaign, its cost included, and its jobs. `campaign_id` empty: made
  // here. ALREADY_EXISTS, CAMPAIGN_EXISTS if another one has the id; the same one,
  // whatever its cost, is returned as it was stored.
  absl::StatusOr<CampaignChange> CreateCampaign(const std::string& study,
                                                const std::string& campaign_id,
                                                const v1::Campaign& campaign,
                                                const std::vector<NewJob>& jobs,
                                                const RequestKey& request);
  absl::StatusOr<v1::Campaign> GetCampaign(const std::string& name);
  absl::StatusOr<CampaignPage> ListCampaigns(const std::string& study, const PageRequest& page);
  absl::StatusOr<CampaignChange> CancelCampaign(const std::string& name, const std::string& reason);
  // Queues its FAILED jobs again, and those that were cancelled with them.
  absl::StatusOr<CampaignChange> RetryCampaign(const std::string& name, const RequestKey& request);
  // Its jobs that could be leased now.
  absl::StatusOr<std::vector<ReadyJobs>> ListReady(const std::string& campaign);

 private:
  Writer& writer_;
  ReaderPool& readers_;
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_STORE_H_
