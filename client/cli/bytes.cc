#include "client/cli/bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include "client/cli/quantity.h"

namespace bitbudget::cli {
namespace {

constexpr std::array kUnits = {
    std::pair{"", 1.0},
    std::pair{"b", 1.0},
    std::pair{"kb", 1e3},
    std::pair{"mb", 1e6},
    std::pair{"gb", 1e9},
    std::pair{"tb", 1e12},
    std::pair{"kib", 1024.0},
    std::pair{"mib", 1024.0 * 1024},
    std::pair{"gib", 1024.0 * 1024 * 1024},
    std::pair{"tib", 1024.0 * 1024 * 1024 * 1024},
};

bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

}  // namespace

absl::StatusOr<double> ParseBytes(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && IsLetter(text[end - 1])) --end;
  std::string unit(text.substr(end));
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return std::tolower(c); });
  while (end > 0 && text[end - 1] == ' ') --end;
  const auto* const row = std::ranges::find(kUnits, unit, [](const auto& u) { return u.first; });
  if (row == kUnits.end()) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' ends in no unit of memory; write for example 4GiB, 80GB or 4294967296", text));
  }
  const absl::StatusOr<double> number = ParseReal(text.substr(0, end), Unit::kNone);
  if (!number.ok()) return number.status();
  return *number * row->second;
}

std::string FormatBytes(double bytes) {
  constexpr std::array kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t power = 0;
  // 1023.5 would round to four digits: it is 1 of the next unit.
  while (bytes >= 1023.5 && power + 1 < kNames.size()) {
    bytes /= 1024;
    ++power;
  }
  // Up to 1023 of a unit are whole numbers.
  const std::string number =
      bytes >= 999.5 ? fmt::format("{:.0f}", bytes) : fmt::format("{:.3g}", bytes);
  return fmt::format("{} {}", number, kNames[power]);
}

}  // namespace bitbudget::cli
