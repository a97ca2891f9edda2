#include "fitter/laws/compute_optimal_qat.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "fitter/laws/terms.h"

namespace bitbudget::fitter {
namespace {

constexpr ReferenceScales kReference = {
    .parameters = 1e9, .tokens = 1e10, .tokens_per_parameter_byte = 100};

// Where the rungs with a QAT fraction differ.
struct Rung {
  std::string variant;
  bool has_floor = true;
  bool has_bits_floor = true;
  bool interaction_depends_on_bits = true;
  std::string interaction_decay = "mu";  // "chi": shared with the qat term
};

std::string Formula(const Rung& rung) {
  return fmt::format(
      "{}beta / D^gamma + zeta / N^eta{} + phi 2^(-chi B) / (N^psi S_qat^omega) + "
      "lambda{} / (N^nu S_fp^xi S_qat^rho)",
      rung.has_floor ? "alpha + " : "",
      rung.has_bits_floor ? " + theta 2^(-kappa B)" : "",
      rung.interaction_depends_on_bits ? fmt::format(" 2^(-{} B)", rung.interaction_decay) : "");
}

Law MakeLaw(const std::string& variant, std::string formula) {
  return {.family = kComputeOptimalQat,
          .variant = variant,
          .formula = std::move(formula),
          .reference = kReference};
}

Law SplittingLaw(const Rung& rung) {
  Law law = MakeLaw(rung.variant, Formula(rung));
  TermBuilder builder(&law);
  if (rung.has_floor) builder.Add("floor").Coefficient("alpha", "nats");
  builder.Add("data")
      .Coefficient("beta", "nats at D = 1e10")
      .Exponent("gamma", Feature::kMinusLogTotalTokens);
  builder.Add("model")
      .Coefficient("zeta", "nats at N = 1e9")
      .Exponent("eta", Feature::kMinusLogParameters);
  if (rung.has_bits_floor) {
    builder.Add("bits_floor")
        .QuantizedOnly()
        .Coefficient("theta", "nats at B = 0")
        .Exponent("kappa", Feature::kMinusBitsLn2);
  }
  builder.Add("qat")
      .QuantizedOnly()
      .Coefficient("phi", "nats at N = 1e9, S = 100, B = 0")
      .Exponent("chi", Feature::kMinusBitsLn2)
      .Exponent("psi", Feature::kMinusLogParameters)
      .Exponent("omega", Feature::kMinusLogQatTokensPerByte);
  builder.Add("interaction")
      .QuantizedOnly()
      .Coefficient("lambda", "nats at N = 1e9, S = 100, B = 0");
  if (rung.interaction_depends_on_bits) {
    builder.Exponent(rung.interaction_decay, Feature::kMinusBitsLn2);
  }
  builder.Exponent("nu", Feature::kMinusLogParameters)
      .Exponent("xi", Feature::kMinusLogFpTokensPerByte)
      .Exponent("rho", Feature::kMinusLogQatTokensPerByte);
  return law;
}

Law PerBitLaw(std::span<const double> weight_bits) {
  Law law = MakeLaw("per_bit_chinchilla", "alpha_B + beta_B / D^gamma + zeta_B / N^eta");
  TermBuilder builder(&law);
  for (const double bits : weight_bits) {
    const std::string suffix = fmt::format("_{}", bits);
    builder.Add("floor").OnlyAt(bits).Coefficient("alpha" + suffix, "nats");
    builder.Add("data")
        .OnlyAt(bits)
        .Coefficient("beta" + suffix, "nats at D = 1e10")
        .Exponent("gamma", Feature::kMinusLogTotalTokens);
    builder.Add("model")
        .OnlyAt(bits)
        .Coefficient("zeta" + suffix, "nats at N = 1e9")
        .Exponent("eta", Feature::kMinusLogParameters);
  }
  return law;
}

}  // namespace

std::vector<Law> ComputeOptimalQatLadder(std::span<const double> weight_bits) {
  std::vector<Law> ladder = {
      SplittingLaw({.variant = "full"}),
      SplittingLaw({.variant = "shared_bit_decay", .interaction_decay = "chi"}),
      SplittingLaw({.variant = "bit_free_interaction", .interaction_depends_on_bits = false}),
      SplittingLaw({.variant = "no_irreducible", .has_bits_floor = false}),
      SplittingLaw({.variant = "no_floors", .has_floor = false, .has_bits_floor = false})};
  if (!weight_bits.empty()) ladder.push_back(PerBitLaw(weight_bits));
  return ladder;
}

}  // namespace bitbudget::fitter
