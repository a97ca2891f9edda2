#include "fitter/laws/unified_qat_error.h"

#include <fmt/format.h>

#include <string>

#include "fitter/laws/terms.h"

namespace bitbudget::fitter {
namespace {

constexpr double kFullPrecisionBits = 16;

struct Rung {
  std::string variant;
  bool shares_exponents = true;
  bool depends_on_tokens = true;
};

std::string Formula(const Rung& rung) {
  const std::string suffix = rung.shares_exponents ? "" : "_B";
  return fmt::format("E + A / N^alpha + B / D^beta + k_B{1} (log2 G)^gamma_G{0} / N^gamma_N{0}",
                     suffix,
                     rung.depends_on_tokens ? " D^gamma_D" + suffix : "");
}

void AddError(const Rung& rung, double bits, TermBuilder* builder) {
  const std::string of_width = fmt::format("_{}", bits);
  const std::string suffix = rung.shares_exponents ? "" : of_width;
  builder->Add("qat_error")
      .QuantizedOnly()
      .OnlyAt(bits)
      .Coefficient("k" + of_width, "nats at N = 1, D = 1, G = 2")
      .Exponent("gamma_N" + suffix, Feature::kMinusLogParameters);
  if (rung.depends_on_tokens) builder->Exponent("gamma_D" + suffix, Feature::kLogTotalTokens);
  builder->Exponent("gamma_G" + suffix, Feature::kLogLog2GroupSize);
}

Law MakeLaw(const Rung& rung, std::span<const double> weight_bits) {
  Law law{.family = kUnifiedQatError,
          .variant = rung.variant,
          .formula = Formula(rung),
          .reference = {}};
  TermBuilder builder(&law);
  AddChinchillaTerms(&builder);
  for (const double bits : weight_bits) {
    if (bits < kFullPrecisionBits) AddError(rung, bits, &builder);
  }
  return law;
}

}  // namespace

std::vector<Law> UnifiedQatErrorLadder(std::span<const double> weight_bits) {
  return {MakeLaw({.variant = "full", .shares_exponents = false}, weight_bits),
          MakeLaw({.variant = "shared_exponents"}, weight_bits),
          MakeLaw({.variant = "token_free", .depends_on_tokens = false}, weight_bits)};
}

}  // namespace bitbudget::fitter
