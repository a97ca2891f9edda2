#include "worker/engine/shape.h"

#include <utility>

#include "fmt/format.h"
#include "util/error.h"

namespace bitbudget::worker {
namespace {

// Elements that offsets and inner sizes are multiples of: 64 bytes of floats.
constexpr int kBlock = 16;

int64_t RoundUp(int64_t value) { return (value + kBlock - 1) / kBlock * kBlock; }

absl::Status RequireMultiple(const char* field, int value, int unit) {
  if (value >= unit && value % unit == 0) return absl::OkStatus();
  return InvalidField(field, fmt::format("{} is not a positive multiple of {}", value, unit));
}

absl::Status RequireRange(const char* field, int value, int low, int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return InvalidField(field, fmt::format("{} is outside {} to {}", value, low, high));
}

}  // namespace

int DefaultHidden(int width, FeedForward feed_forward) {
  if (feed_forward == FeedForward::kGelu) return 4 * width;
  return static_cast<int>(RoundUp((8 * static_cast<int64_t>(width) + 2) / 3));
}

absl::Status ValidateShape(const ModelShape& shape) {
  constexpr int kLimit = 1 << 16;
  for (const absl::Status& status : {
           RequireRange("model.vocabulary", shape.vocabulary, 2, 256),
           RequireRange("model.layers", shape.layers, 1, 1000),
           RequireRange("model.width", shape.width, kBlock, kLimit),
           RequireRange("model.hidden", shape.hidden, kBlock, kLimit),
           RequireRange("model.context", shape.context, kBlock, kLimit),
           RequireMultiple("model.head_size", shape.head_size, kBlock),
           RequireMultiple("model.hidden", shape.hidden, kBlock),
           RequireMultiple("model.context", shape.context, kBlock),
       }) {
    if (!status.ok()) return status;
  }
  if (shape.width % shape.head_size != 0) {
    return InvalidField(
        "model.width",
        fmt::format("{} is not a multiple of model.head_size, {}", shape.width, shape.head_size));
  }
  const double per_layer = 4.0 * shape.width * shape.width +
                           static_cast<double>(shape.width) * (shape.expanded() + shape.hidden);
  if (const double total = per_layer * shape.layers; total > 2147483648.0) {
    return InvalidField("model", fmt::format("{:.3g} parameters are more than 2^31", total));
  }
  return absl::OkStatus();
}

ParameterLayout::ParameterLayout(const ModelShape& shape) : shape_(shape), layers_(shape.layers) {
  AddMatrices();
  matrix_size_ = size_;
  AddGains();
}

int64_t ParameterLayout::Add(std::string name, ParameterKind kind, int64_t rows, int64_t columns) {
  const int64_t offset = size_;
  parameters_.push_back({std::move(name), kind, offset, rows, columns});
  size_ += RoundUp(rows * columns);
  return offset;
}

void ParameterLayout::AddMatrices() {
  const int64_t width = shape_.width;
  embedding_ = Add("embedding", ParameterKind::kEmbedding, shape_.vocabulary, width);
  head_ = shape_.tied_embeddings ? embedding_
                                 : Add("head", ParameterKind::kHead, shape_.vocabulary, width);
  for (int i = 0; i < shape_.layers; ++i) {
    const auto add = [&](const char* name, int64_t rows, int64_t columns) {
      return Add(fmt::format("layers.{}.{}", i, name), ParameterKind::kBlockMatrix, rows, columns);
    };
    layers_[i].qkv = add("attention.qkv", 3 * width, width);
    layers_[i].output = add("attention.output", width, width);
    layers_[i].expand = add("feed_forward.expand", shape_.expanded(), width);
    layers_[i].contract = add("feed_forward.contract", width, shape_.hidden);
  }
}

void ParameterLayout::AddGains() {
  const auto add = [&](std::string name) {
    return Add(std::move(name), ParameterKind::kGain, 1, shape_.width);
  };
  for (int i = 0; i < shape_.layers; ++i) {
    layers_[i].attention_gain = add(fmt::format("layers.{}.attention.gain", i));
    layers_[i].feed_forward_gain = add(fmt::format("layers.{}.feed_forward.gain", i));
  }
  final_gain_ = add("final_gain");
}

int64_t ParameterLayout::block_parameters() const {
  int64_t count = 0;
  for (const Parameter& parameter : parameters_) {
    const bool in_block =
        parameter.kind == ParameterKind::kBlockMatrix || parameter.kind == ParameterKind::kGain;
    if (in_block) count += parameter.size();
  }
  return count;
}

int64_t ParameterLayout::embedding_parameters() const {
  const int64_t matrix = static_cast<int64_t>(shape_.vocabulary) * shape_.width;
  return shape_.tied_embeddings ? matrix : 2 * matrix;
}

double StepFlops(const ModelShape& shape, int64_t tokens) {
  const double width = shape.width;
  const double layer_weights = width * (4 * width + shape.expanded() + shape.hidden);
  const double weights = shape.layers * layer_weights + width * shape.vocabulary;
  // Two products of width x context a token, half of it behind the causal mask.
  const double attention = shape.layers * width * shape.context;
  return 6.0 * static_cast<double>(tokens) * (weights + attention);
}

}  // namespace bitbudget::worker
