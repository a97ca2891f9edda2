#include "util/ids.h"

#include <fmt/format.h>

#include <cstdint>

#include "absl/random/random.h"

namespace bitbudget {

std::string RandomUuid() {
  absl::BitGen random;
  const auto high = absl::Uniform<uint64_t>(random);
  const auto low = absl::Uniform<uint64_t>(random);
  // RFC 4122: the version stands in the top bits of the third group, the
  // variant in those of the fourth.
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                     high >> 32,
                     (high >> 16) & 0xffff,
                     high & 0xfff,
                     0x8000 | ((low >> 48) & 0x3fff),
                     low & 0xffffffffffff);
}

}  // namespace bitbudget
