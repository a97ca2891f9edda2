// Which tokens a step trains on, and which windows are evaluated.
//
// Tokens are cut into windows of context + 1 that overlap by one, so that each
// token but the first is predicted once. Pure functions of their inputs.

#ifndef BITBUDGET_WORKER_DATA_BATCHES_H_
#define BITBUDGET_WORKER_DATA_BATCHES_H_

#include <cstdint>
#include <span>
#include <vector>

namespace bitbudget::worker {

// Windows in `tokens` tokens.
int64_t WindowCount(int64_t tokens, int context);

// A shuffled pass over the training windows, and further ones if a run needs
// them, each shuffled anew. Not thread-safe.
class TrainingBatches {
 public:
  // `tokens` outlives this and has at least one window.
  TrainingBatches(std::span<const uint8_t> tokens, int context, int sequences, uint64_t seed);

  // The batch of the step that follows `step` completed ones, [sequences]
  // [context + 1]. Holds until the next call. Any order of steps is right; one
  // that goes back to an earlier pass costs a shuffle.
  std::span<const uint8_t> At(int64_t step);

 private:
  void Shuffle(int64_t pass);

  std::span<const uint8_t> tokens_;
  int context_;
  int sequences_;
  uint64_t seed_;
  int64_t pass_ = -1;
  std::vector<uint32_t> order_;
  std::vector<uint8_t> batch_;
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_DATA_BATCHES_H_
