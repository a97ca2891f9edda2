// Elastic binarization: the sign of a weight times a learned scale, 1 bit.

#ifndef BITBUDGET_WORKER_QUANTIZE_ELASTIC_BINARY_H_
#define BITBUDGET_WORKER_QUANTIZE_ELASTIC_BINARY_H_

#include <algorithm>
#include <cmath>

#include "worker/quantize/scale_search.h"

namespace bitbudget::worker {

template <class T>
class ElasticBinary final : public Quantizer<T> {
 public:

  void Quantize(std::span<const T> weights, T scale, std::span<T> values) const override {
#pragma omp simd
    for (size_t i = 0; i < weights.size(); ++i) values[i] = weights[i] >= 0 ? scale : -scale;
  }

  T Backward(std::span<const T> weights, T scale, std::span<T> gradients) const override {
    T scale_gradient = 0;
#pragma omp simd reduction(+ : scale_gradient)
    for (size_t i = 0; i < weights.size(); ++i) {
      scale_gradient += weights[i] >= 0 ? gradients[i] : -gradients[i];
      gradients[i] = std::abs(weights[i]) <= scale ? gradients[i] : T{0};
    }
    return scale * scale_gradient;
  }

  // sum (|w| - s)^2 is least at the mean.
  T BestScale(std::span<const T> weights) const override {
    double total = 0;
    for (const T weight : weights) total += std::abs(static_cast<double>(weight));
    return static_cast<T>(std::max(total / static_cast<double>(weights.size()), kSmallestScale));
  }
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_QUANTIZE_ELASTIC_BINARY_H_
