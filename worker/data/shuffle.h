// A shuffle that is the same on every machine: std::shuffle's result is not
// specified, that of std::mt19937_64 is.

#ifndef BITBUDGET_WORKER_DATA_SHUFFLE_H_
#define BITBUDGET_WORKER_DATA_SHUFFLE_H_

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace bitbudget::worker {

// Fisher and Yates. The bias of taking the high part of a 64-bit product is below
// size / 2^64.
template <class T>
void ShuffleInPlace(std::vector<T>& values, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (size_t i = values.size(); i > 1; --i) {
    const auto product = static_cast<unsigned __int128>(random()) * i;
    std::swap(values[i - 1], values[static_cast<size_t>(product >> 64)]);
  }
}

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_DATA_SHUFFLE_H_
