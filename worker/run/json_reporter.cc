#include "nlohmann/json.hpp"
#include "util/error.h"
#include "worker/run/reporter.h"

namespace bitbudget::worker {
namespace {

// Keys in the order in which they are written, so that lines read well.
using Json = nlohmann::ordered_json;

// The fields that tell runs of a study apart.
Json ExperimentKey(const RunConfig& config) {
  const bool quantized = config.quantization.enabled();
  Json key = {{"role", RoleOf(config)},
              {"recipe", RecipeOf(config)},
              {"optimizer", config.optimizer_name},
              {"schedule", ScheduleName(config)},
              {"weight_bits", config.quantization.bits},
              {"replicate", config.seed}};
  if (quantized && config.quantization.granularity == Granularity::kGroup) {
    key["group_size"] = config.quantization.group_size;
  }
  return key;
}

class JsonReporter final : public Reporter {
 public:
  explicit JsonReporter(std::FILE* out) : out_(out) {}

  void Started(const StartedEvent& event) override {
    Json line = {{"event", "started"},
                 {"label", event.config.label},
                 {"run_hash", event.hashes.run},
                 {"trunk_hash", event.hashes.trunk},
                 {"data_sha256", event.data_sha256},
                 {"parameters", event.parameters},
                 {"embedding_parameters", event.embedding_parameters},
                 {"start_tokens", event.start_tokens},
                 {"total_tokens", event.total_tokens},
                 {"step_flops", event.step_flops},
                 {"gemm_flops_per_second", event.gemm_flops_per_second},
                 {"blas", event.blas},
                 {"threads", event.config.threads}};
    line.update(ExperimentKey(event.config));
    Write(line);
  }

  void Progress(const ProgressEvent& event) override {
    Write({{"event", "progress"},
           {"step", event.step},
           {"tokens", event.tokens},
           {"total_tokens", event.total_tokens},
           {"loss_nats", event.loss_nats},
           {"learning_rate", event.learning_rate},
           {"gradient_norm", event.gradient_norm},
           {"tokens_per_second", event.tokens_per_second}});
  }

  void CheckpointWritten(const CheckpointEvent& event) override {
    Write({{"event", "checkpoint"},
           {"path", event.path},
           {"tokens", event.tokens},
           {"sha256", event.sha256},
           {"milestone", event.milestone}});
  }

  void Warning(const std::string& message) override {
    Write({{"event", "warning"}, {"message", message}});
  }

  void Finished(const FinishedEvent& event) override {
    Json result = ExperimentKey(event.config);
    result.update(Json{{"parameters", event.parameters},
                       {"embedding_parameters", event.embedding_parameters},
                       {"fp_tokens", event.fp_tokens},
                       {"qat_tokens", event.qat_tokens},
                       {"trunk", event.hashes.trunk.substr(0, kTrunkDigits)}});
    if (event.loss_nats) {
      result.update(
          Json{{"loss_nats", *event.loss_nats}, {"loss_stderr_nats", event.loss_stderr_nats}});
    }
    Write({{"event", "finished"},
           {"run_hash", event.hashes.run},
           {"result", result},
           {"evaluation_tokens", event.evaluation_tokens},
           {"train_seconds", event.train_seconds},
           {"tokens_per_second", event.tokens_per_second},
           {"flops", event.flops},
           {"gemm_share", event.gemm_share},
           {"peak_memory_bytes", event.peak_memory_bytes}});
  }

  void Diverged(const DivergedEvent& event) override {
    // What is not finite is null in JSON.
    Write({{"event", "diverged"},
           {"step", event.step},
           {"tokens", event.tokens},
           {"loss_nats", event.loss_nats},
           {"gradient_norm", event.gradient_norm}});
  }

  void Interrupted(int64_t tokens) override {
    Write({{"event", "interrupted"}, {"tokens", tokens}});
  }

  void Failed(const absl::Status& status) override {
    const auto details = GetErrorDetails(status);
    Write({{"event", "failed"},
           {"code", absl::StatusCodeToString(status.code())},
           {"reason", details ? details->reason : ""},
           {"message", std::string(status.message())}});
  }

 private:
  // Enough of the hash that no two trunks of a study share it.
  static constexpr size_t kTrunkDigits = 16;

  void Write(const Json& line) {
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    std::fwrite(text.data(), 1, text.size(), out_);
    std::fflush(out_);
  }

  std::FILE* out_;
};

}  // namespace

std::unique_ptr<Reporter> MakeJsonReporter(std::FILE* out) {
  return std::make_unique<JsonReporter>(out);
}

}  // namespace bitbudget::worker
