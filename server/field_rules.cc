#include "server/field_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/resource_names.h"
#include "util/utf8.h"

namespace bitbudget::server {
namespace {

constexpr size_t kLongestLabel = 100;
constexpr size_t kHashDigits = 64;

void Add(FieldViolations& violations, std::string_view field, std::string description) {
  violations.push_back({std::string(field), std::move(description)});
}

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

enum class TextKind { kNotUtf8, kWithControls, kPrintable };

// Nearly all text is ASCII, and that needs no decoding.
TextKind KindOf(std::string_view text) {
  if (IsPrintableAscii(text)) return TextKind::kPrintable;
  TextKind kind = TextKind::kPrintable;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t size = Utf8CharacterSize(rest);
    if (size == 0) return TextKind::kNotUtf8;
    if (IsControl(rest)) kind = TextKind::kWithControls;
    rest.remove_prefix(size);
  }
  return kind;
}

// Checks what labels and longer text have in common; false if it added one.
bool CheckEncodingAndLength(FieldViolations& violations,
                            std::string_view field,
                            std::string_view value,
                            TextKind kind,
                            size_t longest) {
  if (kind == TextKind::kNotUtf8) {
    Add(violations, field, "must be valid UTF-8");
    return false;
  }
  if (value.size() > longest) {
    Add(violations, field, fmt::format("has {} bytes; at most {}", value.size(), longest));
    return false;
  }
  return true;
}

}  // namespace

absl::Status ToStatus(FieldViolations violations) {
  return violations.empty() ? absl::OkStatus() : InvalidFields(std::move(violations));
}

void AddAll(FieldViolations& violations, std::string_view prefix, FieldViolations found) {
  for (FieldViolation& violation : found) {
    violation.field.insert(0, prefix);
    violations.push_back(std::move(violation));
  }
}

void CheckCount(FieldViolations& violations,
                std::string_view field,
                int64_t value,
                int64_t lower,
                int64_t upper) {
  if (value >= lower && value <= upper) return;
  Add(violations, field, fmt::format("is {}; must be {} to {}", value, lower, upper));
}

void CheckAtLeast(FieldViolations& violations,
                  std::string_view field,
                  int64_t value,
                  int64_t lower) {
  if (value >= lower) return;
  Add(violations, field, fmt::format("is {}; must be at least {}", value, lower));
}

void CheckRange(
    FieldViolations& violations, std::string_view field, double value, double lower, double upper) {
  // Written so that NaN fails.
  if (value >= lower && value <= upper) return;
  Add(violations, field, fmt::format("is {}; must be {} to {}", value, lower, upper));
}

void CheckPositive(FieldViolations& violations, std::string_view field, double value) {
  if (value > 0 && std::isfinite(value)) return;
  Add(violations, field, fmt::format("is {}; must be greater than 0 and finite", value));
}

void CheckProbability(FieldViolations& violations, std::string_view field, double value) {
  if (value > 0 && value < 1) return;
  Add(violations, field, fmt::format("is {}; must be greater than 0 and less than 1", value));
}

void CheckText(FieldViolations& violations,
               std::string_view field,
               std::string_view value,
               size_t longest) {
  CheckEncodingAndLength(violations, field, value, KindOf(value), longest);
}

void CheckLabel(FieldViolations& violations, std::string_view field, std::string_view value) {
  const TextKind kind = KindOf(value);
  if (!CheckEncodingAndLength(violations, field, value, kind, kLongestLabel)) return;
  if (kind == TextKind::kWithControls) Add(violations, field, "has control characters");
}

void CheckRequestId(FieldViolations& violations, std::string_view value) {
  if (value.size() > kLongestLabel) {
    Add(violations,
        "request_id",
        fmt::format("has {} bytes; at most {}", value.size(), kLongestLabel));
  } else if (!IsPrintableAscii(value)) {
    Add(violations, "request_id", "must be printable ASCII");
  }
}

void CheckId(FieldViolations& violations, std::string_view field, std::string_view value) {
  if (IsStudyId(value)) return;
  Add(violations,
      field,
      fmt::format("is \"{}\"; must be 1 to 63 characters of a-z, 0-9 and \"-\", first a letter, "
                  "last no \"-\"",
                  value));
}

void CheckStudyName(FieldViolations& violations, std::string_view field, std::string_view value) {
  if (IsStudyName(value)) return;
  Add(violations,
      field,
      value.empty() ? "is required: \"studies/{study}\""
                    : fmt::format("is \"{}\"; must be \"studies/{{study}}\"", value));
}

void CheckJobName(FieldViolations& violations, std::string_view field, std::string_view value) {
  if (ParseJobName(value)) return;
  Add(violations,
      field,
      fmt::format("is \"{}\"; must be \"studies/{{study}}/jobs/{{job}}\"", value));
}

void CheckCampaignName(FieldViolations& violations,
                       std::string_view field,
                       std::string_view value) {
  if (ParseCampaignName(value)) return;
  Add(violations,
      field,
      fmt::format("is \"{}\"; must be \"studies/{{study}}/campaigns/{{campaign}}\"", value));
}

void CheckSha256(FieldViolations& violations, std::string_view field, std::string_view value) {
  const bool is_hex = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (is_hex && value.size() == kHashDigits) return;
  Add(violations,
      field,
      fmt::format("is \"{}\"; must be {} lower-case hexadecimal digits", value, kHashDigits));
}

void CheckPageSize(FieldViolations& violations, int page_size) {
  CheckAtLeast(violations, "page_size", page_size, 0);
}

}  // namespace bitbudget::server
