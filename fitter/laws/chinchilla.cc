#include "fitter/laws/chinchilla.h"

#include "fitter/laws/terms.h"

namespace bitbudget::fitter {

std::vector<Law> ChinchillaLadder() {
  Law law{.family = kChinchilla,
          .variant = "full",
          .formula = "E + A / N^alpha + B / D^beta",
          .reference = {}};
  TermBuilder builder(&law);
  AddChinchillaTerms(&builder);
  return {law};
}

}  // namespace bitbudget::fitter
