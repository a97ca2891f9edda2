// A job as the configuration file of bitbudget-train (docs/worker.md). Pure.

#ifndef BITBUDGET_WORKER_AGENT_TRAINER_CONFIG_H_
#define BITBUDGET_WORKER_AGENT_TRAINER_CONFIG_H_

#include <string>

#include "bitbudget/v1/job.pb.h"

namespace bitbudget::agent {

// Fields that the job leaves unset are left to the trainer's defaults, which are
// the contract's. `start_checkpoint` may be empty.
std::string TrainerConfig(const v1::Job& job,
                          const std::string& data_path,
                          const std::string& start_checkpoint);

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_TRAINER_CONFIG_H_
