// Building blocks of validation: rules that many fields share. Each adds a
// violation that names the value found and the rule broken, or nothing.

#ifndef BITBUDGET_SERVER_FIELD_RULES_H_
#define BITBUDGET_SERVER_FIELD_RULES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "util/error.h"

namespace bitbudget::server {

using FieldViolations = std::vector<FieldViolation>;

// OK if there are none, INVALID_ARGUMENT with all of them otherwise.
absl::Status ToStatus(FieldViolations violations);

// Adds `found` to `violations`, each field with `prefix` in front.
void AddAll(FieldViolations& violations, std::string_view prefix, FieldViolations found);

// `lower` <= value <= `upper`.
void CheckCount(FieldViolations& violations,
                std::string_view field,
                int64_t value,
                int64_t lower,
                int64_t upper);

// value >= `lower`.
void CheckAtLeast(FieldViolations& violations,
                  std::string_view field,
                  int64_t value,
                  int64_t lower);

// Finite, and `lower` <= value <= `upper`.
void CheckRange(
    FieldViolations& violations, std::string_view field, double value, double lower, double upper);

// Finite and greater than 0.
void CheckPositive(FieldViolations& violations, std::string_view field, double value);

// Greater than 0 and less than 1.
void CheckProbability(FieldViolations& violations, std::string_view field, double value);

// Valid UTF-8 of at most `longest` bytes.
void CheckText(FieldViolations& violations,
               std::string_view field,
               std::string_view value,
               size_t longest);

// Valid UTF-8 without control characters, of at most 100 bytes.
void CheckLabel(FieldViolations& violations, std::string_view field, std::string_view value);

// Printable ASCII of at most 100 bytes; may be empty.
void CheckRequestId(FieldViolations& violations, std::string_view value);

// What follows "studies/" or "campaigns/": 1 to 63 of a-z, 0-9 and "-", first a
// letter, last no "-".
void CheckId(FieldViolations& violations, std::string_view field, std::string_view value);

// "studies/{study}".
void CheckStudyName(FieldViolations& violations, std::string_view field, std::string_view value);

// "studies/{study}/jobs/{job}" and "studies/{study}/campaigns/{campaign}".
void CheckJobName(FieldViolations& violations, std::string_view field, std::string_view value);
void CheckCampaignName(FieldViolations& violations, std::string_view field, std::string_view value);

// 64 lower-case hexadecimal digits.
void CheckSha256(FieldViolations& violations, std::string_view field, std::string_view value);

// Not negative.
void CheckPageSize(FieldViolations& violations, int page_size);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_FIELD_RULES_H_
