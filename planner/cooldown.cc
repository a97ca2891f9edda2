#include "planner/qat_fraction.h"

namespace bitbudget::planner {

CooldownAdvice AdviseCooldown(double weight_bits) {
  if (weight_bits >= 4) {
    return {Cooldown::kFuse,
            "Fusing the cooldown into QAT helped at 4 and 6 bits (arXiv 2509.22935); more than 6 "
            "bits were not measured."};
  }
  if (weight_bits <= 1) {
    return {Cooldown::kKeepClassic,
            "Fusing the cooldown into QAT did not help at 1 bit (arXiv 2509.22935)."};
  }
  return {Cooldown::kUndecided,
          "Between 1 and 4 bits the evidence on fusing the cooldown into QAT is mixed or missing "
          "(arXiv 2509.22935: some 2-bit runs got worse)."};
}

}  // namespace bitbudget::planner
