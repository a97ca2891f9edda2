// Numbers as people write and read them: 2.2B, 30Btok, 1e21FLOP, 1_000_000.
// Pure.
//
// A quantity is a decimal number, with "_" between digits if one likes and an
// exponent if one likes, then at most one letter for a power of ten (k, M, B or
// G, T, P, E, Z; upper or lower case) and at most one word for the unit. The
// arithmetic is decimal: 2.2B is 2,200,000,000 exactly.

#ifndef BITBUDGET_CLIENT_CLI_QUANTITY_H_
#define BITBUDGET_CLIENT_CLI_QUANTITY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bitbudget::cli {

// What is counted, hence which words may follow the number.
enum class Unit {
  kNone,
  kParameters,  // param, params, parameters
  kTokens,      // tok, token, tokens
  kFlops,       // FLOP, FLOPs
  kShare,       // % (a hundredth)
  kBytes,       // units of memory; see bytes.h, not for the functions below
};

// A whole number. INVALID_ARGUMENT, with an example of what is right, for
// anything that is none, exactly, or does not fit 64 bits. Signs pass: ranges are
// the server's to check.
absl::StatusOr<int64_t> ParseCount(std::string_view text, Unit unit);

// Any finite number, rounded to the nearest double. INVALID_ARGUMENT as above;
// also beyond the range of doubles.
absl::StatusOr<double> ParseReal(std::string_view text, Unit unit);

// Three significant digits and a letter: "2.2B", "24.6k", "512". From 1e18 on and
// below 1, like "1.5e+21". "nan" and "inf" as they are.
std::string FormatQuantity(double value);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_QUANTITY_H_
