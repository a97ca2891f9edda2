#include "server/bundled_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "server/training_shape.h"

namespace bitbudget::server {
namespace {

// Widths, heads and contexts are multiples of it.
constexpr int kBlock = 16;
constexpr int kMostWidth = 1 << 16;
constexpr int kMostLayers = 1'000;
constexpr int64_t kMostParameters = int64_t{1} << 31;
constexpr int64_t kMostTokens = int64_t{1} << 50;
constexpr int64_t kMostEvaluationTokens = int64_t{1} << 40;
constexpr int kMostBatch = 4'096;
constexpr std::array<double, 10> kBits = {1, 1.58, 2, 3, 4, 5, 6, 7, 8, 16};

void Add(FieldViolations& violations, std::string_view field, std::string description) {
  violations.push_back({std::string(field), std::move(description)});
}

// Unset, or one of `words`.
void CheckWord(FieldViolations& violations,
               std::string_view field,
               const std::string& value,
               std::initializer_list<std::string_view> words) {
  if (value.empty() || std::count(words.begin(), words.end(), value) > 0) return;
  Add(violations, field, fmt::format("is \"{}\"; must be {}", value, fmt::join(words, " or ")));
}

void CheckMultiple(FieldViolations& violations, std::string_view field, int value) {
  if (value % kBlock == 0) return CheckCount(violations, field, value, kBlock, kMostWidth);
  Add(violations, field, fmt::format("is {}; must be a multiple of {}", value, kBlock));
}

// What bitbudget-train can build.
FieldViolations ValidateModel(const v1::TrainingModel& stated) {
  FieldViolations violations;
  CheckWord(violations, "feed_forward", stated.feed_forward(), {"gelu", "swiglu"});
  CheckCount(violations, "width", stated.width(), kBlock, kMostWidth);
  CheckCount(violations, "layers", stated.layers(), 1, kMostLayers);
  if (!violations.empty()) return violations;
  v1::TrainingSpec training;
  *training.mutable_model() = stated;
  const v1::TrainingModel model = WithDefaults(training).model();
  CheckMultiple(violations, "head_size", model.head_size());
  CheckMultiple(violations, "hidden", model.hidden());
  CheckMultiple(violations, "context", model.context());
  if (model.head_size() > 0 && model.width() % model.head_size() != 0) {
    Add(violations,
        "width",
        fmt::format(
            "is {}; must be a multiple of head_size, {}", model.width(), model.head_size()));
  }
  if (const int64_t parameters = BlockParameters(model); parameters > kMostParameters) {
    Add(violations, "width", fmt::format("makes {} parameters; at most 2^31", parameters));
  }
  return violations;
}

FieldViolations ValidateSchedule(const v1::TrainingSchedule& schedule) {
  FieldViolations violations;
  CheckWord(violations, "kind", schedule.kind(), {"classic", "fused"});
  CheckWord(violations, "cooldown_shape", schedule.cooldown_shape(), {"one_minus_sqrt", "linear"});
  CheckWord(violations, "moments", schedule.moments(), {"fresh", "kept"});
  CheckCount(violations, "fp_tokens", schedule.fp_tokens(), 0, kMostTokens);
  CheckCount(violations, "qat_tokens", schedule.qat_tokens(), 0, kMostTokens);
  CheckCount(violations, "warmup_tokens", schedule.warmup_tokens(), 0, kMostTokens);
  return violations;
}

// A group is a part of a row, of every matrix.
void CheckGroups(FieldViolations& violations,
                 const v1::TrainingQuantization& quantization,
                 const v1::TrainingModel& model) {
  if (quantization.granularity() != "group") {
    if (!quantization.has_group_size()) return;
    return Add(violations, "group_size", "is set; it goes with granularity \"group\" only");
  }
  if (!quantization.has_group_size()) {
    return Add(violations, "group_size", "is required with granularity \"group\"");
  }
  const int size = quantization.group_size();
  if (model.width() % size == 0 && model.hidden() % size == 0) return;
  Add(violations,
      "group_size",
      fmt::format("is {}; must divide the rows of all matrices, which have {} and {} weights",
                  size,
                  model.width(),
                  model.hidden()));
}

FieldViolations ValidateQuantization(const v1::TrainingQuantization& quantization,
                                     const v1::TrainingModel& model) {
  FieldViolations violations;
  if (quantization.has_bits()) CheckBundledBits(violations, "bits", quantization.bits());
  CheckWord(violations, "granularity", quantization.granularity(), {"tensor", "row", "group"});
  CheckWord(
      violations, "embeddings", quantization.embeddings(), {"full_precision", "at_least_4_bits"});
  CheckGroups(violations, quantization, model);
  return violations;
}

// The program leaves a checkpoint after a step, not within one.
void CheckMilestones(FieldViolations& violations, const v1::TrainingSpec& training) {
  const int64_t step = StepTokens(training);
  for (int i = 0; i < training.milestone_tokens_size(); ++i) {
    if (training.milestone_tokens(i) % step == 0) continue;
    return Add(violations,
               fmt::format("milestone_tokens[{}]", i),
               fmt::format("is {}; must be a multiple of the {} tokens of a step",
                           training.milestone_tokens(i),
                           step));
  }
}

}  // namespace

std::string TrainerInForce(const std::string& stated) {
  return stated.empty() ? kBundledTrainer : stated;
}

void CheckBundledBits(FieldViolations& violations, std::string_view field, double bits) {
  if (std::ranges::find(kBits, bits) != kBits.end()) return;
  Add(violations,
      field,
      fmt::format("is {}; {} has {}", bits, kBundledTrainer, fmt::join(kBits, ", ")));
}

FieldViolations ValidateBundledTraining(const v1::TrainingSpec& stated) {
  FieldViolations violations;
  AddAll(violations, "model.", ValidateModel(stated.model()));
  AddAll(violations, "schedule.", ValidateSchedule(stated.schedule()));
  const v1::TrainingSpec training = WithDefaults(stated);
  AddAll(
      violations, "quantization.", ValidateQuantization(stated.quantization(), training.model()));
  CheckCount(violations, "batch_sequences", training.batch_sequences(), 1, kMostBatch);
  CheckCount(
      violations, "evaluation_tokens", training.evaluation_tokens(), 1, kMostEvaluationTokens);
  CheckMilestones(violations, training);
  return violations;
}

}  // namespace bitbudget::server
