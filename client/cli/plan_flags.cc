#include "client/cli/plan_flags.h"

namespace bitbudget::cli {

void AddSource(CLI::App* command,
               google::protobuf::Message* request,
               v1::LawSource* source,
               LawFlags* law) {
  AddLaw(command, law);
  AddPublishedLaw(command, law);
  AddField(command,
           source,
           "min_revision",
           "Answer only from a fit that covers this revision; waits for it");
  AddField(command,
           request,
           "confidence_level",
           "Probability that the intervals shall cover; else 0.9",
           "--confidence");
}

void ExcludeEachOther(const std::vector<CLI::Option*>& options) {
  for (CLI::Option* option : options) {
    for (CLI::Option* other : options) {
      if (option != other) option->excludes(other);
    }
  }
}

std::vector<CLI::Option*> AddBudget(CLI::App* command, google::protobuf::Message* request) {
  return {
      AddField(command, request, "total_tokens", "Budget: all tokens, counted in full precision"),
      AddField(command,
               request,
               "compute_flops",
               "Budget: the same as FLOPs, 6 a parameter and token",
               "--flops")};
}

void AddGivenSize(CLI::App* command, google::protobuf::Message* request) {
  AddField(command, request, "parameters", "Parameters, in the study's convention")->required();
}

void AddFreeSize(CLI::App* command, google::protobuf::Message* request) {
  AddField(command,
           request,
           "parameters",
           "Parameters, in the study's convention; else the best size is sought");
  AddField(command, request, "memory_bytes", "Cap on the memory of the served model", "--memory");
}

void AddLossTolerance(CLI::App* command, google::protobuf::Message* request) {
  AddField(command,
           request,
           "loss_tolerance_nats",
           "Losses this near the best are as good; else 0.1 % of it",
           "--loss-tolerance");
}

void AddMemoryModel(CLI::App* command, v1::MemoryModel* model) {
  const auto add = [&](const char* field, const char* description) {
    AddField(command, model, field, description)->group("Memory");
  };
  add("layers", "Layers of the model, with --width and --parameters");
  add("width", "Width of the model, with --layers");
  add("width_per_layer", "Width per layer where the shape is left open; else 128");
  add("layer_coefficient", "Parameters of a layer in width squared; else 12");
  add("attention_heads", "Attention heads, with --key-value-heads");
  add("key_value_heads", "Key-value heads; else as many as attention heads");
  add("vocabulary", "Entries of the vocabulary; else 32,000");
  command
      ->add_flag_callback(
          "--untied-embeddings",
          [model] { model->set_tied_embeddings(false); },
          "The head has weights of its own")
      ->group("Memory");
  add("context_tokens", "Tokens in the key-value cache; else 4,096");
  add("batch", "Sequences served at once; else 1");
  add("kv_cache_bits", "Bits of the key-value cache; else 16");
  add("group_size", "Weights that share a scale; else a row");
  add("scale_bits", "Bits of a scale; else 16");
  add("zero_point_bits", "Bits of a zero point; else 0");
  add("embedding_bits", "Bits of embedding and head; else 4, or those of the blocks if more");
  add("norm_bits", "Bits of the norms; else 16");
  add("ternary_storage", "How weights of three values are stored; else two-bits");
  add("overhead_share", "Overhead as a share of all else; else 0.05");
  add("overhead_bytes", "Overhead on top; else none");
}

void AddHardware(CLI::App* command, v1::Hardware* hardware) {
  const auto add = [&](const char* field, const char* description, const char* flag = "") {
    AddField(command, hardware, field, description, flag)->group("Hardware");
  };
  add("device", "Device to train on; bitbudget devices lists those known");
  add("peak_flops", "FLOP/s of a device, if it is not known or to be corrected");
  add("utilization", "Share of the peak that the training reaches; else 0.4");
  add("device_count", "Devices; else 1", "--devices");
  add("price_per_device_hour", "Price of a device for an hour", "--price");
}

void AddWidths(CLI::App* command, google::protobuf::Message* request) {
  AddField(
      command, request, "weight_bits", "Widths to consider, divided by commas; else all measured");
  AddField(
      command, request, "qat_token_cost", "Cost of a QAT token in full-precision ones; else 1");
}

void AddDraws(CLI::App* command, google::protobuf::Message* request) {
  AddField(command,
           request,
           "draw_count",
           "Draws for the probability of being best; else 1,000",
           "--draws");
  AddField(command, request, "seed", "Seed of the draws; else 0");
}

}  // namespace bitbudget::cli
