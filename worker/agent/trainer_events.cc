#include "worker/agent/trainer_events.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <type_traits>

namespace bitbudget::agent {
namespace {

using nlohmann::json;

// A field of the right type, or nothing: lines of another version are no reason
// to fail.
template <typename Value>
Value Field(const json& object, const char* name) {
  const auto field = object.find(name);
  if (field == object.end()) return Value();
  if constexpr (std::is_same_v<Value, std::string>) {
    return field->is_string() ? field->get<Value>() : Value();
  } else if constexpr (std::is_same_v<Value, bool>) {
    return field->is_boolean() && field->get<bool>();
  } else {
    return field->is_number() ? field->get<Value>() : Value();
  }
}

v1::ProgressPoint Progress(const json& line) {
  v1::ProgressPoint point;
  point.set_tokens(Field<int64_t>(line, "tokens"));
  point.set_loss_nats(Field<double>(line, "loss_nats"));
  point.set_learning_rate(Field<double>(line, "learning_rate"));
  point.set_tokens_per_second(Field<double>(line, "tokens_per_second"));
  return point;
}

CheckpointEvent CheckpointOf(const json& line) {
  CheckpointEvent event;
  event.checkpoint.set_tokens(Field<int64_t>(line, "tokens"));
  event.checkpoint.set_path(Field<std::string>(line, "path"));
  event.checkpoint.set_sha256(Field<std::string>(line, "sha256"));
  event.milestone = Field<bool>(line, "milestone");
  return event;
}

v1::Experiment ExperimentOf(const json& result) {
  v1::Experiment experiment;
  experiment.set_parameters(Field<int64_t>(result, "parameters"));
  experiment.set_embedding_parameters(Field<int64_t>(result, "embedding_parameters"));
  experiment.set_fp_tokens(Field<int64_t>(result, "fp_tokens"));
  experiment.set_qat_tokens(Field<int64_t>(result, "qat_tokens"));
  experiment.set_weight_bits(Field<double>(result, "weight_bits"));
  if (result.contains("group_size")) {
    experiment.set_group_size(Field<int64_t>(result, "group_size"));
  }
  experiment.set_recipe(Field<std::string>(result, "recipe"));
  experiment.set_optimizer(Field<std::string>(result, "optimizer"));
  experiment.set_schedule(Field<std::string>(result, "schedule"));
  v1::Role role = v1::ROLE_UNSPECIFIED;
  if (v1::Role_Parse(Field<std::string>(result, "role"), &role)) experiment.set_role(role);
  experiment.set_trunk(Field<std::string>(result, "trunk"));
  experiment.set_replicate(Field<int32_t>(result, "replicate"));
  experiment.set_loss_nats(Field<double>(result, "loss_nats"));
  // The standard error that the trainer reports is that of its validation text,
  // which all runs share: no noise of this run, so it stays out.
  return experiment;
}

FinishedEvent Finished(const json& line) {
  FinishedEvent event;
  const auto result = line.find("result");
  if (result != line.end() && result->is_object()) event.experiment = ExperimentOf(*result);
  v1::RunStatistics& statistics = event.statistics;
  statistics.set_run_hash(Field<std::string>(line, "run_hash"));
  statistics.set_train_seconds(Field<double>(line, "train_seconds"));
  statistics.set_tokens_per_second(Field<double>(line, "tokens_per_second"));
  statistics.set_flops(Field<double>(line, "flops"));
  statistics.set_gemm_share(Field<double>(line, "gemm_share"));
  statistics.set_peak_memory_bytes(Field<int64_t>(line, "peak_memory_bytes"));
  return event;
}

// What is not finite is null in JSON.
std::string NumberText(const json& line, const char* name) {
  const auto field = line.find(name);
  return field != line.end() && field->is_number() ? fmt::format("{:.4g}", field->get<double>())
                                                   : "not finite";
}

DivergedEvent Diverged(const json& line) {
  return {fmt::format("diverged after {} tokens: loss {}, gradient norm {}",
                      Field<int64_t>(line, "tokens"),
                      NumberText(line, "loss_nats"),
                      NumberText(line, "gradient_norm"))};
}

}  // namespace

TrainerEvent ParseTrainerEvent(std::string_view text) {
  const json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object()) return UnknownEvent();
  const std::string event = Field<std::string>(line, "event");
  if (event == "started") {
    return StartedEvent{Field<int64_t>(line, "start_tokens"),
                        Field<double>(line, "gemm_flops_per_second")};
  }
  if (event == "progress") return Progress(line);
  if (event == "checkpoint") return CheckpointOf(line);
  if (event == "warning") return WarningEvent{Field<std::string>(line, "message")};
  if (event == "finished") return Finished(line);
  if (event == "diverged") return Diverged(line);
  if (event == "interrupted") return InterruptedEvent{Field<int64_t>(line, "tokens")};
  if (event == "failed") {
    return FailedEvent{Field<std::string>(line, "code"),
                       Field<std::string>(line, "reason"),
                       Field<std::string>(line, "message")};
  }
  return UnknownEvent();
}

}  // namespace bitbudget::agent
