#include "util/width_text.h"

#include <fmt/format.h>

namespace bitbudget {

std::string WidthText(double weight_bits) {
  return fmt::format("{} {}", weight_bits, weight_bits == 1 ? "bit" : "bits");
}

}  // namespace bitbudget
