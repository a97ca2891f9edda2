// The state of training in a file.
//
// Layout: "BBCKPT1\n"; the length of the header, 8 bytes little endian; the
// header, JSON; parameters, first and second moments as floats; the SHA-256 of
// all that, 32 bytes.

#ifndef BITBUDGET_WORKER_RUN_CHECKPOINT_H_
#define BITBUDGET_WORKER_RUN_CHECKPOINT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "worker/engine/buffer.h"
#include "worker/run/config.h"

namespace bitbudget::worker {

// Everything that the next step depends on, besides the job itself.
struct TrainingState {
  int64_t step = 0;          // completed steps
  int64_t moment_steps = 0;  // since the moments were zero
  bool quantizing = false;   // log-scales follow the parameters
  Buffer<float> parameters;  // as ParameterLayout, then log-scales if quantizing
  Buffer<float> first_moments;
  Buffer<float> second_moments;
};

struct Checkpoint {
  RunHashes hashes;  // of the run that wrote it
  int64_t tokens = 0;
  int64_t shared_steps = 0;  // of that run's schedule
  int64_t fp_steps = 0;
  TrainingState state;
  std::string path;  // that it was read from; empty if it was not
};

// Writes it atomically and durably; returns its hash, 64 hexadecimal digits.
// Errors as WriteFileAtomically.
absl::StatusOr<std::string> WriteCheckpoint(const std::string& path, const Checkpoint& checkpoint);

// Errors:
// - NOT_FOUND: there is no such file.
// - DATA_LOSS: it is no checkpoint, or damaged.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_RUN_CHECKPOINT_H_
