#include "client/cli/grid_axis.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/cli/field.h"
#include "client/cli/quantity.h"
#include "client/cli/text.h"
#include "google/protobuf/descriptor.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

absl::Status BadAxis(std::string_view text, std::string_view problem) {
  return absl::InvalidArgumentError(
      fmt::format("'{}' {}; write for example total_tokens=1e9:1e12:20:log or weight_bits=1,2,4",
                  text,
                  problem));
}

// The unit of a variable is that of the field that would hold it fixed.
Unit UnitOfVariable(const std::string& name) {
  const auto* field = v1::EvaluateGridRequest::descriptor()->FindFieldByName(name);
  return field == nullptr ? Unit::kNone : UnitOf(*field);
}

}  // namespace

absl::StatusOr<v1::GridAxis> ParseGridAxis(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return BadAxis(text, "names no values");
  v1::GridAxis axis;
  RETURN_IF_ERROR(SetField(axis, FieldOf(axis, "variable"), text.substr(0, equals)));
  const Unit unit = UnitOfVariable(LowerCase(v1::GridAxis::Variable_Name(axis.variable())));
  const std::string values(text.substr(equals + 1));

  if (values.find(':') == std::string::npos) {
    for (const std::string& value : std::vector<std::string>(absl::StrSplit(values, ','))) {
      ASSIGN_OR_RETURN(const double number, ParseReal(value, unit));
      axis.add_values(number);
    }
    return axis;
  }
  const std::vector<std::string> parts = absl::StrSplit(values, ':');
  const bool logarithmic = parts.size() == 4 && parts[3] == "log";
  if (parts.size() != 3 && !logarithmic) return BadAxis(text, "is not LOWER:UPPER:COUNT[:log]");
  ASSIGN_OR_RETURN(const double lower, ParseReal(parts[0], unit));
  ASSIGN_OR_RETURN(const double upper, ParseReal(parts[1], unit));
  RETURN_IF_ERROR(SetField(axis, FieldOf(axis, "count"), parts[2]));
  axis.set_lower(lower);
  axis.set_upper(upper);
  axis.set_logarithmic(logarithmic);
  return axis;
}

}  // namespace bitbudget::cli
