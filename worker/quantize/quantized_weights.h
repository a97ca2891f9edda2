// Which parameters of a model are quantized, with what and in what groups; and
// the way of a whole flat buffer through the quantizers and back.

#ifndef BITBUDGET_WORKER_QUANTIZE_QUANTIZED_WEIGHTS_H_
#define BITBUDGET_WORKER_QUANTIZE_QUANTIZED_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/engine/buffer.h"
#include "worker/engine/shape.h"
#include "worker/quantize/quantizer.h"

namespace bitbudget::worker {

// What shares a scale: a whole matrix, the weights of one output, or
// `group_size` neighbours in a row.
enum class Granularity { kTensor, kRow, kGroup };

// What happens to embedding and head.
enum class EmbeddingBits { kFullPrecision, kAtLeastFour };

struct Quantization {
  double bits = 16;  // of the matrices in the blocks; 16: no quantizer
  Granularity granularity = Granularity::kRow;
  int group_size = 0;  // with kGroup only
  EmbeddingBits embeddings = EmbeddingBits::kFullPrecision;

  bool enabled() const { return bits < 16; }
  bool operator==(const Quantization&) const = default;
};

// Gains are never quantized. Immutable, thread-safe. T is float or double.
template <class T>
class QuantizedWeights {
 public:
  // `quantization` must be enabled. INVALID_ARGUMENT with the field: no
  // quantizer for the bits, or a group size that does not divide every row.
  static absl::StatusOr<QuantizedWeights> Create(const ParameterLayout& layout,
                                                 const Quantization& quantization);

  int64_t scale_count() const { return scale_count_; }

  // log(scale) of least squared error for each group.
  void InitializeScales(const T* parameters, T* log_scales) const;

  // `values` [layout.size()] is what the model computes with: quantized matrices,
  // everything else as it is.
  void Quantize(const T* parameters, const T* log_scales, T* values) const;

  // Turns the gradient of the values into that of the parameters, in place;
  // writes the gradient of the log-scales.
  void Backward(const T* parameters,
                const T* log_scales,
                T* gradients,
                T* log_scale_gradients) const;

 private:
  // One matrix: groups of equal size, one after another.
  struct Section {
    int64_t offset;
    int64_t group_size;
    int64_t group_count;
    int64_t first_scale;
    const Quantizer<T>* quantizer;
  };

  explicit QuantizedWeights(const ParameterLayout& layout) : size_(layout.size()) {}
  absl::Status AddSection(const Parameter& parameter, const Quantization& quantization);

  int64_t size_;
  std::unique_ptr<const Quantizer<T>> block_quantizer_;
  std::unique_ptr<const Quantizer<T>> embedding_quantizer_;
  std::vector<Section> sections_;
  int64_t scale_count_ = 0;
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_QUANTIZE_QUANTIZED_WEIGHTS_H_
