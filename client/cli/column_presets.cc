#include "client/cli/column_presets.h"

#include <algorithm>

namespace bitbudget::cli {
namespace {

// A plain "loss" is mostly the one of training, and no preset of a tracker takes it. "like"
// disregards case and punctuation: "eval loss" is also eval/loss and Eval_Loss.
constexpr ColumnPreset kPresets[] = {
    {"wandb", R"({
  "fields": {
    "parameters": {"like": ["parameters", "params", "n parameters", "num parameters",
                            "n params", "num params", "parameter count", "param count",
                            "non embedding parameters", "non embedding params", "model size"]},
    "embedding_parameters": {"like": ["embedding parameters", "embedding params",
                                      "n embedding parameters", "num embedding parameters"]},
    "fp_tokens": {"like": ["fp tokens", "tokens fp", "full precision tokens"]},
    "qat_tokens": {"like": ["qat tokens", "tokens qat", "quantized tokens"]},
    "total_tokens": {"like": ["total tokens", "tokens total", "train tokens",
                              "training tokens", "tokens seen", "n tokens", "num tokens",
                              "tokens"]},
    "qat_fraction": {"like": ["qat fraction", "qat frac", "qat share", "qat ratio"]},
    "compute_flops": {"like": ["compute flops", "train flops", "training flops",
                               "total flops", "flops"]},
    "weight_bits": {"like": ["weight bits", "w bits", "quant bits", "qat bits", "bit width",
                             "n bits", "num bits", "bits"], "default": 16},
    "activation_bits": {"like": ["activation bits", "act bits", "a bits"]},
    "group_size": {"like": ["group size", "quant group size"]},
    "loss_nats": {"like": ["eval loss", "val loss", "valid loss", "validation loss",
                           "test loss", "eval cross entropy", "val cross entropy"]},
    "loss_stderr_nats": {"like": ["eval loss stderr", "val loss stderr",
                                  "validation loss stderr"]},
    "recipe": {"like": ["recipe", "qat recipe", "quantizer", "quant method",
                        "quantization method"]},
    "optimizer": {"like": ["optimizer", "optim"]},
    "schedule": {"like": ["qat schedule", "schedule"]},
    "trunk": {"like": ["trunk", "base run"]},
    "replicate": {"like": ["replicate", "seed", "random seed"],
                  "hash_of": ["ID", "run id", "Name"]},
    "note": {"like": ["ID", "run id", "Name"]}
  },
  "where": {"State": {"values": ["finished"], "optional": true}}
})"},
    {"mlflow", R"({
  "fields": {
    "parameters": {"like": ["params.parameters", "params.params", "params.n parameters",
                            "params.num parameters", "params.n params", "params.num params",
                            "params.parameter count", "params.param count",
                            "params.non embedding parameters",
                            "params.non embedding params", "params.model size",
                            "metrics.parameters", "metrics.n params", "metrics.num params"]},
    "embedding_parameters": {"like": ["params.embedding parameters",
                                      "params.embedding params",
                                      "params.n embedding parameters",
                                      "params.num embedding parameters"]},
    "fp_tokens": {"like": ["params.fp tokens", "metrics.fp tokens",
                           "params.full precision tokens", "metrics.full precision tokens"]},
    "qat_tokens": {"like": ["params.qat tokens", "metrics.qat tokens",
                            "params.quantized tokens", "metrics.quantized tokens"]},
    "total_tokens": {"like": ["params.total tokens", "metrics.total tokens",
                              "metrics.tokens seen", "params.train tokens",
                              "params.training tokens", "params.n tokens",
                              "params.num tokens", "metrics.num tokens", "metrics.tokens",
                              "params.tokens"]},
    "qat_fraction": {"like": ["params.qat fraction", "params.qat frac", "params.qat share",
                              "params.qat ratio"]},
    "compute_flops": {"like": ["params.compute flops", "metrics.compute flops",
                               "metrics.train flops", "metrics.training flops",
                               "metrics.total flops", "metrics.flops", "params.flops"]},
    "weight_bits": {"like": ["params.weight bits", "params.w bits", "params.quant bits",
                             "params.qat bits", "params.bit width", "params.n bits",
                             "params.num bits", "params.bits"], "default": 16},
    "activation_bits": {"like": ["params.activation bits", "params.act bits",
                                 "params.a bits"]},
    "group_size": {"like": ["params.group size", "params.quant group size"]},
    "loss_nats": {"like": ["metrics.eval loss", "metrics.val loss", "metrics.valid loss",
                           "metrics.validation loss", "metrics.test loss",
                           "metrics.eval cross entropy", "metrics.val cross entropy"]},
    "loss_stderr_nats": {"like": ["metrics.eval loss stderr", "metrics.val loss stderr",
                                  "metrics.validation loss stderr"]},
    "recipe": {"like": ["params.recipe", "params.qat recipe", "params.quantizer",
                        "params.quant method", "params.quantization method"]},
    "optimizer": {"like": ["params.optimizer", "params.optim"]},
    "schedule": {"like": ["params.qat schedule", "params.schedule"]},
    "trunk": {"like": ["params.trunk", "params.base run", "tags.trunk"]},
    "replicate": {"like": ["params.replicate", "params.seed", "params.random seed"],
                  "hash_of": ["run id"]},
    "note": {"like": ["run id"]}
  },
  "where": {"status": {"values": ["FINISHED"], "optional": true},
            "lifecycle_stage": {"values": ["active"], "optional": true}}
})"},
    {"chinchilla", R"({
  "fields": {
    "parameters": {"like": ["N", "parameters", "params", "model size", "n params",
                            "num params"], "rounded": true},
    "embedding_parameters": {"like": ["embedding parameters", "embedding params"],
                             "rounded": true},
    "total_tokens": {"like": ["D", "total tokens", "training tokens", "train tokens",
                              "n tokens", "num tokens", "tokens"], "rounded": true},
    "compute_flops": {"like": ["C", "compute flops", "training flop", "training flops",
                               "compute", "flops", "flop"]},
    "weight_bits": {"value": 16},
    "loss_nats": {"like": ["loss", "L", "loss nats", "final loss", "val loss",
                           "validation loss", "eval loss"]},
    "replicate": {"like": ["replicate", "seed"]}
  }
})"},
};

}  // namespace

std::span<const ColumnPreset> AllColumnPresets() { return kPresets; }

std::optional<std::string_view> FindColumnPreset(std::string_view name) {
  const auto found = std::find_if(
      std::begin(kPresets), std::end(kPresets), [&](const auto& p) { return p.name == name; });
  if (found == std::end(kPresets)) return std::nullopt;
  return found->json;
}

}  // namespace bitbudget::cli
