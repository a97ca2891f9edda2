// The rules of bitbudget-train about a training, beyond those for every trainer.
// Pure, thread-safe.

#ifndef BITBUDGET_SERVER_BUNDLED_RULES_H_
#define BITBUDGET_SERVER_BUNDLED_RULES_H_

#include <array>

#include "bitbudget/v1/job.pb.h"
#include "server/field_rules.h"

namespace bitbudget::server {

inline constexpr char kBundledTrainer[] = "bitbudget-train";

// Bits per weight that it offers; 16 is no quantizer.
inline constexpr std::array<double, 10> kBundledBits = {1, 1.58, 2, 3, 4, 5, 6, 7, 8, 16};

// What bitbudget-train would refuse, the content of its data apart; paths as in
// TrainingSpec. `training` breaks no rule for every trainer.
FieldViolations ValidateBundledTraining(const v1::TrainingSpec& training);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_BUNDLED_RULES_H_
