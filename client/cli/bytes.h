// Amounts of memory as people write and read them: 4GiB, 80GB, 512 MiB, 4294967296.
// Pure.

#ifndef BITBUDGET_CLIENT_CLI_BYTES_H_
#define BITBUDGET_CLIENT_CLI_BYTES_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bitbudget::cli {

// A decimal number, then at most one unit: B, or kB, MB, GB, TB (powers of 1000), or
// KiB, MiB, GiB, TiB (powers of 1024), in either case. INVALID_ARGUMENT, with an
// example of what is right, for anything else; G alone is refused, for it may mean
// either.
absl::StatusOr<double> ParseBytes(std::string_view text);

// Three significant digits and a binary unit: "3.9 GiB", "512 B".
std::string FormatBytes(double bytes);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_BYTES_H_
