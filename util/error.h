// Errors with machine-readable details, for all rooms of the house.
//
// An error is an absl::Status; what a program needs beyond code and message
// travels with it as ErrorDetails. The server turns them into google.rpc
// messages, the client library turns those back. Pure functions, thread-safe.
//
// docs/errors.md lists the reasons and which details come with each.

#ifndef BITBUDGET_UTIL_ERROR_H_
#define BITBUDGET_UTIL_ERROR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace bitbudget {

// A field of a request that breaks a rule.
struct FieldViolation {
  std::string field;        // path in proto names, "experiments[3].loss_nats"
  std::string description;  // value found and rule broken

  bool operator==(const FieldViolation&) const = default;
};

// An axis of the data with too few distinct levels for a question.
struct MissingAxis {
  std::string axis;  // "parameters", "total_tokens", "weight_bits",
                     // "qat_fraction" or "experiments"
  int level_count = 0;
  int needed_level_count = 0;
  std::vector<double> levels;  // ascending, at most 20

  bool operator==(const MissingAxis&) const = default;
};

// A row of a request that contradicts a stored row, or an earlier one.
struct RowConflict {
  int index = 0;                    // position in the request, from 0
  int64_t line = 0;                 // line in its source, 0 if unknown
  std::string existing_experiment;  // empty if `earlier_index` is set
  std::vector<std::string> differing_fields;
  std::optional<int> earlier_index;
  int64_t earlier_line = 0;  // of that row in its source, 0 if unknown

  bool operator==(const RowConflict&) const = default;
};

// A row of an import that was refused.
struct RejectedRow {
  int64_t index = 0;
  int64_t line = 0;
  std::string field;
  std::string description;

  bool operator==(const RejectedRow&) const = default;
};

// What a program can read from an error. Empty parts are absent.
struct ErrorDetails {
  std::string reason;  // UPPER_SNAKE_CASE, never empty
  std::map<std::string, std::string> metadata;
  std::vector<FieldViolation> field_violations;
  std::vector<MissingAxis> missing_axes;
  std::string explanation;  // goes with missing_axes
  std::vector<RowConflict> conflicts;
  std::vector<RejectedRow> rejected_rows;
  std::string resource_type;  // "study", "experiment", "fit"
  std::string resource_name;
  std::optional<double> retry_delay_seconds;

  bool operator==(const ErrorDetails&) const = default;
};

// Makes an error. `code` must not be OK; `message` says what, which value, which
// bound, what to do.
absl::Status MakeError(absl::StatusCode code, std::string_view message, ErrorDetails details);

// The details of an error made by MakeError; nullopt for any other status.
std::optional<ErrorDetails> GetErrorDetails(const absl::Status& status);

// INVALID_ARGUMENT, reason INVALID_FIELD, for one field. The message is
// "<field>: <description>".
absl::Status InvalidField(std::string_view field, std::string_view description);

// INVALID_ARGUMENT, reason INVALID_FIELD, for all of `violations` (at least
// one).
absl::Status InvalidFields(std::vector<FieldViolation> violations);

// OUT_OF_RANGE, reason OUT_OF_RANGE, for one field whose value is valid but
// outside what the law describes.
absl::Status OutOfRangeField(std::string_view field, std::string_view description);

// NOT_FOUND, reason <TYPE>_NOT_FOUND, for a resource.
absl::Status NotFound(std::string_view resource_type, std::string_view resource_name);

// FAILED_PRECONDITION, reason DATA_CANNOT_ANSWER. `explanation` says what to do.
absl::Status DataCannotAnswer(std::vector<MissingAxis> axes, std::string_view explanation);

}  // namespace bitbudget

#endif  // BITBUDGET_UTIL_ERROR_H_
