#include <fmt/format.h>

#include "fitter/bootstrap.h"
#include "server/resource_names.h"
#include "server/validate.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

FieldViolations ValidateFitName(const std::string& name) {
  if (ParseFitName(name)) return {};
  return {{"name", fmt::format("is \"{}\"; must be \"studies/{{study}}/fits/{{fit}}\"", name)}};
}

void CheckBootstrap(FieldViolations& violations, const v1::BootstrapOptions& bootstrap) {
  if (!v1::BootstrapOptions::Method_IsValid(bootstrap.method())) {
    violations.push_back({"bootstrap.method", "is unknown; must be PARAMETRIC, WILD or RESAMPLE"});
  }
  if (bootstrap.draw_count() != 0) {
    CheckCount(violations,
               "bootstrap.draw_count",
               bootstrap.draw_count(),
               fitter::kMinBootstrapDraws,
               fitter::kMaxBootstrapDraws);
  }
}

}  // namespace

FieldViolations Validate(const v1::RunFitRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckRequestId(violations, request.request_id());
  if (request.has_bootstrap()) CheckBootstrap(violations, request.bootstrap());
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

FieldViolations Validate(const v1::WatchFitsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  return violations;
}

FieldViolations Validate(const v1::ReplayFitRequest& request) {
  return ValidateFitName(request.name());
}

FieldViolations Validate(const v1::CompareLawsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckRequestId(violations, request.request_id());
  for (int i = 0; i < request.candidates_size(); ++i) {
    if (request.candidates(i).law().empty()) {
      violations.push_back({fmt::format("candidates[{}].law", i), "is required"});
    }
  }
  return violations;
}

FieldViolations Validate(const v1::GetLawComparisonRequest& request) {
  if (ParseComparisonName(request.name())) return {};
  return {{"name",
           fmt::format("is \"{}\"; must be \"studies/{{study}}/comparisons/{{comparison}}\"",
                       request.name())}};
}

FieldViolations Validate(const v1::ListLawComparisonsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckPageSize(violations, request.page_size());
  return violations;
}

absl::Status Check(const v1::ExplainFitRequest& request) {
  FieldViolations violations = ValidateFitName(request.name());
  CheckAtLeast(violations, "run_count", request.run_count(), 0);
  if (request.optimize_qat_fraction().has_fixed_fp_tokens()) {
    violations.push_back({"optimize_qat_fraction.fixed_fp_tokens",
                          "is set; the fraction of a checkpoint follows from its budget alone"});
  }
  RETURN_IF_ERROR(ToStatus(std::move(violations)));
  // The law of the question is the fit.
  v1::LawSource fit;
  fit.set_fit(request.name());
  if (request.has_predict_loss()) {
    v1::PredictLossRequest question = request.predict_loss();
    *question.mutable_source() = fit;
    return Check(question);
  }
  if (request.has_optimize_qat_fraction()) {
    v1::OptimizeQatFractionRequest question = request.optimize_qat_fraction();
    *question.mutable_source() = fit;
    return Check(question);
  }
  return absl::OkStatus();
}

}  // namespace bitbudget::server
