// One job from its configuration to its outcome.

#ifndef BITBUDGET_WORKER_RUN_RUN_H_
#define BITBUDGET_WORKER_RUN_RUN_H_

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "worker/run/config.h"
#include "worker/run/reporter.h"

namespace bitbudget::worker {

struct RunOptions {
  // Where checkpoints go: latest.ckpt, replaced as the run goes on, and
  // milestone-TOKENS.ckpt. Exists. Empty: none are written.
  std::string checkpoint_directory;

  // Continue from latest.ckpt if it is there.
  bool resume = false;

  // Time between two writes of latest.ckpt, and between two progress events.
  absl::Duration checkpoint_interval = absl::Minutes(1);
  absl::Duration progress_interval = absl::Seconds(1);

  // What MeasureGemmRate has found on this machine with as many threads; 0: it is
  // measured.
  double gemm_flops_per_second = 0;
};

enum class Outcome { kFinished, kDiverged, kInterrupted };

// Trains, reporting to `reporter`, until the end, divergence, or until `stop` is
// true; then a checkpoint is written after the step at hand. Every outcome and
// every error is also reported as the last event.
//
// Errors, beside those of the configuration, the data and the checkpoints:
// - INVALID_ARGUMENT: milestones are asked for without a directory.
// - RESOURCE_EXHAUSTED: a milestone cannot be written. A latest.ckpt that cannot
//   is a warning, for the result does not need it.
absl::StatusOr<Outcome> RunJob(const RunConfig& config,
                               const RunOptions& options,
                               const std::atomic<bool>& stop,
                               Reporter& reporter);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_RUN_RUN_H_
