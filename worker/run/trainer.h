// Training itself: one step after another, from a state that can be saved.

#ifndef BITBUDGET_WORKER_RUN_TRAINER_H_
#define BITBUDGET_WORKER_RUN_TRAINER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "worker/data/batches.h"
#include "worker/data/token_file.h"
#include "worker/engine/model.h"
#include "worker/run/checkpoint.h"
#include "worker/run/config.h"

namespace bitbudget::worker {

struct StepReport {
  double loss_nats;      // mean over the batch, before the update
  double gradient_norm;  // before clipping
  double rate;

  // A run whose loss or gradient is not finite has diverged: its parameters were
  // not updated and never will be.
  bool diverged() const;
};

struct Evaluation {
  double loss_nats;         // mean cross-entropy a token
  double loss_stderr_nats;  // from the spread between windows
  int64_t tokens;
};

// Not thread-safe. With one configuration, data, build, processor and number of
// threads every step has the same bits, however often training was interrupted.
class Trainer {
 public:
  // `config` is bound to `data`, which outlives the trainer. Starts at step 0
  // with weights drawn from the seed: normal, of variance 1 / inputs (a quarter
  // of that for embeddings, less for what adds to the residual stream). Sets the
  // number of BLAS threads of the process.
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(const RunConfig& config,
                                                         const TokenFile& data);

  // Continues from a checkpoint: of this run, of one with the same FP phase, or
  // of a trunk, up to where the paths part.
  // FAILED_PRECONDITION, reason CHECKPOINT_MISMATCH: the states would differ.
  absl::Status Restore(Checkpoint checkpoint);

  // The state after the last step, ready to be written.
  Checkpoint Save() const;

  // Takes the next step; step() < total_steps().
  StepReport Step();

  // What would be served, laid out by layout(): the parameters themselves; in the
  // QAT phase their quantized values; after training, if the run quantizes only
  // then, what they are rounded to. Holds until the next call.
  std::span<const float> ServedParameters();

  // Loss of the served parameters on the validation windows.
  Evaluation Evaluate();

  int64_t step() const { return state_.step; }
  int64_t tokens() const { return state_.step * config_.step_tokens(); }
  int64_t total_steps() const { return schedule_.total_steps(); }
  const Schedule& schedule() const { return schedule_; }
  const ParameterLayout& layout() const { return layout_; }
  const RunHashes& hashes() const { return hashes_; }
  const TrainingState& state() const { return state_; }

 private:
  Trainer(const RunConfig& config, const TokenFile& data);
  void DrawWeights();
  void BeginQat();
  bool AcceptsStateOf(const Checkpoint& checkpoint) const;
  // What a step computes with: the parameters, or their quantized values.
  const float* EffectiveParameters();
  void BackwardThroughQuantizers();
  void Update(const StepReport& report);

  RunConfig config_;
  const TokenFile& data_;
  Schedule schedule_;
  ParameterLayout layout_;
  RunHashes hashes_;
  Model<float> model_;
  TrainingBatches batches_;
  std::optional<QuantizedWeights<float>> quantized_;
  TrainingState state_;
  Buffer<float> gradients_;  // of parameters, then of log-scales
  Buffer<float> effective_;
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_RUN_TRAINER_H_
