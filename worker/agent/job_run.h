// One leased job, from its lease to its end.

#ifndef BITBUDGET_WORKER_AGENT_JOB_RUN_H_
#define BITBUDGET_WORKER_AGENT_JOB_RUN_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/job.pb.h"
#include "client/cpp/client.h"
#include "worker/agent/options.h"
#include "worker/agent/shutdown.h"
#include "worker/agent/trainer_events.h"
#include "worker/agent/trainer_process.h"
#include "worker/agent/work_directory.h"

namespace bitbudget::agent {

// How a job ended for this worker.
struct JobEnd {
  enum class Kind {
    kDelivered,  // its result is with the server or kept on disk
    kFailed,     // for a reason that lies in the job
    kTroubled,   // for a reason that may lie in this worker or its machine
    kReleased,   // given back: the worker drains
    kAbandoned,  // cancelled, or another worker has it
  };
  Kind kind;
  double flops_per_second = 0;  // as trained; 0 if unknown
};

// What the agent and its parts work with; outlives them.
struct Context {
  const Options& options;
  client::Client& client;
  const WorkDirectory& work;
  Shutdown& shutdown;
  absl::Duration drain_at;  // on the steady clock; infinite if there is no end
  // FLOP/s of a large product by threads of BLAS, as the first trainer of this agent
  // has measured them: later ones need not.
  std::map<int, double>& gemm_rates;
};

// Used once, by one thread.
class JobRun {
 public:
  JobRun(const Context& context, const v1::LeaseJobResponse& lease);

  // Trains the job and tells the server. Whatever happens is logged.
  JobEnd Run();

 private:
  // Why the trainer was asked to end.
  enum class Stop { kNone, kDrain, kAbandon, kRestart, kStalled };

  absl::Status Prepare();
  void CheckStart();
  absl::StatusOr<std::unique_ptr<TrainerProcess>> StartTrainer() const;
  double GemmRate() const;  // 0: not measured yet
  // One run of the trainer to its end.
  absl::StatusOr<TrainerEnd> Train();
  void StopTrainer(TrainerProcess& trainer, Stop why);
  void HandleLine(const std::string& line, TrainerProcess& trainer);
  void HandleStart(const StartedEvent& event, TrainerProcess& trainer);
  void Heartbeat(TrainerProcess& trainer);
  void HandleLostLease(TrainerProcess& trainer);
  bool MayStartAnew(const TrainerEnd& end);

  JobEnd Conclude(const absl::StatusOr<TrainerEnd>& end);
  JobEnd Complete();
  JobEnd Release();
  JobEnd Fail(v1::JobFailure::Kind kind, const std::string& message);
  // What the trainer's end means as a failure.
  JobEnd FailAfter(const TrainerEnd& end);
  std::string LastErrorLine() const;

  const Context context_;
  const v1::Job job_;
  std::optional<v1::Checkpoint> start_;  // to continue from, once checked
  JobDirectory folder_;
  std::unique_ptr<FileLock> lock_;

  // Since the last report that the server took.
  v1::ReportProgressRequest report_;
  absl::Duration lease_;
  absl::Duration next_report_;  // on the steady clock
  bool has_lease_ = true;

  Stop stop_ = Stop::kNone;
  bool started_anew_ = false;
  TrainerEvent last_event_;  // one of those that end a run, or unknown
};

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_JOB_RUN_H_
