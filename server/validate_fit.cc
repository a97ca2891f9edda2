#include <fmt/format.h>

#include "server/resource_names.h"
#include "server/validate.h"

namespace bitbudget::server {
namespace {

FieldViolations ValidateFitName(const std::string& name) {
  if (ParseFitName(name)) return {};
  return {{"name", fmt::format("is \"{}\"; must be \"studies/{{study}}/fits/{{fit}}\"", name)}};
}

}  // namespace

FieldViolations Validate(const v1::RunFitRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::GetFitRequest& request) {
  return ValidateFitName(request.name());
}

FieldViolations Validate(const v1::ListFitsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckPageSize(violations, request.page_size());
  return violations;
}

FieldViolations Validate(const v1::ReplayFitRequest& request) {
  return ValidateFitName(request.name());
}

}  // namespace bitbudget::server
