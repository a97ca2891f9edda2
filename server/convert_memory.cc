#include "server/convert_memory.h"

#include <string>

#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

void SetBytes(const planner::ModelMemory& memory, v1::ModelMemory& message) {
  message.set_total_bytes(memory.total_bytes);
  message.set_block_bytes(memory.block_bytes);
  message.set_scale_bytes(memory.scale_bytes);
  message.set_zero_point_bytes(memory.zero_point_bytes);
  message.set_embedding_bytes(memory.embedding_bytes);
  message.set_norm_bytes(memory.norm_bytes);
  message.set_kv_cache_bytes(memory.kv_cache_bytes);
  message.set_overhead_bytes(memory.overhead_bytes);
}

}  // namespace

absl::StatusOr<planner::MemoryModel> ToMemoryModel(const v1::MemoryModel& request,
                                                   double parameters,
                                                   bool law_counts_embeddings) {
  planner::MemoryModel model{.law_counts_embeddings = law_counts_embeddings};
  const auto take = [](bool is_set, auto value, double& target) {
    if (is_set) target = static_cast<double>(value);
  };
  take(request.has_width_per_layer(), request.width_per_layer(), model.width_per_layer);
  take(request.has_layer_coefficient(), request.layer_coefficient(), model.layer_coefficient);
  if (request.has_attention_heads() && request.has_key_value_heads()) {
    model.key_value_share = static_cast<double>(request.key_value_heads()) /
                            static_cast<double>(request.attention_heads());
  }
  take(request.has_vocabulary(), request.vocabulary(), model.vocabulary);
  if (request.has_tied_embeddings()) model.tied_embeddings = request.tied_embeddings();
  take(request.has_context_tokens(), request.context_tokens(), model.context_tokens);
  take(request.has_batch(), request.batch(), model.batch);
  take(request.has_kv_cache_bits(), request.kv_cache_bits(), model.kv_cache_bits);
  take(request.has_group_size(), request.group_size(), model.group_size);
  take(request.has_scale_bits(), request.scale_bits(), model.scale_bits);
  take(request.has_zero_point_bits(), request.zero_point_bits(), model.zero_point_bits);
  if (request.has_embedding_bits()) model.embedding_bits = request.embedding_bits();
  take(request.has_norm_bits(), request.norm_bits(), model.norm_bits);
  if (request.ternary_storage() == v1::MemoryModel::FIVE_IN_A_BYTE) {
    model.ternary_storage = planner::TernaryStorage::kFiveInAByte;
  }
  take(request.has_overhead_share(), request.overhead_share(), model.overhead_share);
  take(request.has_overhead_bytes(), request.overhead_bytes(), model.overhead_bytes);
  if (request.has_layers()) {
    RETURN_IF_ERROR(planner::FitShape(parameters, request.layers(), request.width(), &model));
  }
  return model;
}

v1::MemoryModel InForce(const v1::MemoryModel& request, const planner::MemoryModel& model) {
  v1::MemoryModel message = request;
  message.set_width_per_layer(model.width_per_layer);
  message.set_layer_coefficient(model.layer_coefficient);
  message.set_vocabulary(static_cast<int64_t>(model.vocabulary));
  message.set_tied_embeddings(model.tied_embeddings);
  message.set_context_tokens(static_cast<int64_t>(model.context_tokens));
  message.set_batch(static_cast<int64_t>(model.batch));
  message.set_kv_cache_bits(model.kv_cache_bits);
  message.set_group_size(static_cast<int64_t>(model.group_size));
  message.set_scale_bits(model.scale_bits);
  message.set_zero_point_bits(model.zero_point_bits);
  message.set_norm_bits(model.norm_bits);
  message.set_ternary_storage(model.ternary_storage == planner::TernaryStorage::kTwoBits
                                  ? v1::MemoryModel::TWO_BITS
                                  : v1::MemoryModel::FIVE_IN_A_BYTE);
  message.set_overhead_share(model.overhead_share);
  message.set_overhead_bytes(model.overhead_bytes);
  return message;
}

v1::ModelMemory ToModelMemory(const planner::ModelMemory& memory) {
  v1::ModelMemory message;
  SetBytes(memory, message);
  message.set_block_parameters(memory.block_parameters);
  message.set_embedding_parameters(memory.embedding_parameters);
  message.set_layers(memory.layers);
  message.set_width(memory.width);
  message.set_storage_bits(memory.storage_bits);
  message.set_embedding_bits(memory.embedding_bits);
  return message;
}

planner::Hardware ToHardware(const v1::Hardware& request) {
  planner::Hardware hardware;
  if (const planner::Device* device = planner::FindDevice(request.device())) {
    hardware.peak_flops = device->peak_flops;
  }
  if (request.has_peak_flops()) hardware.peak_flops = request.peak_flops();
  if (request.has_utilization()) hardware.utilization = request.utilization();
  if (request.has_device_count()) hardware.device_count = request.device_count();
  if (request.has_price_per_device_hour()) {
    hardware.price_per_device_hour = request.price_per_device_hour();
  }
  return hardware;
}

v1::Hardware InForce(const v1::Hardware& request, const planner::Hardware& hardware) {
  v1::Hardware message = request;
  message.set_peak_flops(hardware.peak_flops);
  message.set_utilization(hardware.utilization);
  message.set_device_count(static_cast<int32_t>(hardware.device_count));
  return message;
}

v1::ListDevicesResponse AllDevices() {
  v1::ListDevicesResponse response;
  for (const planner::Device& device : planner::Devices()) {
    v1::Device* message = response.add_devices();
    message->set_name(std::string(device.name));
    message->set_peak_flops(device.peak_flops);
    message->set_memory_bytes(device.memory_bytes);
    message->set_source(std::string(device.source));
  }
  response.set_default_utilization(planner::kDefaultUtilization);
  response.set_utilization_source(std::string(planner::kUtilizationSource));
  return response;
}

}  // namespace bitbudget::server
