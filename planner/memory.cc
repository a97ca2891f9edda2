#include "planner/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "planner/root.h"
#include "util/error.h"

namespace bitbudget::planner {
namespace {

constexpr double kBitsPerByte = 8;
constexpr double kFullPrecisionBits = 16;
constexpr double kMostTernaryBits = 1.6;

// Parameters of a layer in width^2 between which a shape is believed. Usual models
// have 10 to 26.
constexpr double kLeastLayerCoefficient = 4;
constexpr double kMostLayerCoefficient = 40;

// A Newton step below this in a logarithm leaves an error near 1e-15.
constexpr double kStepTolerance = 1e-7;

// No model has less than a parameter; none has more than 1e18.
constexpr double kMostLogParameters = 42;

double WidthOf(const MemoryModel& model, double block_parameters) {
  return std::cbrt(model.width_per_layer * block_parameters / model.layer_coefficient);
}

double EmbeddingParameters(const MemoryModel& model, double width) {
  return (model.tied_embeddings ? 1 : 2) * model.vocabulary * width;
}

// Inverse of n + embeddings(n); n is at most N.
double BlockParameters(const MemoryModel& model, double parameters) {
  if (!model.law_counts_embeddings) return parameters;
  const double log_block = FindRoot(
      [&](double x) {
        const double block = std::exp(x);
        const double embedding = EmbeddingParameters(model, WidthOf(model, block));
        return ValueAndSlope{std::log((block + embedding) / parameters),
                             (block + embedding / 3) / (block + embedding)};
      },
      // Embeddings grow with the cube root: far below 1 the blocks vanish.
      -3 * kMostLogParameters,
      std::log(parameters),
      std::log(parameters) - 0.1,
      kStepTolerance);
  return std::exp(log_block);
}

ModelMemory MemoryOfBlocks(const MemoryModel& model, double block_parameters, double weight_bits) {
  ModelMemory memory;
  memory.block_parameters = block_parameters;
  memory.width = WidthOf(model, block_parameters);
  memory.layers = memory.width / model.width_per_layer;
  memory.embedding_parameters = EmbeddingParameters(model, memory.width);
  memory.storage_bits = StorageBits(model, weight_bits);
  memory.embedding_bits =
      model.embedding_bits.value_or(std::max(4.0, StorageBits(model, weight_bits)));

  const bool is_grouped = model.group_size > 0 && model.group_size < memory.width;
  const double group_size = is_grouped ? model.group_size : memory.width;
  const double block_groups =
      memory.storage_bits < kFullPrecisionBits ? block_parameters / group_size : 0;
  const double embedding_groups =
      memory.embedding_bits < kFullPrecisionBits ? memory.embedding_parameters / group_size : 0;
  const double groups = block_groups + embedding_groups;
  memory.block_bytes = block_parameters * memory.storage_bits / kBitsPerByte;
  memory.scale_bytes = groups * model.scale_bits / kBitsPerByte;
  memory.zero_point_bytes = groups * model.zero_point_bits / kBitsPerByte;
  memory.embedding_bytes = memory.embedding_parameters * memory.embedding_bits / kBitsPerByte;
  // Two in each layer, one at the end.
  const double layer_norm_bytes = 2 * memory.layers * memory.width * model.norm_bits / kBitsPerByte;
  const double last_norm_bytes = memory.width * model.norm_bits / kBitsPerByte;
  memory.norm_bytes = layer_norm_bytes + last_norm_bytes;
  memory.kv_cache_bytes = 2 * memory.layers * memory.width * model.key_value_share *
                          model.context_tokens * model.batch * model.kv_cache_bits / kBitsPerByte;
  const double items = memory.block_bytes + memory.scale_bytes + memory.zero_point_bytes +
                       memory.embedding_bytes + memory.norm_bytes + memory.kv_cache_bytes;
  memory.overhead_bytes = model.overhead_share * items + model.overhead_bytes;
  memory.total_bytes = items + memory.overhead_bytes;

  // The width grows with the cube root of the parameters, a row of groups with it.
  const double group_bytes = (model.scale_bits + model.zero_point_bits) / kBitsPerByte;
  const double slope = memory.block_bytes + memory.embedding_bytes / 3 + layer_norm_bytes * 2 / 3 +
                       last_norm_bytes / 3 + memory.kv_cache_bytes * 2 / 3 +
                       group_bytes * (block_groups * (is_grouped ? 1 : 2.0 / 3) +
                                      embedding_groups * (is_grouped ? 1.0 / 3 : 0));
  memory.elasticity = (1 + model.overhead_share) * slope / memory.total_bytes;
  return memory;
}

}  // namespace

double StorageBits(const MemoryModel& model, double weight_bits) {
  if (weight_bits > 1 && weight_bits <= kMostTernaryBits) {
    return model.ternary_storage == TernaryStorage::kTwoBits ? 2 : kMostTernaryBits;
  }
  return std::ceil(weight_bits);
}

ModelMemory MemoryOf(const MemoryModel& model, double parameters, double weight_bits) {
  return MemoryOfBlocks(model, BlockParameters(model, parameters), weight_bits);
}

double LargestModel(const MemoryModel& model, double bytes, double weight_bits) {
  if (!(MemoryOfBlocks(model, 1, weight_bits).total_bytes <= bytes)) return 0;
  const double log_block = FindRoot(
      [&](double x) {
        const ModelMemory memory = MemoryOfBlocks(model, std::exp(x), weight_bits);
        return ValueAndSlope{std::log(memory.total_bytes / bytes), memory.elasticity};
      },
      0,
      kMostLogParameters,
      std::log(kBitsPerByte * bytes / weight_bits),
      kStepTolerance);
  const double block = std::exp(log_block);
  if (!model.law_counts_embeddings) return block;
  return block + EmbeddingParameters(model, WidthOf(model, block));
}

absl::Status FitShape(double parameters, double layers, double width, MemoryModel* model) {
  const double embedding = model->law_counts_embeddings ? EmbeddingParameters(*model, width) : 0;
  const double block = parameters - embedding;
  if (!(block > 0)) {
    return InvalidField("parameters",
                        fmt::format("is {:g}, which count embedding and head; those alone have "
                                    "{:g} at width {:g}",
                                    parameters,
                                    embedding,
                                    width));
  }
  const double coefficient = block / (layers * width * width);
  if (!(coefficient >= kLeastLayerCoefficient && coefficient <= kMostLayerCoefficient)) {
    return InvalidField(
        "memory_model.layers",
        fmt::format("is {:g}, of width {:g}: {:g} parameters in the blocks would be {:.3g} width^2 "
                    "a layer; a transformer has {:g} to {:g}, usually 12",
                    layers,
                    width,
                    block,
                    coefficient,
                    kLeastLayerCoefficient,
                    kMostLayerCoefficient));
  }
  model->layer_coefficient = coefficient;
  model->width_per_layer = width / layers;
  return absl::OkStatus();
}

}  // namespace bitbudget::planner
