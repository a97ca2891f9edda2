#include "worker/agent/trainer_config.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace bitbudget::agent {
namespace {

using Json = nlohmann::ordered_json;

// Sets fields of `json` that a message has set: `optional` ones, or text that is
// not empty.
#define BITBUDGET_COPY(json, message, field) \
  if ((message).has_##field()) (json)[#field] = (message).field()
#define BITBUDGET_COPY_TEXT(json, message, field) \
  if (!(message).field().empty()) (json)[#field] = (message).field()

Json ModelJson(const v1::TrainingModel& model) {
  Json json = {{"width", model.width()}, {"layers", model.layers()}};
  BITBUDGET_COPY(json, model, head_size);
  BITBUDGET_COPY(json, model, context);
  BITBUDGET_COPY_TEXT(json, model, feed_forward);
  BITBUDGET_COPY(json, model, hidden);
  BITBUDGET_COPY(json, model, tied_embeddings);
  return json;
}

Json ScheduleJson(const v1::TrainingSchedule& schedule) {
  Json json = {{"peak_rate", schedule.peak_rate()},
               {"fp_tokens", schedule.fp_tokens()},
               {"qat_tokens", schedule.qat_tokens()}};
  BITBUDGET_COPY_TEXT(json, schedule, kind);
  BITBUDGET_COPY(json, schedule, warmup_tokens);
  BITBUDGET_COPY(json, schedule, cooldown_fraction);
  BITBUDGET_COPY_TEXT(json, schedule, cooldown_shape);
  BITBUDGET_COPY(json, schedule, qat_peak_share);
  BITBUDGET_COPY(json, schedule, qat_warmup_fraction);
  BITBUDGET_COPY_TEXT(json, schedule, moments);
  BITBUDGET_COPY_TEXT(json, schedule, name);
  return json;
}

Json OptimizerJson(const v1::TrainingOptimizer& optimizer) {
  Json json = Json::object();
  BITBUDGET_COPY(json, optimizer, beta1);
  BITBUDGET_COPY(json, optimizer, beta2);
  BITBUDGET_COPY(json, optimizer, epsilon);
  BITBUDGET_COPY(json, optimizer, weight_decay);
  BITBUDGET_COPY(json, optimizer, clip_norm);
  BITBUDGET_COPY_TEXT(json, optimizer, name);
  return json;
}

Json QuantizationJson(const v1::TrainingQuantization& quantization) {
  Json json = Json::object();
  BITBUDGET_COPY(json, quantization, bits);
  BITBUDGET_COPY_TEXT(json, quantization, granularity);
  BITBUDGET_COPY(json, quantization, group_size);
  BITBUDGET_COPY_TEXT(json, quantization, embeddings);
  return json;
}

}  // namespace

std::string TrainerConfig(const v1::Job& job,
                          const std::string& data_path,
                          const std::string& start_checkpoint) {
  const v1::TrainingSpec& training = job.training();
  Json json = {{"label", job.label()}, {"data", data_path}, {"seed", training.seed()}};
  BITBUDGET_COPY(json, training, batch_sequences);
  BITBUDGET_COPY(json, training, evaluation_tokens);
  BITBUDGET_COPY(json, training, threads);
  BITBUDGET_COPY(json, training, max_epochs);
  if (!start_checkpoint.empty()) json["start_checkpoint"] = start_checkpoint;
  if (training.milestone_tokens_size() > 0) {
    json["milestone_tokens"] = std::vector<int64_t>(training.milestone_tokens().begin(),
                                                    training.milestone_tokens().end());
  }
  json["model"] = ModelJson(training.model());
  json["schedule"] = ScheduleJson(training.schedule());
  if (training.has_optimizer()) json["optimizer"] = OptimizerJson(training.optimizer());
  if (training.has_quantization()) json["quantization"] = QuantizationJson(training.quantization());
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

#undef BITBUDGET_COPY
#undef BITBUDGET_COPY_TEXT

}  // namespace bitbudget::agent
