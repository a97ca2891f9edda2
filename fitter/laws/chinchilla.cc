#include "fitter/laws/chinchilla.h"

#include "fitter/laws/terms.h"

namespace bitbudget::fitter {

std::vector<Law> ChinchillaLadder() {
  Law law{.family = kChinchilla,
          .variant = "full",
          .formula = "E + A / N^alpha + B / D^beta",
          .reference = {}};
  TermBuilder builder(&law);
  builder.Add("floor").Coefficient("E", "nats");
  builder.Add("model")
      .Coefficient("A", "nats at N = 1")
      .Exponent("alpha", Feature::kMinusLogParameters);
  builder.Add("data")
      .Coefficient("B", "nats at D = 1")
      .Exponent("beta", Feature::kMinusLogTotalTokens);
  return {law};
}

}  // namespace bitbudget::fitter
