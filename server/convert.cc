#include "server/convert.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

namespace bitbudget::server {
namespace {

constexpr double kFullPrecisionBits = 16;

fitter::RunRole ToRunRole(v1::Role role) {
  switch (role) {
    case v1::FP_THEN_QAT:
      return fitter::RunRole::kFpThenQat;
    case v1::QAT_FROM_SCRATCH:
      return fitter::RunRole::kQatFromScratch;
    case v1::POST_TRAINING:
      return fitter::RunRole::kPostTraining;
    case v1::CONTROL:
      return fitter::RunRole::kControl;
    default:
      return fitter::RunRole::kFullPrecision;
  }
}

std::optional<std::string> UnlessEmpty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

void ObservationConverter::Append(const v1::Experiment& experiment, fitter::Dataset& data) {
  fitter::Observation row;
  const int64_t parameters =
      experiment.parameters() + (convention_ == v1::TOTAL ? experiment.embedding_parameters() : 0);
  row.point = {.parameters = static_cast<double>(parameters),
               .fp_tokens = static_cast<double>(experiment.fp_tokens()),
               .qat_tokens = static_cast<double>(experiment.qat_tokens()),
               .weight_bits = experiment.weight_bits()};
  row.role = ToRunRole(experiment.role());
  row.activation_bits =
      experiment.has_activation_bits() ? experiment.activation_bits() : kFullPrecisionBits;
  row.loss_nats = experiment.loss_nats();
  row.schedule = LabelIndex(experiment.schedule(), data);
  row.recipe = LabelIndex(experiment.recipe(), data);
  row.optimizer = LabelIndex(experiment.optimizer(), data);
  row.trunk = TrunkIndex(experiment.trunk());
  row.group_size = experiment.group_size();
  row.replicate = experiment.replicate();
  row.excluded = experiment.excluded();
  data.rows.push_back(row);
}

int ObservationConverter::LabelIndex(const std::string& label, fitter::Dataset& data) {
  if (label.empty()) return 0;
  const auto [entry, is_new] = labels_.try_emplace(label, static_cast<int>(data.labels.size()));
  if (is_new) data.labels.push_back(label);
  return entry->second;
}

int ObservationConverter::TrunkIndex(const std::string& trunk) {
  if (trunk.empty()) return -1;
  return trunks_.try_emplace(trunk, static_cast<int>(trunks_.size())).first->second;
}

fitter::FitOptions ToFitterOptions(const v1::FitOptions& options, std::string_view law) {
  fitter::FitOptions result;
  result.family = law;
  result.variant = UnlessEmpty(options.variant());
  if (options.has_huber_delta()) result.huber_delta = options.huber_delta();
  result.seed = options.seed();
  if (options.has_start_count()) result.start_count = options.start_count();
  result.polish_count = options.has_polish_count()
                            ? options.polish_count()
                            : std::min(result.polish_count, result.start_count);
  if (options.has_full_precision_weight()) {
    result.full_precision_weight = options.full_precision_weight();
  }
  result.schedule = UnlessEmpty(options.schedule());
  result.recipe = UnlessEmpty(options.recipe());
  result.optimizer = UnlessEmpty(options.optimizer());
  result.min_fp_tokens = static_cast<double>(options.min_fp_tokens());
  return result;
}

v1::FitOptions FromFitterOptions(const fitter::FitOptions& options) {
  v1::FitOptions message;
  message.set_variant(options.variant.value_or(""));
  if (options.huber_delta) message.set_huber_delta(*options.huber_delta);
  message.set_seed(options.seed);
  message.set_start_count(options.start_count);
  message.set_polish_count(options.polish_count);
  message.set_full_precision_weight(options.full_precision_weight);
  message.set_schedule(options.schedule.value_or(""));
  message.set_recipe(options.recipe.value_or(""));
  message.set_optimizer(options.optimizer.value_or(""));
  message.set_min_fp_tokens(static_cast<int64_t>(options.min_fp_tokens));
  return message;
}

fitter::BootstrapOptions ToFitterBootstrap(const v1::BootstrapOptions& options) {
  fitter::BootstrapOptions result{.seed = options.seed()};
  if (options.draw_count() != 0) result.draw_count = options.draw_count();
  if (options.method() != v1::BootstrapOptions::METHOD_UNSPECIFIED) {
    result.method = static_cast<fitter::BootstrapMethod>(static_cast<int>(options.method()) - 1);
  }
  return result;
}

v1::BootstrapOptions FromFitterBootstrap(const fitter::BootstrapOptions& options) {
  v1::BootstrapOptions result;
  result.set_method(
      static_cast<v1::BootstrapOptions::Method>(static_cast<int>(options.method) + 1));
  result.set_draw_count(options.draw_count);
  result.set_seed(options.seed);
  return result;
}

static_assert(static_cast<int>(v1::BootstrapOptions::PARAMETRIC) - 1 ==
              static_cast<int>(fitter::BootstrapMethod::kParametric));
static_assert(static_cast<int>(v1::BootstrapOptions::RESAMPLE) - 1 ==
              static_cast<int>(fitter::BootstrapMethod::kResample));

bool AreSameOptions(const v1::FitOptions& a, const v1::FitOptions& b, std::string_view law) {
  return google::protobuf::util::MessageDifferencer::Equals(
      FromFitterOptions(ToFitterOptions(a, law)), FromFitterOptions(ToFitterOptions(b, law)));
}

}  // namespace bitbudget::server
