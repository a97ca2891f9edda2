// One training job, as its JSON file states it. docs/worker.md has an example and
// all fields.

#ifndef BITBUDGET_WORKER_RUN_CONFIG_H_
#define BITBUDGET_WORKER_RUN_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/token_file.h"
#include "worker/engine/adamw.h"
#include "worker/engine/shape.h"
#include "worker/quantize/quantized_weights.h"
#include "worker/run/schedule.h"

namespace bitbudget::worker {

struct RunConfig {
  // What decides the result.
  std::string data_path;  // of a token file; its content decides, not its path
  int64_t seed = 0;       // of initial weights and of the order of the data
  int batch_sequences = 8;
  ModelShape model;  // the vocabulary comes from the data
  ScheduleOptions schedule;
  AdamWOptions optimizer;
  Quantization quantization;
  int64_t evaluation_tokens = 524288;  // at most; a window more or less; 0: none
  int threads = 1;                     // of BLAS

  // What does not.
  std::string label;                      // for people
  std::string schedule_name;              // of runs with QAT; empty: the schedule's kind
  std::string optimizer_name = "adamw";   // tells settings apart, at least one character
  std::string start_checkpoint;           // of a trunk to branch from; empty: from scratch
  std::vector<int64_t> milestone_tokens;  // where checkpoints are left, ascending
  double max_epochs = 1;                  // refuse to see the data more often

  int64_t step_tokens() const { return int64_t{batch_sequences} * model.context; }
};

// Reads a job from JSON. Fields are checked one by one; unknown ones are refused.
// INVALID_ARGUMENT with the field's path ("schedule.peak_rate").
absl::StatusOr<RunConfig> ParseRunConfig(std::string_view json);

// Reads the file and parses it. NOT_FOUND if there is none.
absl::StatusOr<RunConfig> ReadRunConfig(const std::string& path);

// Takes the vocabulary from the data and checks that the data suffice.
//
// Errors:
// - INVALID_ARGUMENT: a milestone lies outside the run or between steps.
// - FAILED_PRECONDITION: too few tokens to train (DATA_TOO_SHORT) or to validate.
absl::Status BindToData(const TokenFile& data, RunConfig& config);

// SHA-256 in hexadecimal over all that decides the state of training, in stages:
// runs that agree in a stage's hash pass through the same states, bit for bit, up
// to the end of that stage (on one build, processor and number of threads).
struct RunHashes {
  std::string trunk;  // warm-up and constant rate
  std::string fp;     // the whole FP phase
  std::string run;    // everything, the evaluation included
};
RunHashes HashRun(const RunConfig& config, const std::string& data_sha256);

// The role of the run in a study, as the contract's Role: "FULL_PRECISION",
// "FP_THEN_QAT", "QAT_FROM_SCRATCH", "POST_TRAINING" or "CONTROL".
std::string RoleOf(const RunConfig& config);

// What the experiment calls the recipe: "none", or "learned-log-scale", followed by
// "-tensor" or "-group" and by "-embeddings" where these differ from the defaults.
// The kind of quantizer follows from the bits and is no part of it: a law over bits
// needs one recipe for all widths.
std::string RecipeOf(const RunConfig& config);

// "fp", "classic" or "fused".
std::string ScheduleName(const RunConfig& config);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_RUN_CONFIG_H_
