// The rules of the contract about a training, and what it needs of a worker.
// Pure, thread-safe.

#ifndef BITBUDGET_SERVER_TRAINING_RULES_H_
#define BITBUDGET_SERVER_TRAINING_RULES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "bitbudget/v1/job.pb.h"
#include "server/field_rules.h"

namespace bitbudget::server {

// All violations, with paths as in TrainingSpec. Numbers have ranges for every
// trainer; words, and shapes that can be built, are rules of bitbudget-train
// alone.
FieldViolations ValidateTraining(const v1::TrainingSpec& training, std::string_view trainer);

// Memory that bitbudget-train takes for it, from above; another trainer's need
// is not known and taken to be the same.
int64_t EstimatedMemoryBytes(const v1::TrainingSpec& training);

// SHA-256, in hexadecimal, of trainer, kind and training with its defaults
// written out, milestones apart: those change no result.
std::string TrainingHash(const v1::Job& job);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_TRAINING_RULES_H_
