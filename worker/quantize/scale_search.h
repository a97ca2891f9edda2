// Search for the scale of least squared error, shared by the quantizers.

#ifndef BITBUDGET_WORKER_QUANTIZE_SCALE_SEARCH_H_
#define BITBUDGET_WORKER_QUANTIZE_SCALE_SEARCH_H_

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "worker/quantize/quantizer.h"

namespace bitbudget::worker {

// No scale becomes smaller: a row of zeros must not divide by zero.
inline constexpr double kSmallestScale = 1e-8;

// Tries scales between 0.2 and 1.2 of `covering`, the scale at which the largest
// weight just reaches the last level, in steps of 1/128. The error is a
// jagged function of the scale with many local minima, so that a grid beats a
// descent.
template <class T>
T SearchScale(const Quantizer<T>& quantizer, std::span<const T> weights, T covering) {
  std::vector<T> values(weights.size());
  T best_scale = std::max(covering, static_cast<T>(kSmallestScale));
  double best_error = std::numeric_limits<double>::infinity();
  for (int step = 26; step <= 154; ++step) {
    const T scale = covering * static_cast<T>(step) / 128;
    if (!(scale > static_cast<T>(kSmallestScale))) continue;
    quantizer.Quantize(weights, scale, values);
    double error = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const double difference = static_cast<double>(values[i]) - static_cast<double>(weights[i]);
      error += difference * difference;
    }
    if (error < best_error) {
      best_error = error;
      best_scale = scale;
    }
  }
  return best_scale;
}

template <class T>
T LargestMagnitude(std::span<const T> weights) {
  T largest = 0;
  for (const T weight : weights) largest = std::max(largest, std::abs(weight));
  return largest;
}

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_QUANTIZE_SCALE_SEARCH_H_
