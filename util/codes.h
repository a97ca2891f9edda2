// The one table of error codes: C++, gRPC, Connect, HTTP.

#ifndef BITBUDGET_UTIL_CODES_H_
#define BITBUDGET_UTIL_CODES_H_

#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace bitbudget {

struct CodeRow {
  absl::StatusCode code;          // also the number of the gRPC code
  std::string_view grpc_name;     // "NOT_FOUND"
  std::string_view connect_name;  // "not_found"; empty for OK
  int http_status;                // of the Connect protocol
};

// All 17 canonical codes, in the order of their numbers.
std::span<const CodeRow> AllCodes();

// The row of `code`; the row of UNKNOWN for a number outside the table.
const CodeRow& CodeRowOf(absl::StatusCode code);

}  // namespace bitbudget

#endif  // BITBUDGET_UTIL_CODES_H_
