#include "fitter/laws/optimizer_rescaled.h"

#include <string>

#include "fitter/laws/terms.h"

namespace bitbudget::fitter {
namespace {

struct Rung {
  std::string variant;
  std::string formula;
  bool rescales_model = true;
  bool has_data = true;
};

// Adds a term for each optimizer, with a coefficient of its own.
void AddRescaled(const Law& law,
                 const std::string& name,
                 const std::string& coefficient,
                 const std::string& unit,
                 const std::string& exponent,
                 Feature feature,
                 TermBuilder* builder) {
  for (int i = 0; i < static_cast<int>(law.optimizers.size()); ++i) {
    builder->Add(name)
        .OnlyWith(i)
        .Coefficient(coefficient + "_" + law.optimizers[i], unit)
        .Exponent(exponent, feature);
  }
}

Law MakeLaw(const Rung& rung, std::span<const std::string> optimizers) {
  Law law{.family = kOptimizerRescaled,
          .variant = rung.variant,
          .formula = rung.formula,
          .reference = {},
          .optimizers = {optimizers.begin(), optimizers.end()}};
  TermBuilder builder(&law);
  builder.Add("floor").Coefficient("E", "nats");
  constexpr Feature kSize = Feature::kMinusLogParameters;
  if (rung.rescales_model) {
    AddRescaled(law, "model", "A", "nats at N = 1", "alpha", kSize, &builder);
  } else {
    builder.Add("model").Coefficient("A", "nats at N = 1").Exponent("alpha", kSize);
  }
  if (rung.has_data) {
    constexpr Feature kTokens = Feature::kMinusLogTotalTokens;
    AddRescaled(law, "data", "B", "nats at D = 1", "beta", kTokens, &builder);
  }
  return law;
}

}  // namespace

std::vector<Law> OptimizerRescaledLadder(std::span<const std::string> optimizers) {
  return {MakeLaw({.variant = "full", .formula = "E + A_o / N^alpha + B_o / D^beta"}, optimizers),
          MakeLaw({.variant = "shared_model",
                   .formula = "E + A / N^alpha + B_o / D^beta",
                   .rescales_model = false},
                  optimizers),
          MakeLaw({.variant = "model_only", .formula = "E + A_o / N^alpha", .has_data = false},
                  optimizers)};
}

}  // namespace bitbudget::fitter
