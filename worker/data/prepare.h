// From text files to a token file.

#ifndef BITBUDGET_WORKER_DATA_PREPARE_H_
#define BITBUDGET_WORKER_DATA_PREPARE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace bitbudget::worker {

struct PrepareOptions {
  std::vector<std::string> inputs;  // files, and directories searched in depth
  std::string output;
  uint32_t vocabulary = 256;  // bytes from here on are left out; 128 keeps ASCII
  uint64_t seed = 0;
  int64_t chunk_bytes = 8192;
  double validation_fraction = 0.04;
};

struct PrepareSummary {
  int64_t file_count = 0;
  int64_t dropped_bytes = 0;
  int64_t train_tokens = 0;
  int64_t validation_tokens = 0;
  std::string sha256_hex;
};

// Reads all regular files in the order of their paths, cuts the text into
// chunks, shuffles them by the seed, and keeps the last ones for validation. The
// file appears whole or not at all. Needs twice the text's size in memory.
//
// Errors:
// - NOT_FOUND: an input does not exist.
// - INVALID_ARGUMENT: an option is out of range, or an input cannot be read.
// - FAILED_PRECONDITION: fewer than 2 chunks of text.
// - RESOURCE_EXHAUSTED, INTERNAL: the output cannot be written.
absl::StatusOr<PrepareSummary> PrepareTokens(const PrepareOptions& options);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_DATA_PREPARE_H_
