// Stretched elastic quantization (ParetoQ, arXiv 2502.02631): 3 or 4 levels,
// balanced around zero. At so few levels none may be wasted, and LSQ's grid of
// 2 bits has one positive level against two negative ones.

#ifndef BITBUDGET_WORKER_QUANTIZE_STRETCHED_ELASTIC_H_
#define BITBUDGET_WORKER_QUANTIZE_STRETCHED_ELASTIC_H_

#include <algorithm>
#include <cmath>

#include "worker/quantize/scale_search.h"

namespace bitbudget::worker {

template <class T>
class StretchedElastic final : public Quantizer<T> {
 public:
  // `levels` is 3 or 4.
  explicit StretchedElastic(int levels)
      : half_levels_(static_cast<T>(levels) / 2),
        shift_(levels % 2 == 0 ? static_cast<T>(0.5) : T{0}) {}


  void Quantize(std::span<const T> weights, T scale, std::span<T> values) const override {
    const T inverse = 1 / scale;
    const T step = scale / half_levels_;
#pragma omp simd
    for (size_t i = 0; i < weights.size(); ++i) {
      values[i] = step * Code(weights[i] * inverse);
    }
  }

  T Backward(std::span<const T> weights, T scale, std::span<T> gradients) const override {
    const T inverse = 1 / scale;
    const T width = 1 / half_levels_;
    T scale_gradient = 0;
#pragma omp simd reduction(+ : scale_gradient)
    for (size_t i = 0; i < weights.size(); ++i) {
      const T x = weights[i] * inverse;
      const bool inside = std::abs(x) <= kClip;
      const T level = Code(x) * width;
      scale_gradient += gradients[i] * (inside ? level - x : level);
      gradients[i] = inside ? gradients[i] : T{0};
    }
    return scale * scale_gradient;
  }

  T BestScale(std::span<const T> weights) const override {
    // The outermost level lies half a step inside +-scale.
    const T outermost = (half_levels_ - static_cast<T>(0.5)) / half_levels_;
    return SearchScale<T>(*this, weights, LargestMagnitude(weights) / outermost);
  }

 private:
  // A clip at 1 exactly would round to one level more.
  static constexpr T kClip = static_cast<T>(0.99);

  T Code(T x) const {
    return std::nearbyint(std::clamp(x, -kClip, kClip) * half_levels_ - shift_) + shift_;
  }

  T half_levels_;
  T shift_;
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_QUANTIZE_STRETCHED_ELASTIC_H_
