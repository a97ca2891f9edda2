// Errors as people and as programs read them. Pure.

#ifndef BITBUDGET_CLIENT_CLI_ERROR_TEXT_H_
#define BITBUDGET_CLIENT_CLI_ERROR_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "util/error.h"

namespace bitbudget::cli {

// What the program ends with; settled, scripts rely on it.
inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kUnreachable = 3;

int ExitCodeOf(const absl::Status& status);

// INVALID_ARGUMENT for a command line that cannot mean anything; ends the program
// with kWrongUsage.
absl::Status WrongUsage(std::string_view message);

// "error: MESSAGE", then a line for each detail that the message does not say
// already, then what to do, where that is known. Rows of a file are named
// "SOURCE:LINE"; `source` may be empty where none is concerned.
std::string ErrorText(const absl::Status& error, std::string_view source = "");

// {"error": {"status": "NOT_FOUND", "code": 5, "message": ..., "details": [...]}}
// with the details as google.rpc has them, and a line end.
std::string ErrorJson(const absl::Status& error);

// "SOURCE:LINE: FIELD: PROBLEM" and a line end.
std::string RejectedRowText(const RejectedRow& row, std::string_view source);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_ERROR_TEXT_H_
