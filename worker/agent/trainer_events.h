// What bitbudget-train prints, as the contract's messages (docs/worker.md, "What a
// run prints"). Pure.

#ifndef BITBUDGET_WORKER_AGENT_TRAINER_EVENTS_H_
#define BITBUDGET_WORKER_AGENT_TRAINER_EVENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/job.pb.h"

namespace bitbudget::agent {

struct StartedEvent {
  int64_t start_tokens = 0;          // that the first state has seen
  double gemm_flops_per_second = 0;  // of a large product; 0: unknown
};

struct CheckpointEvent {
  v1::Checkpoint checkpoint;
  bool milestone = false;
};

struct WarningEvent {
  std::string message;
};

struct FinishedEvent {
  v1::Experiment experiment;
  v1::RunStatistics statistics;
};

struct DivergedEvent {
  std::string message;
};

struct InterruptedEvent {
  int64_t tokens = 0;
};

struct FailedEvent {
  std::string code;    // "INVALID_ARGUMENT"
  std::string reason;  // "INVALID_FIELD", or empty
  std::string message;
};

// Not a line of the protocol, or one that this version does not know.
struct UnknownEvent {};

using TrainerEvent = std::variant<UnknownEvent,
                                  StartedEvent,
                                  v1::ProgressPoint,
                                  CheckpointEvent,
                                  WarningEvent,
                                  FinishedEvent,
                                  DivergedEvent,
                                  InterruptedEvent,
                                  FailedEvent>;

TrainerEvent ParseTrainerEvent(std::string_view line);

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_TRAINER_EVENTS_H_
