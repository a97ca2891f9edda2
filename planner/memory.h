// What a served model takes of memory, item by item, as a function of its size
// and width: a decoder-only transformer whose shape follows from the number of
// its parameters by a rule. Pure functions, thread-safe.
//
// A model of n parameters in its blocks has layers of width w, w_per_layer times
// as wide as the model is deep, and width^2 times `layer_coefficient` parameters a
// layer:
//
//   n = coefficient * layers * width^2,   width = width_per_layer * layers
//
// Layers and width are those of the rule, not rounded: the memory of neighbouring
// sizes differs by what their parameters differ, and by no more.

#ifndef BITBUDGET_PLANNER_MEMORY_H_
#define BITBUDGET_PLANNER_MEMORY_H_

#include <optional>

#include "absl/status/status.h"

namespace bitbudget::planner {

// How weights of three values (log2 3 = 1.585 bits) are stored.
enum class TernaryStorage {
  kTwoBits,      // as most kernels read them
  kFiveInAByte,  // 3^5 = 243 of 256 values: 1.6 bits
};

// The rule and the formats; all > 0 unless said otherwise.
struct MemoryModel {
  double width_per_layer = 128;   // as Llama 2 and 3 from 7e9 parameters on
  double layer_coefficient = 12;  // attention 4, feed-forward 8
  double key_value_share = 1;     // key-value heads per attention head, at most 1
  double vocabulary = 32'000;     // entries; >= 0
  bool tied_embeddings = true;    // the head is the embedding
  // N of the law counts embedding and head as well.
  bool law_counts_embeddings = false;
  double context_tokens = 4096;  // >= 0
  double batch = 1;              // sequences; >= 0
  double kv_cache_bits = 16;
  // Weights that share a scale; 0: a row of the matrix, `width` weights.
  double group_size = 0;
  double scale_bits = 16;                // >= 0
  double zero_point_bits = 0;            // >= 0; 0 for symmetric grids
  std::optional<double> embedding_bits;  // unset: max(4, those of the blocks)
  double norm_bits = 16;
  TernaryStorage ternary_storage = TernaryStorage::kTwoBits;
  // Buffers, alignment, fragmentation: this share of all else, and so much more.
  double overhead_share = 0.05;  // >= 0
  double overhead_bytes = 0;     // >= 0
};

// Items of a model's memory; they add up to total_bytes.
struct ModelMemory {
  double block_parameters = 0;
  double embedding_parameters = 0;  // with the head, unless it is tied
  double layers = 0;
  double width = 0;
  double storage_bits = 0;    // a weight of the blocks takes
  double embedding_bits = 0;  // a weight of embedding and head takes
  double block_bytes = 0;
  double scale_bytes = 0;
  double zero_point_bytes = 0;
  double embedding_bytes = 0;
  double norm_bytes = 0;
  double kv_cache_bytes = 0;
  double overhead_bytes = 0;
  double total_bytes = 0;
  double elasticity = 0;  // d ln total_bytes / d ln block_parameters
};

// Bits that a weight of the blocks takes in memory: 16 and whole widths as they
// are, ternary ones (above 1, up to 1.6 bits) by their format, other fractions the
// next whole number.
double StorageBits(const MemoryModel& model, double weight_bits);

// Memory of a model with `parameters` > 0 as the law counts them.
ModelMemory MemoryOf(const MemoryModel& model, double parameters, double weight_bits);

// Parameters, as the law counts them, of the largest model within `bytes`; 0 if
// nothing fits beside what does not depend on the size.
double LargestModel(const MemoryModel& model, double bytes, double weight_bits);

// Makes the rule go through a shape: `layers` of `width` with `parameters` as the
// law counts them. INVALID_ARGUMENT about "memory_model.layers" if a layer had
// less than 4 or more than 40 times width^2 parameters: then the shape is not of
// this size; about "parameters" if the embeddings alone are more.
absl::Status FitShape(double parameters, double layers, double width, MemoryModel* model);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_MEMORY_H_
