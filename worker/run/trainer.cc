#include "worker/run/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "worker/engine/gemm.h"

namespace bitbudget::worker {
namespace {

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Standard deviation of a parameter's first weights. What is added to the
// residual stream, twice a layer, starts smaller the deeper the model is.
double InitialDeviation(const Parameter& parameter, const ModelShape& shape) {
  const double unit = 1 / std::sqrt(static_cast<double>(parameter.columns));
  if (parameter.kind != ParameterKind::kBlockMatrix) return unit / 2;
  const bool adds_to_residual = parameter.name.ends_with("attention.output") ||
                                parameter.name.ends_with("feed_forward.contract");
  return adds_to_residual ? unit / std::sqrt(2.0 * shape.layers) : unit;
}

}  // namespace

bool StepReport::diverged() const {
  return !std::isfinite(loss_nats) || !std::isfinite(gradient_norm);
}

Trainer::Trainer(const RunConfig& config, const TokenFile& data)
    : config_(config),
      data_(data),
      schedule_(config.schedule, config.step_tokens()),
      layout_(config.model),
      hashes_(HashRun(config, data.sha256_hex())),
      model_(layout_, config.batch_sequences),
      batches_(data.train(),
               config.model.context,
               config.batch_sequences,
               static_cast<uint64_t>(config.seed)) {}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(const RunConfig& config,
                                                         const TokenFile& data) {
  SetBlasThreads(config.threads);
  std::unique_ptr<Trainer> trainer(new Trainer(config, data));
  if (config.quantization.enabled()) {
    ASSIGN_OR_RETURN(trainer->quantized_,
                     QuantizedWeights<float>::Create(trainer->layout_, config.quantization));
  }
  const auto size = static_cast<size_t>(trainer->layout_.size());
  for (Buffer<float>* buffer : {&trainer->state_.parameters,
                                &trainer->state_.first_moments,
                                &trainer->state_.second_moments,
                                &trainer->gradients_,
                                &trainer->effective_}) {
    buffer->resize(size);
  }
  trainer->DrawWeights();
  return trainer;
}

void Trainer::DrawWeights() {
  std::mt19937_64 random(static_cast<uint64_t>(config_.seed));
  std::normal_distribution<double> normal;
  for (const Parameter& parameter : layout_.parameters()) {
    float* const target = state_.parameters.data() + parameter.offset;
    if (parameter.kind == ParameterKind::kGain) {
      std::fill_n(target, parameter.size(), 1.0F);
      continue;
    }
    const double deviation = InitialDeviation(parameter, config_.model);
    std::generate_n(
        target, parameter.size(), [&] { return static_cast<float>(deviation * normal(random)); });
  }
}

bool Trainer::AcceptsStateOf(const Checkpoint& checkpoint) const {
  const int64_t step = checkpoint.state.step;
  if (checkpoint.hashes.run == hashes_.run) return true;
  if (checkpoint.hashes.fp == hashes_.fp) return step <= schedule_.fp_steps();
  if (checkpoint.hashes.trunk != hashes_.trunk) return false;
  return step <= std::min(schedule_.shared_steps(), checkpoint.shared_steps);
}

absl::Status Trainer::Restore(Checkpoint checkpoint) {
  if (!AcceptsStateOf(checkpoint)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("checkpoint {} at step {} is not on this run's path: model, data, seed, batch, "
                    "optimizer, peak rate and warm-up must agree, and its step must be among the "
                    "first {}, which both runs spend at constant rate",
                    checkpoint.path,
                    checkpoint.state.step,
                    std::min(schedule_.shared_steps(), checkpoint.shared_steps)),
        {.reason = "CHECKPOINT_MISMATCH",
         .metadata = {{"path", checkpoint.path},
                      {"checkpoint_trunk_hash", checkpoint.hashes.trunk},
                      {"trunk_hash", hashes_.trunk}}});
  }
  state_ = std::move(checkpoint.state);
  gradients_.resize(state_.parameters.size());
  return absl::OkStatus();
}

Checkpoint Trainer::Save() const {
  return {.hashes = hashes_,
          .tokens = tokens(),
          .shared_steps = schedule_.shared_steps(),
          .fp_steps = schedule_.fp_steps(),
          .state = state_};
}

void Trainer::BeginQat() {
  if (config_.schedule.moments == Moments::kFresh) {
    std::ranges::fill(state_.first_moments, 0.0F);
    std::ranges::fill(state_.second_moments, 0.0F);
    state_.moment_steps = 0;
  }
  if (!quantized_) return;
  const int64_t size = layout_.size() + quantized_->scale_count();
  for (Buffer<float>* buffer :
       {&state_.parameters, &state_.first_moments, &state_.second_moments, &gradients_}) {
    buffer->resize(size);
  }
  float* const parameters = state_.parameters.data();
  quantized_->InitializeScales(parameters, parameters + layout_.size());
  state_.quantizing = true;
}

const float* Trainer::EffectiveParameters() {
  const float* const parameters = state_.parameters.data();
  if (!state_.quantizing) return parameters;
  quantized_->Quantize(parameters, parameters + layout_.size(), effective_.data());
  return effective_.data();
}

void Trainer::BackwardThroughQuantizers() {
  if (!state_.quantizing) return;
  const float* const parameters = state_.parameters.data();
  quantized_->Backward(parameters,
                       parameters + layout_.size(),
                       gradients_.data(),
                       gradients_.data() + layout_.size());
}

StepReport Trainer::Step() {
  if (state_.step == schedule_.fp_steps()) BeginQat();
  const float* const parameters = EffectiveParameters();
  const double loss = Mean(model_.Forward(parameters, batches_.At(state_.step)));
  model_.Backward(parameters, gradients_.data());
  BackwardThroughQuantizers();
  const StepReport report = {
      .loss_nats = loss, .gradient_norm = Norm(gradients_), .rate = schedule_.RateAt(state_.step)};
  if (!report.diverged()) Update(report);
  return report;
}

void Trainer::Update(const StepReport& report) {
  ++state_.moment_steps;
  ++state_.step;
  const auto update = [&](size_t begin, size_t end, bool decays) {
    const auto part = [begin, end](auto& buffer) {
      return std::span(buffer).subspan(begin, end - begin);
    };
    UpdateAdamW(config_.optimizer,
                {.rate = report.rate,
                 .norm = report.gradient_norm,
                 .count = state_.moment_steps,
                 .decays = decays},
                {.parameters = part(state_.parameters),
                 .gradients = part(gradients_),
                 .first_moments = part(state_.first_moments),
                 .second_moments = part(state_.second_moments)});
  };
  // Matrices decay; gains and log-scales, which follow them, do not.
  const auto matrices = static_cast<size_t>(layout_.matrix_size());
  update(0, matrices, true);
  update(matrices, state_.parameters.size(), false);
}

std::span<const float> Trainer::ServedParameters() {
  const auto size = static_cast<size_t>(layout_.size());
  const bool rounds_afterwards = quantized_.has_value() && schedule_.qat_steps() == 0;
  if (!rounds_afterwards) return {EffectiveParameters(), size};
  const float* const parameters = state_.parameters.data();
  std::vector<float> log_scales(quantized_->scale_count());
  quantized_->InitializeScales(parameters, log_scales.data());
  quantized_->Quantize(parameters, log_scales.data(), effective_.data());
  return {effective_.data(), size};
}

Evaluation Trainer::Evaluate() {
  const float* const parameters = ServedParameters().data();
  const int context = config_.model.context;
  const int batch = config_.batch_sequences;
  const std::span<const uint8_t> tokens = data_.validation();
  const int64_t available = WindowCount(static_cast<int64_t>(tokens.size()), context);
  const int64_t wanted = std::min(available, config_.evaluation_tokens / context);
  const int64_t batches = std::max<int64_t>(1, wanted / batch);

  std::vector<uint8_t> windows(static_cast<size_t>(batch) * (context + 1));
  std::vector<double> window_losses;
  for (int64_t window = 0; window < batches * batch; window += batch) {
    for (int i = 0; i < batch; ++i) {
      std::copy_n(tokens.data() + (window + i) * context,
                  context + 1,
                  windows.data() + static_cast<size_t>(i) * (context + 1));
    }
    const auto losses = model_.Forward(parameters, windows);
    for (int i = 0; i < batch; ++i) {
      window_losses.push_back(Mean(losses.subspan(static_cast<size_t>(i) * context, context)));
    }
  }
  const double mean = Mean(window_losses);
  const auto count = static_cast<double>(window_losses.size());
  double squares = 0;
  for (const double loss : window_losses) squares += (loss - mean) * (loss - mean);
  return {.loss_nats = mean,
          .loss_stderr_nats = count > 1 ? std::sqrt(squares / (count - 1) / count) : 0,
          .tokens = static_cast<int64_t>(count) * context};
}

}  // namespace bitbudget::worker
