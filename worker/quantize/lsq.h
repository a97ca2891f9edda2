// Learned step size quantization (arXiv 1902.08153), 3 to 8 bits.

#ifndef BITBUDGET_WORKER_QUANTIZE_LSQ_H_
#define BITBUDGET_WORKER_QUANTIZE_LSQ_H_

#include <algorithm>
#include <cmath>

#include "worker/quantize/scale_search.h"

namespace bitbudget::worker {

template <class T>
class Lsq final : public Quantizer<T> {
 public:
  explicit Lsq(int bits)
      : low_(static_cast<T>(-(1 << (bits - 1)))), high_(static_cast<T>((1 << (bits - 1)) - 1)) {}


  void Quantize(std::span<const T> weights, T scale, std::span<T> values) const override {
    const T inverse = 1 / scale;
#pragma omp simd
    for (size_t i = 0; i < weights.size(); ++i) {
      values[i] = scale * std::clamp(std::nearbyint(weights[i] * inverse), low_, high_);
    }
  }

  T Backward(std::span<const T> weights, T scale, std::span<T> gradients) const override {
    const T inverse = 1 / scale;
    T scale_gradient = 0;
#pragma omp simd reduction(+ : scale_gradient)
    for (size_t i = 0; i < weights.size(); ++i) {
      const T x = weights[i] * inverse;
      const bool inside = x >= low_ && x <= high_;
      const T level = std::clamp(std::nearbyint(x), low_, high_);
      scale_gradient += gradients[i] * (inside ? level - x : level);
      gradients[i] = inside ? gradients[i] : T{0};
    }
    return scale * scale_gradient;
  }

  T BestScale(std::span<const T> weights) const override {
    return SearchScale<T>(*this, weights, LargestMagnitude(weights) / high_);
  }

 private:
  T low_;
  T high_;
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_QUANTIZE_LSQ_H_
