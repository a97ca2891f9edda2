#include "server/training_shape.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace bitbudget::server {
namespace {

constexpr int kDefaultContext = 64;
constexpr int kDefaultBatch = 8;
constexpr double kFullPrecisionBits = 16;

bool IsSwiglu(const v1::TrainingModel& model) { return model.feed_forward() == "swiglu"; }

// Inner width of the feed-forward layer; that of SwiGLU is a multiple of 16.
int64_t HiddenWidth(const v1::TrainingModel& model) {
  if (model.hidden() > 0) return model.hidden();
  const int64_t width = model.width();
  if (!IsSwiglu(model)) return 4 * width;
  return ((8 * width + 2) / 3 + 15) / 16 * 16;
}

template <typename Message, typename Value>
void Default(Message& message,
             bool (Message::*has)() const,
             void (Message::*set)(Value),
             Value value) {
  if (!(message.*has)()) (message.*set)(value);
}

void DefaultText(std::string* text, const char* value) {
  if (text->empty()) *text = value;
}

void FillModel(v1::TrainingModel& model) {
  using M = v1::TrainingModel;
  if (HasShape(model)) {
    model.set_parameters(BlockParameters(model));
    model.set_hidden(static_cast<int32_t>(HiddenWidth(model)));
  }
  Default(model, &M::has_head_size, &M::set_head_size, 16);
  Default(model, &M::has_context, &M::set_context, kDefaultContext);
  DefaultText(model.mutable_feed_forward(), "gelu");
  Default(model, &M::has_tied_embeddings, &M::set_tied_embeddings, true);
}

void FillSchedule(v1::TrainingSchedule& schedule) {
  using S = v1::TrainingSchedule;
  DefaultText(schedule.mutable_kind(), "classic");
  Default(schedule, &S::has_warmup_tokens, &S::set_warmup_tokens, int64_t{51200});
  Default(schedule, &S::has_cooldown_fraction, &S::set_cooldown_fraction, 0.5);
  DefaultText(schedule.mutable_cooldown_shape(), "one_minus_sqrt");
  Default(schedule, &S::has_qat_peak_share, &S::set_qat_peak_share, 0.3);
  Default(schedule, &S::has_qat_warmup_fraction, &S::set_qat_warmup_fraction, 0.05);
  DefaultText(schedule.mutable_moments(), "fresh");
}

void FillOptimizer(v1::TrainingOptimizer& optimizer) {
  using O = v1::TrainingOptimizer;
  Default(optimizer, &O::has_beta1, &O::set_beta1, 0.9);
  Default(optimizer, &O::has_beta2, &O::set_beta2, 0.99);
  Default(optimizer, &O::has_epsilon, &O::set_epsilon, 1e-8);
  Default(optimizer, &O::has_weight_decay, &O::set_weight_decay, 0.1);
  Default(optimizer, &O::has_clip_norm, &O::set_clip_norm, 1.0);
}

void FillQuantization(v1::TrainingQuantization& quantization) {
  using Q = v1::TrainingQuantization;
  Default(quantization, &Q::has_bits, &Q::set_bits, kFullPrecisionBits);
  DefaultText(quantization.mutable_granularity(), "row");
  DefaultText(quantization.mutable_embeddings(), "full_precision");
}

// "24.7k".
std::string Short(int64_t count) {
  auto value = static_cast<double>(count);
  constexpr std::array kLetters = {"", "k", "M", "B", "T", "P"};
  size_t letter = 0;
  // 999.5 would round to 1e+03.
  for (; value >= 999.5 && letter + 1 < kLetters.size(); ++letter) value /= 1000;
  return fmt::format("{:.3g}{}", value, kLetters[letter]);
}

}  // namespace

bool HasShape(const v1::TrainingModel& model) { return model.width() > 0 && model.layers() > 0; }

int64_t BlockParameters(const v1::TrainingModel& model) {
  if (!HasShape(model)) return model.parameters();
  const int64_t width = model.width();
  const int64_t hidden = HiddenWidth(model);
  const int64_t expanded = IsSwiglu(model) ? 2 * hidden : hidden;
  const int64_t gains = 2 * width;
  return model.layers() * (width * (4 * width + expanded + hidden) + gains) + width;
}

int64_t StepTokens(const v1::TrainingSpec& training) {
  const int64_t batch = training.has_batch_sequences() ? training.batch_sequences() : kDefaultBatch;
  const v1::TrainingModel& model = training.model();
  return batch * (model.has_context() ? model.context() : kDefaultContext);
}

int64_t WholeSteps(int64_t tokens, int64_t step_tokens) {
  return (tokens + step_tokens / 2) / step_tokens;
}

int64_t TotalTokens(const v1::TrainingSpec& training) {
  return training.schedule().fp_tokens() + training.schedule().qat_tokens();
}

double EstimatedFlops(const v1::TrainingSpec& training, int64_t start_tokens) {
  return 6.0 * static_cast<double>(BlockParameters(training.model())) *
         static_cast<double>(TotalTokens(training) - start_tokens);
}

v1::TrainingSpec WithDefaults(v1::TrainingSpec training) {
  using T = v1::TrainingSpec;
  DefaultText(training.mutable_data(), "tokens");
  FillModel(*training.mutable_model());
  FillSchedule(*training.mutable_schedule());
  FillOptimizer(*training.mutable_optimizer());
  FillQuantization(*training.mutable_quantization());
  Default(training, &T::has_batch_sequences, &T::set_batch_sequences, kDefaultBatch);
  Default(training, &T::has_evaluation_tokens, &T::set_evaluation_tokens, int64_t{524288});
  Default(training, &T::has_threads, &T::set_threads, 1);
  Default(training, &T::has_max_epochs, &T::set_max_epochs, 1.0);
  return training;
}

std::string TrainingLabel(const v1::TrainingSpec& training, v1::JobKind kind) {
  const v1::TrainingSchedule& schedule = training.schedule();
  const int64_t total = TotalTokens(training);
  std::string label = fmt::format(
      "{} parameters, {} tokens", Short(BlockParameters(training.model())), Short(total));
  if (kind == v1::TRUNK) {
    label += ", trunk";
  } else {
    const double bits = training.quantization().bits();
    const double shown = bits > 0 ? bits : kFullPrecisionBits;
    label += fmt::format(", {} bit{}", shown, shown == 1 ? "" : "s");
  }
  if (schedule.qat_tokens() > 0) {
    label +=
        fmt::format(", {:.3g} % QAT {}",
                    100 * static_cast<double>(schedule.qat_tokens()) / static_cast<double>(total),
                    schedule.kind() == "fused" ? "fused" : "classic");
  }
  return label + fmt::format(", seed {}", training.seed());
}

}  // namespace bitbudget::server
