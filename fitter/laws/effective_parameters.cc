#include "fitter/laws/effective_parameters.h"

#include <fmt/format.h>

#include <string>

#include "fitter/laws/terms.h"

namespace bitbudget::fitter {
namespace {

Law MakeLaw(const std::string& variant, bool has_floor, std::span<const double> weight_bits) {
  Law law{.family = kEffectiveParameters,
          .variant = variant,
          .formula = fmt::format("{}A_B / N^alpha + B / D^beta", has_floor ? "E + " : ""),
          .reference = {}};
  TermBuilder builder(&law);
  if (has_floor) builder.Add("floor").Coefficient("E", "nats");
  for (const double bits : weight_bits) {
    builder.Add("model")
        .OnlyAt(bits)
        .Coefficient(fmt::format("A_{}", bits), "nats at N = 1")
        .Exponent("alpha", Feature::kMinusLogParameters);
  }
  builder.Add("data")
      .Coefficient("B", "nats at D = 1")
      .Exponent("beta", Feature::kMinusLogTotalTokens);
  return law;
}

}  // namespace

std::vector<Law> EffectiveParametersLadder(std::span<const double> weight_bits) {
  return {MakeLaw("full", /*has_floor=*/true, weight_bits),
          MakeLaw("no_irreducible", /*has_floor=*/false, weight_bits)};
}

}  // namespace bitbudget::fitter
