// JobService of the contract: queues trainings and hands them to workers under
// leases. What an attempt may do is decided in the transaction that does it
// (db/job_store.h); when a lease runs out, by a thread here. Thread-safe.

#ifndef BITBUDGET_SERVER_JOB_SERVICE_H_
#define BITBUDGET_SERVER_JOB_SERVICE_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "bitbudget/v1/job.pb.h"
#include "db/job_store.h"
#include "server/call_context.h"
#include "server/job_board.h"
#include "server/refit_scheduler.h"
#include "server/watch_source.h"

namespace bitbudget::server {

class JobService {
 public:
  // All of it is borrowed.
  JobService(const FitParts& parts, RefitScheduler& refits, JobBoard& board)
      : parts_(parts), store_(parts.store.jobs()), refits_(refits), board_(board) {}
  // Stops.
  ~JobService();
  JobService(const JobService&) = delete;
  JobService& operator=(const JobService&) = delete;

  // Gives every lease that the database has a full period, and begins to watch
  // over them. Call once.
  absl::Status Start();
  // Ends the watch over leases. May be called again.
  void Stop();

  // Errors and repeats as job.proto says.
  absl::StatusOr<v1::Job> CreateJob(const CallContext& call, const v1::CreateJobRequest& request);
  absl::StatusOr<v1::Job> GetJob(const CallContext& call, const v1::GetJobRequest& request);
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const CallContext& call,
                                                const v1::ListJobsRequest& request);
  absl::StatusOr<v1::Job> CancelJob(const CallContext& call, const v1::CancelJobRequest& request);
  absl::StatusOr<v1::Job> RetryJob(const CallContext& call, const v1::RetryJobRequest& request);
  // `wake` is called on a thread that must not be blocked.
  absl::StatusOr<std::unique_ptr<WatchSource<v1::WatchJobsResponse>>> WatchJobs(
      const v1::WatchJobsRequest& request, std::function<void()> wake);

  // Calls `done` once, on this thread or another; holds none while it waits.
  void LeaseJob(const CallContext& call, const v1::LeaseJobRequest& request, LeaseDesk::Done done);
  absl::StatusOr<v1::ReportProgressResponse> ReportProgress(
      const CallContext& call, const v1::ReportProgressRequest& request);
  absl::StatusOr<v1::CompleteJobResponse> CompleteJob(const CallContext& call,
                                                      const v1::CompleteJobRequest& request);
  absl::StatusOr<v1::FailJobResponse> FailJob(const CallContext& call,
                                              const v1::FailJobRequest& request);
  absl::StatusOr<v1::ReleaseJobResponse> ReleaseJob(const CallContext& call,
                                                    const v1::ReleaseJobRequest& request);
  absl::StatusOr<v1::DrainWorkerResponse> DrainWorker(const CallContext& call,
                                                      const v1::DrainWorkerRequest& request);

  // Makes jobs LOST whose leases have run out by now. Called again and again by
  // the thread; by tests whose clock stands still.
  void ExpireLeases();

 private:
  absl::StatusOr<std::optional<v1::LeaseJobResponse>> TakeJob(const CallContext& call,
                                                              const v1::LeaseJobRequest& request,
                                                              const db::LeaseQuery& query);
  // Checks the start against the job that leaves the checkpoint.
  absl::Status CheckStart(const v1::Job& job);
  // What a result brings beside the request: fills in `completion.experiment`.
  absl::Status AddExperiment(const v1::CompleteJobRequest& request, db::Completion& completion);
  v1::Job WithLease(v1::Job job) const;
  // Why no worker takes a job that could be leased; empty if one can.
  std::string WhyItWaits(const v1::Job& job) const;
  void WatchLeases();

  const FitParts parts_;
  db::JobStore& store_;
  RefitScheduler& refits_;
  JobBoard& board_;
  std::mutex mutex_;  // guards is_stopped_
  std::condition_variable has_news_;
  bool is_stopped_ = false;
  std::thread thread_;
};

// A valid job as it is stored: defaults that others rely on written out.
db::NewJob ToNewJob(v1::Job job);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_JOB_SERVICE_H_
