// The transformer: loss and its exact gradient, written out by hand.
//
// Parameters and gradients are flat buffers laid out by ParameterLayout, so that
// the optimizer, the quantizers and checkpoints each are one loop. Activations
// are allocated once. There is no graph and no dispatch: a step at a width of 32
// is 1.4 ms of arithmetic, and an autograd engine adds more than that.

#ifndef BITBUDGET_WORKER_ENGINE_MODEL_H_
#define BITBUDGET_WORKER_ENGINE_MODEL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "worker/engine/attention.h"
#include "worker/engine/buffer.h"
#include "worker/engine/shape.h"

namespace bitbudget::worker {

// T is float for training and double for checking. Not thread-safe. Results
// depend on parameters, tokens and the BLAS kernel only.
template <class T>
class Model {
 public:
  // Works on batches of `sequences` sequences; at least 1.
  Model(const ParameterLayout& layout, int sequences);

  // Cross-entropy in nats of each predicted token, sequence by sequence.
  // `tokens` is [sequences][context + 1]: each token but the first of its
  // sequence is predicted from those before it. All are below the vocabulary.
  // The result holds until the next call; entries are not finite if the
  // parameters are not.
  std::span<const double> Forward(const T* parameters, std::span<const uint8_t> tokens);

  // Gradient of the mean of the last Forward's losses, with the same
  // parameters. Overwrites all of `gradients`, zero in the padding. Once for
  // each Forward.
  void Backward(const T* parameters, T* gradients);

 private:
  // What one layer keeps for its backward pass, [rows][...].
  struct Layer {
    Buffer<T> input;         // [width]
    Buffer<T> norm_inverse;  // one a row
    Buffer<T> normed;        // [width]
    Buffer<T> qkv;           // [3 width]
    Buffer<T> probabilities;
    Buffer<T> attended;        // [width]
    Buffer<T> middle;          // [width], after the attention block
    Buffer<T> middle_inverse;  // one a row
    Buffer<T> middle_normed;   // [width]
    Buffer<T> expanded;        // [expanded], then its derivatives
    Buffer<T> activated;       // [hidden]
  };

  void SplitTokens(std::span<const uint8_t> tokens);
  void ForwardLayer(const T* parameters, const LayerOffsets& at, Layer& layer, T* output);
  void BackwardHead(const T* parameters, T* gradients);
  void BackwardFeedForward(const T* parameters, const LayerOffsets& at, Layer& layer, T* gradients);
  void BackwardAttention(const T* parameters, const LayerOffsets& at, Layer& layer, T* gradients);

  ParameterLayout layout_;
  ModelShape shape_;
  int64_t rows_;  // tokens a batch
  Attention<T> attention_;
  std::vector<uint8_t> inputs_;
  std::vector<uint8_t> targets_;
  std::vector<double> losses_;
  std::vector<Layer> layers_;
  Buffer<T> output_;  // of the last layer, [rows][width]
  Buffer<T> output_inverse_;
  Buffer<T> output_normed_;
  Buffer<T> logits_;     // [rows][vocabulary], then their gradient
  Buffer<T> dresidual_;  // gradient of the residual stream, [rows][width]
  Buffer<T> dnarrow_;    // [rows][width]
  Buffer<T> dwide_;      // [rows][max(3 width, hidden)]
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_MODEL_H_
