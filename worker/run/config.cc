#include "worker/run/config.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fmt/format.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "worker/data/batches.h"
#include "worker/run/json_fields.h"

namespace bitbudget::worker {
namespace {

absl::Status ParseModel(JsonFields fields, ModelShape& model) {
  fields.Require("width");
  fields.Require("layers");
  fields.Read("width", model.width);
  fields.Read("layers", model.layers);
  fields.Read("head_size", model.head_size);
  fields.Read("context", model.context);
  fields.Read("feed_forward",
              model.feed_forward,
              {{"gelu", FeedForward::kGelu}, {"swiglu", FeedForward::kSwiglu}});
  fields.Read("hidden", model.hidden);
  fields.Read("tied_embeddings", model.tied_embeddings);
  RETURN_IF_ERROR(fields.Finish());
  if (model.hidden == 0) model.hidden = DefaultHidden(model.width, model.feed_forward);
  return ValidateShape(model);
}

// Names become columns of experiments, which hold that much.
constexpr size_t kMostNameBytes = 100;

void CheckName(JsonFields& fields, const std::string& name) {
  if (name.size() > kMostNameBytes) {
    fields.Fail("name", fmt::format("has {} bytes, more than {}", name.size(), kMostNameBytes));
  }
}

absl::Status ParseSchedule(JsonFields fields, ScheduleOptions& schedule, std::string& name) {
  fields.Read("name", name);
  CheckName(fields, name);
  fields.Require("peak_rate");
  fields.Read("kind",
              schedule.kind,
              {{"classic", ScheduleKind::kClassic}, {"fused", ScheduleKind::kFused}});
  fields.Read("peak_rate", schedule.peak_rate);
  fields.Read("fp_tokens", schedule.fp_tokens);
  fields.Read("qat_tokens", schedule.qat_tokens);
  fields.Read("warmup_tokens", schedule.warmup_tokens);
  fields.Read("cooldown_fraction", schedule.cooldown_fraction);
  fields.Read(
      "cooldown_shape",
      schedule.cooldown_shape,
      {{"one_minus_sqrt", CooldownShape::kOneMinusSqrt}, {"linear", CooldownShape::kLinear}});
  fields.Read("qat_peak_share", schedule.qat_peak_share);
  fields.Read("qat_warmup_fraction", schedule.qat_warmup_fraction);
  fields.Read("moments", schedule.moments, {{"fresh", Moments::kFresh}, {"kept", Moments::kKept}});
  RETURN_IF_ERROR(fields.Finish());
  return ValidateSchedule(schedule);
}

absl::Status ParseOptimizer(JsonFields fields, AdamWOptions& optimizer, std::string& name) {
  fields.Read("name", name);
  if (name.empty()) fields.Fail("name", "is empty");
  CheckName(fields, name);
  fields.Read("beta1", optimizer.beta1);
  fields.Read("beta2", optimizer.beta2);
  fields.Read("epsilon", optimizer.epsilon);
  fields.Read("weight_decay", optimizer.weight_decay);
  fields.Read("clip_norm", optimizer.clip_norm);
  const auto is_share = [](double value) { return value >= 0 && value < 1; };
  if (!is_share(optimizer.beta1)) fields.Fail("beta1", "is outside 0 to below 1");
  if (!is_share(optimizer.beta2)) fields.Fail("beta2", "is outside 0 to below 1");
  if (!(optimizer.epsilon > 0)) fields.Fail("epsilon", "is not above 0");
  if (!(optimizer.weight_decay >= 0)) fields.Fail("weight_decay", "is below 0");
  if (!(optimizer.clip_norm > 0)) fields.Fail("clip_norm", "is not above 0");
  return fields.Finish();
}

absl::Status ParseQuantization(JsonFields fields,
                               const ModelShape& model,
                               Quantization& quantization) {
  fields.Read("bits", quantization.bits);
  fields.Read("granularity",
              quantization.granularity,
              {{"tensor", Granularity::kTensor},
               {"row", Granularity::kRow},
               {"group", Granularity::kGroup}});
  fields.Read("group_size", quantization.group_size);
  fields.Read("embeddings",
              quantization.embeddings,
              {{"full_precision", EmbeddingBits::kFullPrecision},
               {"at_least_4_bits", EmbeddingBits::kAtLeastFour}});
  if (quantization.group_size != 0 && quantization.granularity != Granularity::kGroup) {
    fields.Fail("group_size", "goes with granularity \"group\" only");
  }
  RETURN_IF_ERROR(fields.Finish());
  if (quantization.bits == 16) return absl::OkStatus();
  return QuantizedWeights<float>::Create(ParameterLayout(model), quantization).status();
}

absl::Status CheckMilestones(const RunConfig& config) {
  const int64_t total =
      Schedule(config.schedule, config.step_tokens()).total_steps() * config.step_tokens();
  int64_t previous = 0;
  for (const int64_t tokens : config.milestone_tokens) {
    if (tokens <= previous || tokens > total || tokens % config.step_tokens() != 0) {
      return InvalidField("milestone_tokens",
                          fmt::format("{} is not above {}, at most {} and a multiple of the {} "
                                      "tokens of a step",
                                      tokens,
                                      previous,
                                      total,
                                      config.step_tokens()));
    }
    previous = tokens;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunConfig> ParseRunConfig(std::string_view json) {
  const auto document = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return InvalidField("config", "is no JSON");
  RunConfig config;
  JsonFields fields(document, "");
  fields.Require("data");
  fields.Read("data", config.data_path);
  fields.Read("label", config.label);
  fields.Read("seed", config.seed);
  fields.Read("batch_sequences", config.batch_sequences);
  fields.Read("evaluation_tokens", config.evaluation_tokens);
  fields.Read("threads", config.threads);
  fields.Read("start_checkpoint", config.start_checkpoint);
  fields.Read("milestone_tokens", config.milestone_tokens);
  fields.Read("max_epochs", config.max_epochs);
  const auto check_range = [&fields](const char* name, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high) {
      fields.Fail(name, fmt::format("{} is outside {} to {}", value, low, high));
    }
  };
  check_range("seed", config.seed, 0, int64_t{1} << 31);
  check_range("batch_sequences", config.batch_sequences, 1, 4096);
  check_range("evaluation_tokens", config.evaluation_tokens, 0, int64_t{1} << 40);
  check_range("threads", config.threads, 1, 1024);
  if (!(config.max_epochs > 0)) fields.Fail("max_epochs", "is not above 0");

  const JsonFields model = fields.Inner("model");
  const JsonFields schedule = fields.Inner("schedule");
  const JsonFields optimizer = fields.Inner("optimizer");
  const JsonFields quantization = fields.Inner("quantization");
  RETURN_IF_ERROR(fields.Finish());
  RETURN_IF_ERROR(ParseModel(model, config.model));
  RETURN_IF_ERROR(ParseSchedule(schedule, config.schedule, config.schedule_name));
  RETURN_IF_ERROR(ParseOptimizer(optimizer, config.optimizer, config.optimizer_name));
  RETURN_IF_ERROR(ParseQuantization(quantization, config.model, config.quantization));
  RETURN_IF_ERROR(CheckMilestones(config));
  return config;
}

absl::StatusOr<RunConfig> ReadRunConfig(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return InvalidField("config", fmt::format("{} is a directory, not a file", path));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return NotFound("config", path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return ParseRunConfig(text);
}

absl::Status BindToData(const TokenFile& data, RunConfig& config) {
  config.model.vocabulary = static_cast<int>(data.header().vocabulary);
  RETURN_IF_ERROR(ValidateShape(config.model));
  const int context = config.model.context;
  const auto windows_of = [context](std::span<const uint8_t> tokens) {
    return WindowCount(static_cast<int64_t>(tokens.size()), context);
  };
  const int64_t available = windows_of(data.train()) * context;
  const int64_t steps = Schedule(config.schedule, config.step_tokens()).total_steps();
  const int64_t wanted = steps * config.step_tokens();
  if (steps == 0) {
    return InvalidField(
        "schedule.fp_tokens",
        fmt::format("the run is shorter than half a step of {} tokens", config.step_tokens()));
  }
  if (static_cast<double>(wanted) > config.max_epochs * static_cast<double>(available)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     fmt::format("{} has {} tokens to train on, {} epochs of it are fewer than "
                                 "the run's {}; prepare more text, or raise max_epochs",
                                 config.data_path,
                                 available,
                                 config.max_epochs,
                                 wanted),
                     {.reason = "DATA_TOO_SHORT"});
  }
  if (windows_of(data.validation()) < config.batch_sequences) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     fmt::format("{} has {} tokens to validate on, less than one batch of {}",
                                 config.data_path,
                                 data.validation().size(),
                                 config.step_tokens()),
                     {.reason = "DATA_TOO_SHORT"});
  }
  return absl::OkStatus();
}

std::string RoleOf(const RunConfig& config) {
  const bool trains_quantized = config.schedule.qat_tokens > 0;
  if (!config.quantization.enabled()) return trains_quantized ? "CONTROL" : "FULL_PRECISION";
  if (!trains_quantized) return "POST_TRAINING";
  return config.schedule.fp_tokens == 0 ? "QAT_FROM_SCRATCH" : "FP_THEN_QAT";
}

std::string RecipeOf(const RunConfig& config) {
  const Quantization& quantization = config.quantization;
  if (!quantization.enabled()) return "none";
  std::string recipe = "learned-log-scale";
  if (quantization.granularity == Granularity::kTensor) recipe += "-tensor";
  if (quantization.granularity == Granularity::kGroup) recipe += "-group";
  if (quantization.embeddings == EmbeddingBits::kAtLeastFour) recipe += "-embeddings";
  return recipe;
}

std::string ScheduleName(const RunConfig& config) {
  if (config.schedule.qat_tokens == 0) return "fp";
  if (!config.schedule_name.empty()) return config.schedule_name;
  return config.schedule.kind == ScheduleKind::kClassic ? "classic" : "fused";
}

}  // namespace bitbudget::worker
