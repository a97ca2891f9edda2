// Causal multi-head attention with rotary positions, forward and backward.

#ifndef BITBUDGET_WORKER_ENGINE_ATTENTION_H_
#define BITBUDGET_WORKER_ENGINE_ATTENTION_H_

#include <cstdint>

#include "worker/engine/buffer.h"
#include "worker/engine/shape.h"

namespace bitbudget::worker {

// Attention over `sequences` independent sequences of shape.context tokens.
// T is float or double. Not thread-safe: holds scratch memory.
//
// With q and k rotated, per head and sequence:
//   P = softmax(q k^T / sqrt(head_size)) over earlier positions,  out = P v.
template <class T>
class Attention {
 public:
  Attention(const ModelShape& shape, int sequences);

  // Elements of the probabilities that Forward keeps for Backward.
  int64_t probability_count() const;

  // `qkv` [sequences * context][3 width] is rotated in place, queries scaled too;
  // `out` [sequences * context][width].
  void Forward(T* qkv, T* probabilities, T* out);

  // From what Forward left and `dout`: the gradient of qkv as it was before
  // Forward. `dqkv` has the layout of qkv and is overwritten.
  void Backward(const T* qkv, const T* probabilities, const T* dout, T* dqkv);

 private:
  // Where one head of one sequence lies.
  struct Head {
    int64_t q, k, v;        // first element in qkv
    int64_t out;            // first element in out
    int64_t probabilities;  // first element of [context][context]
  };
  Head HeadOf(int sequence, int head) const;

  enum class Direction { kForward, kBackward };
  void Rotate(T* qkv, Direction direction) const;
  void Scores(const T* qkv, const Head& head, T* probabilities);
  void ScoreGradients(const T* qkv, const T* dout, const Head& head, const T* probabilities);

  // Copies columns of [context][stride] into rows of transposed_.
  void Transpose(const T* source, int64_t stride);

  ModelShape shape_;
  int sequences_;
  Buffer<T> cosines_;     // [context][head_size / 2]
  Buffer<T> sines_;       // [context][head_size / 2]
  Buffer<T> transposed_;  // [head_size][context]
  Buffer<T> dscores_;     // [context][context]
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_ATTENTION_H_
