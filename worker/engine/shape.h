// The transformer's shape, and where each of its parameters lies in one flat
// buffer. Pure data, thread-safe.

#ifndef BITBUDGET_WORKER_ENGINE_SHAPE_H_
#define BITBUDGET_WORKER_ENGINE_SHAPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace bitbudget::worker {

enum class FeedForward { kGelu, kSwiglu };

// A decoder-only transformer: RMSNorm before each block, rotary positions,
// causal attention, no biases.
struct ModelShape {
  int vocabulary = 256;  // 2 to 256: tokens are bytes
  int width = 0;         // a multiple of head_size
  int layers = 0;        // at least 1
  int head_size = 16;    // a multiple of 16
  int hidden = 0;        // inner width of the feed-forward part, a multiple of 16
  int context = 64;      // tokens a sequence, a multiple of 16
  FeedForward feed_forward = FeedForward::kGelu;
  bool tied_embeddings = true;  // the head is the embedding

  int heads() const { return width / head_size; }
  // Outputs of the first feed-forward matrix: SwiGLU has gate and value.
  int expanded() const { return feed_forward == FeedForward::kSwiglu ? 2 * hidden : hidden; }

  bool operator==(const ModelShape&) const = default;
};

// The usual inner width: 4 x width for GELU, 8/3 x width rounded up to a
// multiple of 16 for SwiGLU, so that both have about 12 width^2 parameters a
// layer.
int DefaultHidden(int width, FeedForward feed_forward);

// INVALID_ARGUMENT with the field ("model.width") that breaks a rule above or
// exceeds 2^31 parameters in all.
absl::Status ValidateShape(const ModelShape& shape);

enum class ParameterKind { kEmbedding, kHead, kBlockMatrix, kGain };

// One matrix [rows][columns], row-major: a row makes one output. A gain has one
// row.
struct Parameter {
  std::string name;  // "layers.0.attention.qkv"
  ParameterKind kind;
  int64_t offset;  // in elements; a multiple of 16
  int64_t rows;
  int64_t columns;

  int64_t size() const { return rows * columns; }
};

// Offsets of one layer's parameters.
struct LayerOffsets {
  int64_t attention_gain;
  int64_t qkv;     // [3 width][width]: queries, keys, values
  int64_t output;  // [width][width]
  int64_t feed_forward_gain;
  int64_t expand;    // [expanded][width]; SwiGLU: gate rows, then value rows
  int64_t contract;  // [width][hidden]
};

// All parameters in one buffer: matrices first (they decay), gains after them.
class ParameterLayout {
 public:
  // `shape` must be valid.
  explicit ParameterLayout(const ModelShape& shape);

  const ModelShape& shape() const { return shape_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<LayerOffsets>& layers() const { return layers_; }
  int64_t embedding() const { return embedding_; }  // [vocabulary][width]
  int64_t head() const { return head_; }            // the embedding's if tied
  int64_t final_gain() const { return final_gain_; }

  // Elements of the buffer, padding included, and of its front part that holds
  // the matrices.
  int64_t size() const { return size_; }
  int64_t matrix_size() const { return matrix_size_; }

  // Parameters outside embedding and head: the N of the scaling law. And those
  // of embedding and head, once if tied.
  int64_t block_parameters() const;
  int64_t embedding_parameters() const;

 private:
  int64_t Add(std::string name, ParameterKind kind, int64_t rows, int64_t columns);
  void AddMatrices();
  void AddGains();

  ModelShape shape_;
  std::vector<Parameter> parameters_;
  std::vector<LayerOffsets> layers_;
  int64_t embedding_ = 0;
  int64_t head_ = 0;
  int64_t final_gain_ = 0;
  int64_t size_ = 0;
  int64_t matrix_size_ = 0;
};

// Floating-point operations of one training step (forward and backward) on
// `tokens` tokens: 6 a weight and token in matrix products, and the causal half
// of attention.
double StepFlops(const ModelShape& shape, int64_t tokens);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_SHAPE_H_
