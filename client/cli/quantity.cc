#include "client/cli/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

namespace bitbudget::cli {
namespace {

// A decimal number, sign * digits * 10^exponent; the digits have no leading and
// no trailing zeros, so that an exponent below 0 means a fraction.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};

struct UnitRow {
  std::string_view plural;  // for messages
  std::string_view example;
  std::array<std::string_view, 3> words;  // lower case, longest first
};

const UnitRow& RowOf(Unit unit) {
  static constexpr UnitRow kRows[] = {
      {"", "1000 or 1e3", {}},
      {"parameters", "86M, 2.2B or 86_000_000", {"parameters", "params", "param"}},
      {"tokens", "30B, 1.4T, 30Btok or 30_000_000_000", {"tokens", "token", "tok"}},
      {"FLOPs", "1e21, 1e21FLOP or 2ZFLOP", {"flops", "flop", ""}},
      {"", "0.1 or 10%", {}},
      {"bytes", "4GiB", {}},
  };
  return kRows[static_cast<size_t>(unit)];
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return Lower(c); });
  return lower;
}

// Powers of ten by letter.
std::optional<int> PowerOf(char letter) {
  switch (letter) {
    case 'k':
      return 3;
    case 'm':
      return 6;
    case 'b':
    case 'g':
      return 9;
    case 't':
      return 12;
    case 'p':
      return 15;
    case 'e':
      return 18;
    case 'z':
      return 21;
    default:
      return std::nullopt;
  }
}

// Takes sign, digits and exponent off the front of `text`; nullopt if there is
// no number.
std::optional<Decimal> TakeNumber(std::string_view& text) {
  Decimal number;
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) number.negative = text[at++] == '-';
  bool point = false;
  bool any_digit = false;
  for (; at < text.size(); ++at) {
    if (IsDigit(text[at])) {
      any_digit = true;
      number.digits.push_back(text[at]);
      if (point) --number.exponent;
    } else if (text[at] == '.' && !point) {
      point = true;
    } else if (text[at] != '_' || at == 0 || !IsDigit(text[at - 1]) || at + 1 == text.size() ||
               !IsDigit(text[at + 1])) {
      break;
    }
  }
  if (!any_digit) return std::nullopt;
  text.remove_prefix(at);

  // "1e9" has an exponent, "1EFLOP" a letter.
  if (!text.empty() && Lower(text[0]) == 'e') {
    const size_t sign = text.size() > 1 && (text[1] == '+' || text[1] == '-') ? 1 : 0;
    int exponent = 0;
    const char* const first = text.data() + 1 + (sign == 1 && text[1] == '+' ? 1 : 0);
    const auto [end, error] = std::from_chars(first, text.data() + text.size(), exponent);
    // More than four digits are beyond any double, and would overflow below.
    if (error == std::errc() && std::abs(exponent) <= 9999) {
      number.exponent += exponent;
      text.remove_prefix(static_cast<size_t>(end - text.data()));
    }
  }
  return number;
}

// Whether `suffix` is at most one letter and at most one word of the unit; adds
// the power of the letter.
bool ApplySuffix(std::string_view suffix, const UnitRow& unit, int& exponent) {
  std::string rest = Lower(suffix);
  std::erase(rest, ' ');
  for (std::string_view word : unit.words) {
    if (!word.empty() && rest.size() >= word.size() && rest.ends_with(word)) {
      rest.resize(rest.size() - word.size());
      break;
    }
  }
  if (rest.empty()) return true;
  const std::optional<int> power = rest.size() == 1 ? PowerOf(rest[0]) : std::nullopt;
  if (power) exponent += *power;
  return power.has_value();
}

void Normalise(Decimal& number) {
  const size_t first = number.digits.find_first_not_of('0');
  if (first == std::string::npos) {
    number = {number.negative, "0", 0};
    return;
  }
  number.digits.erase(0, first);
  const size_t last = number.digits.find_last_not_of('0');
  number.exponent += static_cast<int>(number.digits.size() - last - 1);
  number.digits.resize(last + 1);
}

absl::Status Bad(std::string_view text, std::string_view problem, Unit unit) {
  return absl::InvalidArgumentError(
      fmt::format("'{}' {}; write for example {}", text, problem, RowOf(unit).example));
}

absl::StatusOr<Decimal> ParseDecimal(std::string_view text, Unit unit) {
  std::string_view rest = text;
  std::optional<Decimal> number = TakeNumber(rest);
  if (!number) return Bad(text, "is not a number", unit);
  if (unit == Unit::kShare && rest == "%") {
    number->exponent -= 2;
  } else if (!ApplySuffix(rest, RowOf(unit), number->exponent)) {
    return Bad(text, fmt::format("ends in '{}', which is no power or unit known here", rest), unit);
  }
  Normalise(*number);
  return *number;
}

}  // namespace

absl::StatusOr<int64_t> ParseCount(std::string_view text, Unit unit) {
  absl::StatusOr<Decimal> number = ParseDecimal(text, unit);
  if (!number.ok()) return number.status();
  if (number->exponent < 0) {
    const std::string_view plural = RowOf(unit).plural;
    return Bad(
        text, fmt::format("is not a whole number{}{}", plural.empty() ? "" : " of ", plural), unit);
  }
  constexpr size_t kMaxDigits = 19;
  int64_t value = 0;
  if (number->digits.size() + static_cast<size_t>(number->exponent) <= kMaxDigits) {
    const std::string whole = fmt::format(
        "{}{}{:0>{}}", number->negative ? "-" : "", number->digits, "", number->exponent);
    const auto parsed = std::from_chars(whole.data(), whole.data() + whole.size(), value);
    if (parsed.ec == std::errc()) return value;
  }
  return Bad(text, "is beyond 64 bits", unit);
}

absl::StatusOr<double> ParseReal(std::string_view text, Unit unit) {
  absl::StatusOr<Decimal> number = ParseDecimal(text, unit);
  if (!number.ok()) return number.status();
  const std::string scientific =
      fmt::format("{}{}e{}", number->negative ? "-" : "", number->digits, number->exponent);
  double value = 0;
  const auto parsed =
      std::from_chars(scientific.data(), scientific.data() + scientific.size(), value);
  if (parsed.ec != std::errc()) return Bad(text, "is beyond the range of numbers", unit);
  return value;
}

std::string FormatQuantity(double value) {
  static constexpr std::array<std::string_view, 6> kLetters = {"", "k", "M", "B", "T", "P"};
  const double size = std::abs(value);
  if (!std::isfinite(value) || (size > 0 && size < 1)) return fmt::format("{:.3g}", value);
  size_t thousands = 0;
  double scaled = size;
  // 999.5 would round to four digits: it is 1 of the next letter.
  while (scaled >= 999.5 && thousands < kLetters.size()) {
    scaled /= 1000;
    ++thousands;
  }
  if (thousands == kLetters.size()) return fmt::format("{:.3g}", value);
  return fmt::format("{}{:.3g}{}", std::signbit(value) ? "-" : "", scaled, kLetters[thousands]);
}

}  // namespace bitbudget::cli
