#include "worker/quantize/quantized_weights.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "fmt/format.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "worker/engine/math.h"

namespace bitbudget::worker {
namespace {

absl::StatusOr<int64_t> GroupSize(const Parameter& parameter, const Quantization& quantization) {
  switch (quantization.granularity) {
    case Granularity::kTensor:
      return parameter.size();
    case Granularity::kRow:
      return parameter.columns;
    case Granularity::kGroup:
      break;
  }
  const int64_t size = quantization.group_size;
  if (size >= 1 && parameter.columns % size == 0) return size;
  return InvalidField(
      "quantization.group_size",
      fmt::format(
          "{} does not divide the {} columns of {}", size, parameter.columns, parameter.name));
}

}  // namespace

template <class T>
absl::StatusOr<QuantizedWeights<T>> QuantizedWeights<T>::Create(const ParameterLayout& layout,
                                                                const Quantization& quantization) {
  QuantizedWeights result(layout);
  ASSIGN_OR_RETURN(result.block_quantizer_, MakeQuantizer<T>(quantization.bits));
  if (quantization.embeddings == EmbeddingBits::kAtLeastFour) {
    ASSIGN_OR_RETURN(result.embedding_quantizer_,
                     MakeQuantizer<T>(std::max(4.0, quantization.bits)));
  }
  for (const Parameter& parameter : layout.parameters()) {
    RETURN_IF_ERROR(result.AddSection(parameter, quantization));
  }
  return result;
}

template <class T>
absl::Status QuantizedWeights<T>::AddSection(const Parameter& parameter,
                                             const Quantization& quantization) {
  if (parameter.kind == ParameterKind::kGain) return absl::OkStatus();
  const auto& quantizer =
      parameter.kind == ParameterKind::kBlockMatrix ? block_quantizer_ : embedding_quantizer_;
  if (quantizer == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t group_size, GroupSize(parameter, quantization));
  const int64_t group_count = parameter.size() / group_size;
  sections_.push_back({.offset = parameter.offset,
                       .group_size = group_size,
                       .group_count = group_count,
                       .first_scale = scale_count_,
                       .quantizer = quantizer.get()});
  scale_count_ += group_count;
  return absl::OkStatus();
}

template <class T>
void QuantizedWeights<T>::InitializeScales(const T* parameters, T* log_scales) const {
  for (const Section& section : sections_) {
    for (int64_t group = 0; group < section.group_count; ++group) {
      const std::span weights(parameters + section.offset + group * section.group_size,
                              section.group_size);
      log_scales[section.first_scale + group] = std::log(section.quantizer->BestScale(weights));
    }
  }
}

template <class T>
void QuantizedWeights<T>::Quantize(const T* parameters, const T* log_scales, T* values) const {
  int64_t copied = 0;
  for (const Section& section : sections_) {
    std::copy(parameters + copied, parameters + section.offset, values + copied);
    copied = section.offset + section.group_size * section.group_count;
    for (int64_t group = 0; group < section.group_count; ++group) {
      const int64_t start = section.offset + group * section.group_size;
      section.quantizer->Quantize({parameters + start, static_cast<size_t>(section.group_size)},
                                  Exp(log_scales[section.first_scale + group]),
                                  {values + start, static_cast<size_t>(section.group_size)});
    }
  }
  std::copy(parameters + copied, parameters + size_, values + copied);
}

template <class T>
void QuantizedWeights<T>::Backward(const T* parameters,
                                   const T* log_scales,
                                   T* gradients,
                                   T* log_scale_gradients) const {
  for (const Section& section : sections_) {
    const auto size = static_cast<size_t>(section.group_size);
    for (int64_t group = 0; group < section.group_count; ++group) {
      const int64_t start = section.offset + group * section.group_size;
      const int64_t scale = section.first_scale + group;
      log_scale_gradients[scale] = section.quantizer->Backward(
          {parameters + start, size}, Exp(log_scales[scale]), {gradients + start, size});
    }
  }
}

template class QuantizedWeights<float>;
template class QuantizedWeights<double>;

}  // namespace bitbudget::worker
