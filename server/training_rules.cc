#include "server/training_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "db/content_hash.h"
#include "server/bundled_rules.h"
#include "server/training_shape.h"
#include "util/sha256.h"

namespace bitbudget::server {
namespace {

constexpr int64_t kMostParameters = 1'000'000'000'000'000;  // 1e15
constexpr int64_t kMostTokens = 100'000'000'000'000'000;    // 1e17
constexpr int kMostWidth = 1'000'000;
constexpr int kMostHidden = 10'000'000;
constexpr int kMostLayers = 10'000;
constexpr int kMostBatch = 1'000'000;
constexpr int kMostThreads = 1'024;
constexpr int kMostMilestones = 1'000;
constexpr int kMostOptions = 64;
constexpr size_t kLongestOption = 1'000;
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr int kTrainerVocabulary = 256;

void Add(FieldViolations& violations, std::string_view field, std::string description) {
  violations.push_back({std::string(field), std::move(description)});
}

// Above 0, at most `upper`.
void CheckShare(FieldViolations& violations,
                std::string_view field,
                double value,
                double upper = 1) {
  if (value > 0 && value <= upper) return;
  Add(violations, field, fmt::format("is {}; must be above 0 and at most {}", value, upper));
}

FieldViolations ValidateModel(const v1::TrainingModel& model) {
  FieldViolations violations;
  CheckCount(violations, "parameters", model.parameters(), 0, kMostParameters);
  CheckCount(violations, "width", model.width(), 0, kMostWidth);
  CheckCount(violations, "layers", model.layers(), 0, kMostLayers);
  if (model.has_head_size()) {
    CheckCount(violations, "head_size", model.head_size(), 1, kMostWidth);
  }
  if (model.has_context()) CheckCount(violations, "context", model.context(), 1, kMostWidth);
  if (model.has_hidden()) CheckCount(violations, "hidden", model.hidden(), 1, kMostHidden);
  if (!violations.empty()) return violations;
  if (!HasShape(model) && model.parameters() == 0) {
    Add(violations, "parameters", "is required where width and layers are not given");
  } else if (model.parameters() != 0 && model.parameters() != BlockParameters(model)) {
    Add(violations,
        "parameters",
        fmt::format(
            "is {}; width, layers and hidden make {}", model.parameters(), BlockParameters(model)));
  }
  return violations;
}

FieldViolations ValidateSchedule(const v1::TrainingSchedule& schedule) {
  FieldViolations violations;
  CheckShare(violations, "peak_rate", schedule.peak_rate());
  CheckCount(violations, "fp_tokens", schedule.fp_tokens(), 0, kMostTokens);
  CheckCount(violations, "qat_tokens", schedule.qat_tokens(), 0, kMostTokens);
  if (schedule.fp_tokens() == 0 && schedule.qat_tokens() == 0) {
    Add(violations, "fp_tokens", "is 0, and so is qat_tokens; a run has tokens");
  }
  if (schedule.has_warmup_tokens()) {
    CheckCount(violations, "warmup_tokens", schedule.warmup_tokens(), 0, kMostTokens);
  }
  if (schedule.has_cooldown_fraction()) {
    CheckRange(violations, "cooldown_fraction", schedule.cooldown_fraction(), 0, 1);
  }
  if (schedule.has_qat_peak_share()) {
    CheckShare(violations, "qat_peak_share", schedule.qat_peak_share());
  }
  if (schedule.has_qat_warmup_fraction()) {
    CheckRange(violations, "qat_warmup_fraction", schedule.qat_warmup_fraction(), 0, 1);
  }
  CheckLabel(violations, "name", schedule.name());
  return violations;
}

FieldViolations ValidateOptimizer(const v1::TrainingOptimizer& optimizer) {
  FieldViolations violations;
  if (optimizer.has_beta1()) CheckProbability(violations, "beta1", optimizer.beta1());
  if (optimizer.has_beta2()) CheckProbability(violations, "beta2", optimizer.beta2());
  if (optimizer.has_epsilon()) CheckPositive(violations, "epsilon", optimizer.epsilon());
  if (optimizer.has_weight_decay()) {
    CheckRange(violations, "weight_decay", optimizer.weight_decay(), 0, kLargest);
  }
  if (optimizer.has_clip_norm()) CheckPositive(violations, "clip_norm", optimizer.clip_norm());
  CheckLabel(violations, "name", optimizer.name());
  return violations;
}

FieldViolations ValidateQuantization(const v1::TrainingQuantization& quantization) {
  FieldViolations violations;
  if (quantization.has_bits()) CheckRange(violations, "bits", quantization.bits(), 1, 16);
  if (quantization.has_group_size()) {
    CheckAtLeast(violations, "group_size", quantization.group_size(), 1);
  }
  return violations;
}

void CheckData(FieldViolations& violations, const v1::TrainingSpec& training) {
  CheckLabel(violations, "data", training.data());
  if (!training.data_sha256().empty()) {
    CheckSha256(violations, "data_sha256", training.data_sha256());
  }
}

void CheckMilestones(FieldViolations& violations, const v1::TrainingSpec& training) {
  CheckCount(violations, "milestone_tokens", training.milestone_tokens_size(), 0, kMostMilestones);
  int64_t last = 0;
  for (int i = 0; i < std::min(training.milestone_tokens_size(), kMostMilestones); ++i) {
    const int64_t tokens = training.milestone_tokens(i);
    if (tokens <= last || tokens > TotalTokens(training)) {
      return Add(violations,
                 fmt::format("milestone_tokens[{}]", i),
                 fmt::format("is {}; must be above {} and at most the {} tokens of the run",
                             tokens,
                             last,
                             TotalTokens(training)));
    }
    last = tokens;
  }
}

void CheckOptions(FieldViolations& violations, const v1::TrainingSpec& training) {
  if (static_cast<int>(training.options().size()) > kMostOptions) {
    Add(violations,
        "options",
        fmt::format("has {} entries; at most {}", training.options().size(), kMostOptions));
  }
  for (const auto& [key, value] : training.options()) {
    CheckLabel(violations, "options", key);
    CheckText(violations, "options", value, kLongestOption);
  }
}

}  // namespace

FieldViolations ValidateTraining(const v1::TrainingSpec& training, std::string_view trainer) {
  FieldViolations violations;
  CheckData(violations, training);
  CheckAtLeast(violations, "seed", training.seed(), 0);
  AddAll(violations, "model.", ValidateModel(training.model()));
  AddAll(violations, "schedule.", ValidateSchedule(training.schedule()));
  AddAll(violations, "optimizer.", ValidateOptimizer(training.optimizer()));
  AddAll(violations, "quantization.", ValidateQuantization(training.quantization()));
  if (training.has_batch_sequences()) {
    CheckCount(violations, "batch_sequences", training.batch_sequences(), 1, kMostBatch);
  }
  if (training.has_evaluation_tokens()) {
    CheckCount(violations, "evaluation_tokens", training.evaluation_tokens(), 1, kMostTokens);
  }
  if (training.has_threads())
    CheckCount(violations, "threads", training.threads(), 1, kMostThreads);
  if (training.has_max_epochs()) CheckPositive(violations, "max_epochs", training.max_epochs());
  CheckMilestones(violations, training);
  CheckOptions(violations, training);
  if (trainer == kBundledTrainer && violations.empty()) return ValidateBundledTraining(training);
  return violations;
}

int64_t EstimatedMemoryBytes(const v1::TrainingSpec& stated) {
  const v1::TrainingSpec training = WithDefaults(stated);
  const v1::TrainingModel& model = training.model();
  // Weights, quantized weights, gradients of both, two moments: floats.
  constexpr double kBytesPerParameter = 6 * sizeof(float);
  // The program with its libraries.
  constexpr double kProgramBytes = 256.0 * (1 << 20);
  const double width = model.width();
  const double embeddings = width * kTrainerVocabulary * (model.tied_embeddings() ? 1 : 2);
  // Kept for the backward pass: about 12 rows of the width a layer, and three of
  // the inner width; attention weights are recomputed.
  const double floats_per_token =
      model.layers() * (12 * width + 3.0 * model.hidden()) + 2.0 * kTrainerVocabulary;
  const double bytes =
      kProgramBytes +
      kBytesPerParameter * (static_cast<double>(BlockParameters(model)) + embeddings) +
      sizeof(float) * floats_per_token * static_cast<double>(StepTokens(training));
  constexpr double kMost = 4e18;
  return static_cast<int64_t>(std::min(bytes, kMost));
}

std::string TrainingHash(const v1::Job& job) {
  v1::Job deciding;
  deciding.set_trainer(job.trainer());
  deciding.set_kind(job.kind());
  *deciding.mutable_training() = WithDefaults(job.training());
  deciding.mutable_training()->clear_milestone_tokens();
  return ToHex(db::HashMessage(deciding));
}

}  // namespace bitbudget::server
