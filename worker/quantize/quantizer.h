// Fake quantizers: what a weight becomes at few bits, and the gradient that
// training pretends the rounding had.
//
// A group of weights shares one scale s > 0, which is learned through its
// logarithm: scales differ by orders of magnitude between rows, and Adam's steps
// have one size for all. With x = w / s:
//
//   method                bits      value
//   lsq                   3 to 8    s clamp(round(x), -2^(b-1), 2^(b-1) - 1)
//   stretched_elastic     1.58, 2   s (round(clip(x, -.99, .99) k/2 - h) + h) / (k/2)
//                                   with k = 3, h = 0 or k = 4, h = 1/2 levels
//   elastic_binary        1         s sign(x), sign(0) = 1
//
// Rounding is to the nearest, halves to even. The surrogate gradient holds the
// rounding error constant: inside the range d value / d w = 1 and
// d value / d s = value / s - x; outside the weight gets none and
// d value / d s = value / s. (elastic_binary: d value / d w = 1 for |x| <= 1;
// d value / d s = sign(x) everywhere.) There is no factor 1 / sqrt(N) on the
// scale's gradient, for Adam is blind to it.

#ifndef BITBUDGET_WORKER_QUANTIZE_QUANTIZER_H_
#define BITBUDGET_WORKER_QUANTIZE_QUANTIZER_H_

#include <memory>
#include <span>

#include "absl/status/statusor.h"

namespace bitbudget::worker {

// A quantizer for one width. Immutable, thread-safe. T is float or double.
template <class T>
class Quantizer {
 public:
  virtual ~Quantizer() = default;

  // values[i] is what weights[i] becomes; same sizes, not overlapping.
  virtual void Quantize(std::span<const T> weights, T scale, std::span<T> values) const = 0;

  // Turns the gradient of the values into that of the weights, in place, and
  // returns the gradient of log(scale).
  virtual T Backward(std::span<const T> weights, T scale, std::span<T> gradients) const = 0;

  // The scale with the least squared error; positive even if all weights are 0.
  virtual T BestScale(std::span<const T> weights) const = 0;
};

// The quantizer for `bits`: 1, 1.58, 2, or 3 to 8 in whole numbers.
// INVALID_ARGUMENT, field "quantization.bits", for any other.
template <class T>
absl::StatusOr<std::unique_ptr<const Quantizer<T>>> MakeQuantizer(double bits);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_QUANTIZE_QUANTIZER_H_
