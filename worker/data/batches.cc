#include "worker/data/batches.h"

#include <algorithm>
#include <numeric>

#include "worker/data/shuffle.h"

namespace bitbudget::worker {

int64_t WindowCount(int64_t tokens, int context) {
  return std::max<int64_t>(0, (tokens - 1) / context);
}

TrainingBatches::TrainingBatches(std::span<const uint8_t> tokens,
                                 int context,
                                 int sequences,
                                 uint64_t seed)
    : tokens_(tokens),
      context_(context),
      sequences_(sequences),
      seed_(seed),
      order_(WindowCount(static_cast<int64_t>(tokens.size()), context)),
      batch_(static_cast<size_t>(sequences) * (context + 1)) {}

void TrainingBatches::Shuffle(int64_t pass) {
  std::iota(order_.begin(), order_.end(), 0U);
  // Seeds of runs are small and close; spread them so that no two passes of any
  // two runs share one.
  constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;
  ShuffleInPlace(order_, (seed_ << 20 | static_cast<uint64_t>(pass)) * kSpread);
  pass_ = pass;
}

std::span<const uint8_t> TrainingBatches::At(int64_t step) {
  const auto count = static_cast<int64_t>(order_.size());
  uint8_t* target = batch_.data();
  for (int i = 0; i < sequences_; ++i, target += context_ + 1) {
    const int64_t index = step * sequences_ + i;
    if (index / count != pass_) Shuffle(index / count);
    const int64_t window = order_[index % count];
    std::copy_n(tokens_.data() + window * context_, context_ + 1, target);
  }
  return batch_;
}

}  // namespace bitbudget::worker
