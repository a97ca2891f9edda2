#include "client/cli/error_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/cli/json.h"
#include "client/cpp/client.h"
#include "proto/grpc_status.h"
#include "util/codes.h"

namespace bitbudget::cli {
namespace {

constexpr char kWrongUsageReason[] = "WRONG_USAGE";

// "FILE:12", or "row 3" of a request that named no lines.
std::string Place(int64_t line, int64_t index, std::string_view source) {
  if (line <= 0) return fmt::format("row {}", index + 1);
  return fmt::format("{}:{}", source.empty() ? "line" : source, line);
}

std::string ConflictText(const RowConflict& conflict, std::string_view source) {
  const std::string rival =
      conflict.earlier_index
          ? fmt::format("{} of the same import",
                        Place(conflict.earlier_line, *conflict.earlier_index, source))
          : fmt::format("stored experiment {}", conflict.existing_experiment);
  return fmt::format("{}: contradicts {}: other {}\n",
                     Place(conflict.line, conflict.index, source),
                     rival,
                     fmt::join(conflict.differing_fields, ", "));
}

// How many levels there are stands in the message, which they are does not.
std::string MissingAxisText(const MissingAxis& axis) {
  return fmt::format("  {}: measured {}; {} levels are needed\n",
                     axis.axis,
                     fmt::join(axis.levels, ", "),
                     axis.needed_level_count);
}

std::string DetailsText(const ErrorDetails& details,
                        std::string_view message,
                        std::string_view source) {
  std::string text;
  for (const FieldViolation& violation : details.field_violations) {
    const std::string line = fmt::format("{}: {}", violation.field, violation.description);
    if (message.find(line) == std::string_view::npos) text += fmt::format("  {}\n", line);
  }
  for (const RejectedRow& row : details.rejected_rows) text += RejectedRowText(row, source);
  for (const RowConflict& conflict : details.conflicts) text += ConflictText(conflict, source);
  for (const MissingAxis& axis : details.missing_axes) {
    if (!axis.levels.empty()) text += MissingAxisText(axis);
  }
  if (!details.explanation.empty() && message.find(details.explanation) == std::string_view::npos) {
    text += fmt::format("  {}\n", details.explanation);
  }
  if (details.retry_delay_seconds) {
    text += fmt::format("  try again in {:.3g} s\n", *details.retry_delay_seconds);
  }
  return text;
}

// What helps against errors whose cure is a matter of the command line.
std::string AdviceText(const absl::Status& error, const ErrorDetails& details) {
  if (!details.conflicts.empty()) {
    return "  to correct a stored run: exclude it with a reason, then import again\n";
  }
  if (error.code() == absl::StatusCode::kDeadlineExceeded) {
    return "  allow more with --timeout, for example --timeout 5m\n";
  }
  if (details.reason == "STUDY_NOT_EMPTY") {
    return "  to delete it with all it holds: add --force\n";
  }
  if (details.resource_type == "study" && error.code() == absl::StatusCode::kNotFound) {
    return "  see which there are: bitbudget study list\n";
  }
  return "";
}

}  // namespace

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kDone;
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  if (details && details->reason == kWrongUsageReason) return kWrongUsage;
  return client::IsServerUnreachable(status) ? kUnreachable : kRefused;
}

absl::Status WrongUsage(std::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, message, {.reason = kWrongUsageReason});
}

std::string RejectedRowText(const RejectedRow& row, std::string_view source) {
  return fmt::format("{}: {}{}{}\n",
                     Place(row.line, row.index, source),
                     row.field,
                     row.field.empty() ? "" : ": ",
                     row.description);
}

std::string ErrorText(const absl::Status& error, std::string_view source) {
  const std::string message(error.message());
  const ErrorDetails details = GetErrorDetails(error).value_or(ErrorDetails{});
  const std::string shown =
      message.empty() ? std::string(CodeRowOf(error.code()).grpc_name) : message;
  return fmt::format(
      "error: {}\n{}{}", shown, DetailsText(details, message, source), AdviceText(error, details));
}

std::string ErrorJson(const absl::Status& error) {
  nlohmann::ordered_json json = {{"status", CodeRowOf(error.code()).grpc_name}};
  json.update(nlohmann::ordered_json::parse(ToJson(ToRichStatus(error))));
  return nlohmann::ordered_json{{"error", json}}.dump(2) + "\n";
}

}  // namespace bitbudget::cli
