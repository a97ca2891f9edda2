// Rules of what a model takes in memory and what trains it.

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>

#include "planner/devices.h"
#include "server/validate_question.h"

namespace bitbudget::server {
namespace {

void CheckShape(FieldViolations& violations, const v1::MemoryModel& model, bool has_parameters) {
  if (model.has_layers() != model.has_width()) {
    violations.push_back({"layers", "and width go together: a shape has both"});
  }
  if (model.has_layers()) {
    CheckRange(violations, "layers", model.layers(), 1, 1e4);
    if (!has_parameters) {
      violations.push_back({"layers", "is the shape of one size: set parameters too"});
    }
    if (model.has_width_per_layer()) {
      violations.push_back({"width_per_layer", "follows from layers and width; leave it out"});
    }
    if (model.has_layer_coefficient()) {
      violations.push_back({"layer_coefficient", "follows from layers and width; leave it out"});
    }
  }
  if (model.has_width()) CheckRange(violations, "width", model.width(), 1, 1e6);
  if (model.has_width_per_layer()) {
    CheckRange(violations, "width_per_layer", model.width_per_layer(), 1e-3, 1e6);
  }
  if (model.has_layer_coefficient()) {
    CheckRange(violations, "layer_coefficient", model.layer_coefficient(), 4, 40);
  }
}

void CheckHeads(FieldViolations& violations, const v1::MemoryModel& model) {
  if (model.has_attention_heads() != model.has_key_value_heads()) {
    violations.push_back({"key_value_heads", "and attention_heads go together: set both"});
    return;
  }
  if (!model.has_attention_heads()) return;
  CheckAtLeast(violations, "attention_heads", model.attention_heads(), 1);
  CheckAtLeast(violations, "key_value_heads", model.key_value_heads(), 1);
  if (model.key_value_heads() >= 1 && model.attention_heads() % model.key_value_heads() != 0) {
    violations.push_back({"key_value_heads",
                          fmt::format("is {}, no divisor of attention_heads, {}",
                                      model.key_value_heads(),
                                      model.attention_heads())});
  }
}

void CheckFormats(FieldViolations& violations, const v1::MemoryModel& model) {
  const auto bits = [&](const char* field, bool is_set, double value, double least) {
    if (is_set) CheckRange(violations, field, value, least, 32);
  };
  const auto count = [&](const char* field, bool is_set, int64_t value) {
    if (is_set) CheckCount(violations, field, value, 0, 1'000'000'000);
  };
  count("vocabulary", model.has_vocabulary(), model.vocabulary());
  count("context_tokens", model.has_context_tokens(), model.context_tokens());
  count("batch", model.has_batch(), model.batch());
  count("group_size", model.has_group_size(), model.group_size());
  bits("kv_cache_bits", model.has_kv_cache_bits(), model.kv_cache_bits(), 1);
  bits("scale_bits", model.has_scale_bits(), model.scale_bits(), 0);
  bits("zero_point_bits", model.has_zero_point_bits(), model.zero_point_bits(), 0);
  bits("embedding_bits", model.has_embedding_bits(), model.embedding_bits(), 1);
  bits("norm_bits", model.has_norm_bits(), model.norm_bits(), 1);
  if (!v1::MemoryModel::TernaryStorage_IsValid(model.ternary_storage())) {
    violations.push_back({"ternary_storage", "is none of those known"});
  }
  if (model.has_overhead_share()) {
    CheckRange(violations, "overhead_share", model.overhead_share(), 0, 10);
  }
  if (model.has_overhead_bytes()) {
    CheckRange(violations, "overhead_bytes", model.overhead_bytes(), 0, 1e18);
  }
}

}  // namespace

void CheckMemoryModel(FieldViolations& violations,
                      const v1::MemoryModel& model,
                      bool has_parameters) {
  FieldViolations found;
  CheckShape(found, model, has_parameters);
  CheckHeads(found, model);
  CheckFormats(found, model);
  AddAll(violations, "memory_model.", std::move(found));
}

void CheckHardware(FieldViolations& violations, const v1::Hardware& hardware) {
  FieldViolations found;
  if (!hardware.device().empty() && planner::FindDevice(hardware.device()) == nullptr) {
    std::string names;
    for (const planner::Device& device : planner::Devices()) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", device.name);
    }
    found.push_back(
        {"device",
         fmt::format(
             "is \"{}\"; known are {}; for another one set peak_flops", hardware.device(), names)});
  }
  if (hardware.has_peak_flops()) {
    CheckPositive(found, "peak_flops", hardware.peak_flops());
  } else if (hardware.device().empty()) {
    found.push_back({"device", "is required, or peak_flops"});
  }
  if (hardware.has_utilization() && !(hardware.utilization() > 0 && hardware.utilization() <= 1)) {
    found.push_back(
        {"utilization",
         fmt::format("is {}; must be greater than 0, at most 1", hardware.utilization())});
  }
  if (hardware.has_device_count()) {
    CheckCount(found, "device_count", hardware.device_count(), 1, 1'000'000);
  }
  if (hardware.has_price_per_device_hour()) {
    const double price = hardware.price_per_device_hour();
    if (!(price >= 0 && std::isfinite(price))) {
      found.push_back(
          {"price_per_device_hour", fmt::format("is {}; must be 0 or more, and finite", price)});
    }
  }
  AddAll(violations, "hardware.", std::move(found));
}

}  // namespace bitbudget::server
