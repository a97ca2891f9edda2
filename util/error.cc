#include "util/error.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"

namespace bitbudget {
namespace {

using Json = nlohmann::json;

// A status carries its payload as bytes; JSON keeps this room free of protos.
constexpr char kPayloadUrl[] = "bitbudget/error_details";

template <typename T>
Json OptionalToJson(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <typename T>
std::optional<T> OptionalFromJson(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional<T>(json.get<T>());
}

std::string MissingAxisText(const MissingAxis& axis) {
  const char* plural = axis.level_count == 1 ? "" : "s";
  // Runs are counted, they have no levels.
  if (axis.axis == "experiments") {
    return fmt::format(
        "{} experiment{}, {} needed", axis.level_count, plural, axis.needed_level_count);
  }
  return fmt::format(
      "{} has {} level{}, needs {}", axis.axis, axis.level_count, plural, axis.needed_level_count);
}

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FieldViolation, field, description)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MissingAxis, axis, level_count, needed_level_count, levels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RejectedRow, index, line, field, description)

static void to_json(Json& json, const RowConflict& conflict) {
  json = {{"index", conflict.index},
          {"line", conflict.line},
          {"existing_experiment", conflict.existing_experiment},
          {"differing_fields", conflict.differing_fields},
          {"earlier_index", OptionalToJson(conflict.earlier_index)},
          {"earlier_line", conflict.earlier_line}};
}

static void from_json(const Json& json, RowConflict& conflict) {
  conflict.index = json.at("index");
  conflict.line = json.at("line");
  conflict.existing_experiment = json.at("existing_experiment");
  conflict.differing_fields = json.at("differing_fields").get<std::vector<std::string>>();
  conflict.earlier_index = OptionalFromJson<int>(json.at("earlier_index"));
  conflict.earlier_line = json.at("earlier_line");
}

absl::Status MakeError(absl::StatusCode code, std::string_view message, ErrorDetails details) {
  absl::Status status(code, std::string(message));
  const Json json = {{"reason", details.reason},
                     {"metadata", details.metadata},
                     {"field_violations", details.field_violations},
                     {"missing_axes", details.missing_axes},
                     {"explanation", details.explanation},
                     {"conflicts", details.conflicts},
                     {"rejected_rows", details.rejected_rows},
                     {"resource_type", details.resource_type},
                     {"resource_name", details.resource_name},
                     {"retry_delay_seconds", OptionalToJson(details.retry_delay_seconds)}};
  // Values of a request may hold bytes that are no UTF-8; they are replaced
  // rather than thrown over.
  status.SetPayload(kPayloadUrl,
                    absl::Cord(json.dump(-1, ' ', false, Json::error_handler_t::replace)));
  return status;
}

std::optional<ErrorDetails> GetErrorDetails(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload) return std::nullopt;
  const Json json = Json::parse(std::string(*payload));
  ErrorDetails details;
  details.reason = json.at("reason");
  details.metadata = json.at("metadata").get<std::map<std::string, std::string>>();
  details.field_violations = json.at("field_violations").get<std::vector<FieldViolation>>();
  details.missing_axes = json.at("missing_axes").get<std::vector<MissingAxis>>();
  details.explanation = json.at("explanation");
  details.conflicts = json.at("conflicts").get<std::vector<RowConflict>>();
  details.rejected_rows = json.at("rejected_rows").get<std::vector<RejectedRow>>();
  details.resource_type = json.at("resource_type");
  details.resource_name = json.at("resource_name");
  details.retry_delay_seconds = OptionalFromJson<double>(json.at("retry_delay_seconds"));
  return details;
}

absl::Status InvalidField(std::string_view field, std::string_view description) {
  return InvalidFields({{std::string(field), std::string(description)}});
}

absl::Status InvalidFields(std::vector<FieldViolation> violations) {
  std::string message = fmt::format("{}: {}", violations[0].field, violations[0].description);
  if (violations.size() > 1) message += fmt::format(" (and {} more)", violations.size() - 1);
  return MakeError(absl::StatusCode::kInvalidArgument,
                   message,
                   {.reason = "INVALID_FIELD", .field_violations = std::move(violations)});
}

absl::Status OutOfRangeField(std::string_view field, std::string_view description) {
  return MakeError(absl::StatusCode::kOutOfRange,
                   fmt::format("{}: {}", field, description),
                   {.reason = "OUT_OF_RANGE",
                    .field_violations = {{std::string(field), std::string(description)}}});
}

absl::Status NotFound(std::string_view resource_type, std::string_view resource_name) {
  return MakeError(absl::StatusCode::kNotFound,
                   fmt::format("no {} named \"{}\"", resource_type, resource_name),
                   {.reason = absl::AsciiStrToUpper(std::string(resource_type)) + "_NOT_FOUND",
                    .resource_type = std::string(resource_type),
                    .resource_name = std::string(resource_name)});
}

absl::Status DataCannotAnswer(std::vector<MissingAxis> axes, std::string_view explanation) {
  std::string message = "the data cannot answer this";
  for (const MissingAxis& axis : axes) {
    message += "; " + MissingAxisText(axis);
  }
  message += fmt::format(". {}", explanation);
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   message,
                   {.reason = "DATA_CANNOT_ANSWER",
                    .missing_axes = std::move(axes),
                    .explanation = std::string(explanation)});
}

}  // namespace bitbudget
