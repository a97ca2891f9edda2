// The rules of bitbudget-train about a training, beyond those for every trainer.
// Pure, thread-safe.

#ifndef BITBUDGET_SERVER_BUNDLED_RULES_H_
#define BITBUDGET_SERVER_BUNDLED_RULES_H_

#include <string>
#include <string_view>

#include "bitbudget/v1/job.pb.h"
#include "server/field_rules.h"

namespace bitbudget::server {

inline constexpr char kBundledTrainer[] = "bitbudget-train";

// The trainer that is meant: bitbudget-train where none is stated.
std::string TrainerInForce(const std::string& stated);

// Checks bits per weight; 16 is no quantizer.
void CheckBundledBits(FieldViolations& violations, std::string_view field, double bits);

// What bitbudget-train would refuse, the content of its data apart; paths as in
// TrainingSpec. `training` breaks no rule for every trainer.
FieldViolations ValidateBundledTraining(const v1::TrainingSpec& training);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_BUNDLED_RULES_H_
