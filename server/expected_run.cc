#include "server/expected_run.h"

#include <string>

#include "server/training_shape.h"
#include "server/validate.h"

namespace bitbudget::server {
namespace {

constexpr double kFullPrecisionBits = 16;

// As the trainer names it: the kind of quantizer follows from the bits and is no
// part of it.
std::string RecipeOf(const v1::TrainingQuantization& quantization) {
  if (quantization.bits() == kFullPrecisionBits) return "none";
  std::string recipe = "learned-log-scale";
  if (quantization.granularity() != "row") recipe += "-" + quantization.granularity();
  if (quantization.embeddings() == "at_least_4_bits") recipe += "-embeddings";
  return recipe;
}

std::string ScheduleOf(const v1::TrainingSchedule& schedule) {
  if (schedule.qat_tokens() == 0) return "fp";
  return schedule.name().empty() ? schedule.kind() : schedule.name();
}

}  // namespace

v1::Experiment ExpectedRun(const v1::TrainingSpec& stated) {
  const v1::TrainingSpec training = WithDefaults(stated);
  const v1::TrainingQuantization& quantization = training.quantization();
  const std::string& optimizer = training.optimizer().name();
  v1::Experiment run;
  run.set_recipe(RecipeOf(quantization));
  run.set_optimizer(optimizer.empty() ? "adamw" : optimizer);
  run.set_schedule(ScheduleOf(training.schedule()));
  run.set_parameters(BlockParameters(training.model()));
  run.set_fp_tokens(training.schedule().fp_tokens());
  run.set_qat_tokens(training.schedule().qat_tokens());
  run.set_weight_bits(quantization.bits());
  if (quantization.bits() != kFullPrecisionBits && quantization.granularity() == "group") {
    run.set_group_size(quantization.group_size());
  }
  run.set_replicate(training.seed());
  run.set_role(v1::CONTROL);  // unless tokens and bits say otherwise
  Canonicalize(run);
  return run;
}

}  // namespace bitbudget::server
