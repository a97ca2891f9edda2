// What a run says while it goes on: JSON lines for a program, or a progress bar
// and the curve for a person. docs/worker.md documents the lines.

#ifndef BITBUDGET_WORKER_RUN_REPORTER_H_
#define BITBUDGET_WORKER_RUN_REPORTER_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "worker/run/config.h"

namespace bitbudget::worker {

struct StartedEvent {
  RunConfig config;
  RunHashes hashes;
  std::string data_sha256;
  int64_t parameters = 0;
  int64_t embedding_parameters = 0;
  int64_t total_tokens = 0;
  int64_t start_tokens = 0;  // tokens that the state it starts from has seen
  double step_flops = 0;
  double gemm_flops_per_second = 0;
  std::string blas;
};

struct ProgressEvent {
  int64_t step = 0;
  int64_t tokens = 0;
  int64_t total_tokens = 0;
  double loss_nats = 0;  // mean of the steps since the last progress
  double learning_rate = 0;
  double gradient_norm = 0;
  double tokens_per_second = 0;
};

struct CheckpointEvent {
  std::string path;
  int64_t tokens = 0;
  std::string sha256;
  bool milestone = false;
};

// The fields of an experiment, and what the run cost.
struct FinishedEvent {
  RunConfig config;
  RunHashes hashes;
  int64_t parameters = 0;
  int64_t embedding_parameters = 0;
  int64_t fp_tokens = 0;  // as trained: whole steps
  int64_t qat_tokens = 0;
  std::optional<double> loss_nats;  // unset if not evaluated
  double loss_stderr_nats = 0;
  int64_t evaluation_tokens = 0;
  double train_seconds = 0;  // of this process, without evaluation
  double tokens_per_second = 0;
  double flops = 0;       // of the whole run
  double gemm_share = 0;  // FLOP/s of training over those of a large product
  int64_t peak_memory_bytes = 0;
};

struct DivergedEvent {
  int64_t step = 0;
  int64_t tokens = 0;
  double loss_nats = 0;
  double gradient_norm = 0;
};

class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void Started(const StartedEvent& event) = 0;
  virtual void Progress(const ProgressEvent& event) = 0;
  virtual void CheckpointWritten(const CheckpointEvent& event) = 0;
  virtual void Warning(const std::string& message) = 0;
  virtual void Finished(const FinishedEvent& event) = 0;
  virtual void Diverged(const DivergedEvent& event) = 0;
  virtual void Interrupted(int64_t tokens) = 0;
  virtual void Failed(const absl::Status& status) = 0;
};

// One JSON object a line, each flushed. `out` outlives the reporter.
std::unique_ptr<Reporter> MakeJsonReporter(std::FILE* out);

// For a terminal. `out` outlives the reporter.
std::unique_ptr<Reporter> MakeTerminalReporter(std::FILE* out);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_RUN_REPORTER_H_
