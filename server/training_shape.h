// What a training says about its size, its steps and itself, by the rules of
// bitbudget-train (docs/worker.md). Pure, thread-safe.

#ifndef BITBUDGET_SERVER_TRAINING_SHAPE_H_
#define BITBUDGET_SERVER_TRAINING_SHAPE_H_

#include <cstdint>
#include <string>

#include "bitbudget/v1/job.pb.h"

namespace bitbudget::server {

// True if the shape is given: width and layers.
bool HasShape(const v1::TrainingModel& model);

// Parameters of the transformer blocks, gains included: derived from the shape
// where it is given, else as stated.
int64_t BlockParameters(const v1::TrainingModel& model);

// Tokens of one step; at least 1 for a valid training.
int64_t StepTokens(const v1::TrainingSpec& training);

// `tokens` in whole steps, rounded to the nearest, half up.
int64_t WholeSteps(int64_t tokens, int64_t step_tokens);

// Tokens that are trained in all, as the training states them.
int64_t TotalTokens(const v1::TrainingSpec& training);

// 6 N D for the tokens from `start_tokens` on.
double EstimatedFlops(const v1::TrainingSpec& training, int64_t start_tokens);

// The same training with every default written out, so that equal trainings are
// equal messages.
v1::TrainingSpec WithDefaults(v1::TrainingSpec training);

// "24.7k parameters, 1M tokens, 2 bits, 12 % QAT classic, seed 0".
std::string TrainingLabel(const v1::TrainingSpec& training, v1::JobKind kind);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_TRAINING_SHAPE_H_
