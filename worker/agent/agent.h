// The agent: takes one job after another, until it is to leave.

#ifndef BITBUDGET_WORKER_AGENT_AGENT_H_
#define BITBUDGET_WORKER_AGENT_AGENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/job.pb.h"
#include "worker/agent/job_run.h"

namespace bitbudget::agent {

// Used by one thread.
class Agent {
 public:
  explicit Agent(const Context& context);

  // Works until the process is to drain, its wall time is nearly over, it was idle
  // for long enough, or the server tells it to leave: all OK.
  //
  // Errors:
  // - NOT_FOUND, INVALID_ARGUMENT, DATA_LOSS: a token file or the trainer is not
  //   what it should be.
  // - other: the server refuses this worker for good.
  absl::Status Run();

 private:
  absl::Status ReadCapabilities();
  // Delivers the results that are kept, then asks for a job.
  absl::StatusOr<v1::LeaseJobResponse> Lease();
  // Waits after trouble, longer from time to time, so that a sick machine does not
  // use up the retries of all jobs.
  void WaitAfterTrouble();
  bool IsTimeToLeave() const;

  const Context context_;
  absl::Duration last_job_;  // its end, or the start of the agent; on the steady clock
  v1::WorkerCapabilities capabilities_;
  int troubles_ = 0;  // one after the other
};

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_AGENT_H_
