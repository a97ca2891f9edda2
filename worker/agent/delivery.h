// Results on their way to the server: kept on disk first, delivered once.

#ifndef BITBUDGET_WORKER_AGENT_DELIVERY_H_
#define BITBUDGET_WORKER_AGENT_DELIVERY_H_

#include "absl/status/status.h"
#include "bitbudget/v1/job.pb.h"
#include "client/cpp/client.h"
#include "worker/agent/work_directory.h"

namespace bitbudget::agent {

// Keeps the result on disk, then tries to deliver it. OK once the server has it or
// the disk has; otherwise why neither has.
absl::Status Deliver(client::Client& client,
                     const WorkDirectory& work,
                     const v1::CompleteJobRequest& result);

// Delivers what earlier attempts, or an earlier agent, could not. OK once nothing is
// kept any more; the error of the first that the server cannot take now.
absl::Status DeliverSpooled(client::Client& client, const WorkDirectory& work);

// True if the same call may succeed later without a change.
bool IsTransient(const absl::Status& error);

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_DELIVERY_H_
