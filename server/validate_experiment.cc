#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "server/resource_names.h"
#include "server/validate.h"

namespace bitbudget::server {
namespace {

constexpr int64_t kMostParameters = 1'000'000'000'000'000;  // 1e15
constexpr int64_t kMostTokens = 100'000'000'000'000'000;    // 1e17
constexpr double kFullPrecisionBits = 16;
constexpr double kHighestLoss = 1'000;
// No evaluation resolves less, and ratios of smaller losses overflow.
constexpr double kLowestLoss = 1e-9;
constexpr size_t kLongestNote = 1'000;
constexpr size_t kLongestCodeVersion = 200;

double ActivationBits(const v1::Experiment& experiment) {
  return experiment.has_activation_bits() ? experiment.activation_bits() : kFullPrecisionBits;
}

bool IsQuantized(const v1::Experiment& experiment) {
  return experiment.weight_bits() < kFullPrecisionBits ||
         ActivationBits(experiment) < kFullPrecisionBits;
}

// The role that the other fields decide; nullopt for the schedule of a QAT run
// without a quantizer, which is a CONTROL if the caller says so.
std::optional<v1::Role> DerivedRole(const v1::Experiment& experiment) {
  if (!IsQuantized(experiment)) {
    if (experiment.qat_tokens() == 0) return v1::FULL_PRECISION;
    return std::nullopt;
  }
  if (experiment.qat_tokens() == 0) return v1::POST_TRAINING;
  return experiment.fp_tokens() == 0 ? v1::QAT_FROM_SCRATCH : v1::FP_THEN_QAT;
}

void CheckRole(FieldViolations& violations, const v1::Experiment& experiment) {
  const v1::Role stated = experiment.role();
  if (!v1::Role_IsValid(stated)) {
    violations.push_back(
        {"role", fmt::format("is {}, which is no role", static_cast<int>(stated))});
    return;
  }
  const std::optional<v1::Role> derived = DerivedRole(experiment);
  if (!derived && stated != v1::CONTROL) {
    violations.push_back({"role",
                          "must be CONTROL for a run with QAT tokens and 16 weight and activation "
                          "bits; if it was quantized, its bits are wrong"});
  } else if (derived && stated != v1::ROLE_UNSPECIFIED && stated != *derived) {
    violations.push_back(
        {"role",
         fmt::format(
             "is {}; tokens and bits say {}", v1::Role_Name(stated), v1::Role_Name(*derived))});
  }
}

void CheckSize(FieldViolations& violations,
               const v1::Experiment& experiment,
               v1::ParameterConvention convention) {
  CheckCount(violations, "parameters", experiment.parameters(), 1, kMostParameters);
  CheckCount(
      violations, "embedding_parameters", experiment.embedding_parameters(), 0, kMostParameters);
  if (convention == v1::TOTAL && experiment.embedding_parameters() == 0) {
    violations.push_back({"embedding_parameters",
                          "is required in this study: its law counts all parameters (TOTAL)"});
  }
}

void CheckTokensBitsAndRole(FieldViolations& violations, const v1::Experiment& experiment) {
  const size_t before = violations.size();
  CheckCount(violations, "fp_tokens", experiment.fp_tokens(), 0, kMostTokens);
  CheckCount(violations, "qat_tokens", experiment.qat_tokens(), 0, kMostTokens);
  if (experiment.fp_tokens() == 0 && experiment.qat_tokens() == 0) {
    violations.push_back({"fp_tokens", "is 0, and so is qat_tokens; a run has tokens"});
  }
  CheckRange(violations, "weight_bits", experiment.weight_bits(), 1, kFullPrecisionBits);
  CheckRange(violations, "activation_bits", ActivationBits(experiment), 1, kFullPrecisionBits);
  // A role follows from valid tokens and bits only.
  if (violations.size() == before) CheckRole(violations, experiment);
}

void CheckMeasurement(FieldViolations& violations, const v1::Experiment& experiment) {
  CheckRange(violations, "loss_nats", experiment.loss_nats(), kLowestLoss, kHighestLoss);
  if (experiment.has_loss_stderr_nats()) {
    CheckRange(violations, "loss_stderr_nats", experiment.loss_stderr_nats(), 0, kHighestLoss);
  }
}

void CheckOrigin(FieldViolations& violations, const v1::ExperimentProvenance& provenance) {
  CheckAtLeast(violations, "provenance.line", provenance.line(), 0);
  CheckLabel(violations, "provenance.job", provenance.job());
  CheckAtLeast(violations, "provenance.attempt", provenance.attempt(), 0);
  CheckText(violations, "provenance.code_version", provenance.code_version(), kLongestCodeVersion);
}

FieldViolations ValidateFilter(const v1::ExperimentFilter& filter) {
  FieldViolations violations;
  for (int i = 0; i < filter.roles_size(); ++i) {
    if (filter.roles(i) == v1::ROLE_UNSPECIFIED || !v1::Role_IsValid(filter.roles(i))) {
      violations.push_back(
          {fmt::format("roles[{}]", i), fmt::format("is {}, which is no role", filter.roles(i))});
    }
  }
  for (int i = 0; i < filter.weight_bits_size(); ++i) {
    CheckRange(violations,
               fmt::format("weight_bits[{}]", i),
               filter.weight_bits(i),
               1,
               kFullPrecisionBits);
  }
  for (int i = 0; i < filter.parameters_size(); ++i) {
    CheckAtLeast(violations, fmt::format("parameters[{}]", i), filter.parameters(i), 1);
  }
  if (!v1::ExperimentFilter::Exclusion_IsValid(filter.exclusion())) {
    violations.push_back(
        {"exclusion", fmt::format("is {}; must be ANY, INCLUDED or EXCLUDED", filter.exclusion())});
  }
  CheckAtLeast(violations, "min_total_tokens", filter.min_total_tokens(), 0);
  CheckAtLeast(violations, "max_total_tokens", filter.max_total_tokens(), 0);
  return violations;
}

// Exclude and Include ask for the same.
template <typename Request>
FieldViolations ValidateExclusion(const Request& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  if (request.names().empty() == request.import_batch().empty()) {
    violations.push_back({"names", "exactly one of names and import_batch must be set"});
  }
  if (request.names_size() > kMostRowsInMessage) {
    violations.push_back(
        {"names",
         fmt::format("has {} entries; at most {}", request.names_size(), kMostRowsInMessage)});
  }
  for (int i = 0; i < std::min(request.names_size(), kMostRowsInMessage); ++i) {
    const std::optional<ChildName> name = ParseExperimentName(request.names(i));
    if (name && name->study == request.parent()) continue;
    violations.push_back({fmt::format("names[{}]", i),
                          fmt::format("is \"{}\"; must be \"{}/experiments/{{experiment}}\"",
                                      request.names(i),
                                      request.parent())});
  }
  CheckLabel(violations, "import_batch", request.import_batch());
  if (request.reason().empty()) violations.push_back({"reason", "is required"});
  CheckText(violations, "reason", request.reason(), kLongestNote);
  CheckRequestId(violations, request.request_id());
  return violations;
}

}  // namespace

FieldViolations ValidateExperiment(const v1::Experiment& experiment,
                                   v1::ParameterConvention convention) {
  FieldViolations violations;
  CheckSize(violations, experiment, convention);
  CheckTokensBitsAndRole(violations, experiment);
  if (experiment.has_group_size()) {
    CheckAtLeast(violations, "group_size", experiment.group_size(), 1);
  }
  CheckLabel(violations, "recipe", experiment.recipe());
  CheckLabel(violations, "optimizer", experiment.optimizer());
  CheckLabel(violations, "schedule", experiment.schedule());
  CheckLabel(violations, "trunk", experiment.trunk());
  CheckAtLeast(violations, "replicate", experiment.replicate(), 0);
  CheckMeasurement(violations, experiment);
  CheckText(violations, "note", experiment.note(), kLongestNote);
  CheckOrigin(violations, experiment.provenance());
  return violations;
}

void Canonicalize(v1::Experiment& experiment) {
  experiment.clear_name();
  experiment.clear_create_time();
  experiment.clear_create_revision();
  experiment.clear_excluded();
  experiment.clear_exclude_reason();
  experiment.clear_content_hash();
  if (experiment.has_provenance()) experiment.mutable_provenance()->clear_import_batch();
  if (ActivationBits(experiment) == kFullPrecisionBits) experiment.clear_activation_bits();
  if (const auto role = DerivedRole(experiment)) experiment.set_role(*role);
}

FieldViolations Validate(const v1::CreateExperimentRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  if (!request.has_experiment()) violations.push_back({"experiment", "is required"});
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::BatchCreateExperimentsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  if (request.experiments().empty() || request.experiments_size() > kMostRowsInMessage) {
    violations.push_back(
        {"experiments",
         fmt::format(
             "has {} entries; must have 1 to {}", request.experiments_size(), kMostRowsInMessage)});
  }
  CheckLabel(violations, "import_batch", request.import_batch());
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::ImportExperimentsRequest& request, bool is_first) {
  FieldViolations violations;
  if (is_first) {
    CheckStudyName(violations, "parent", request.parent());
    CheckLabel(violations, "import_batch", request.import_batch());
    CheckRequestId(violations, request.request_id());
  } else if (!request.parent().empty() || !request.import_batch().empty() ||
             !request.request_id().empty() || request.skip_invalid() || request.validate_only()) {
    violations.push_back({"parent", "only the first message of an import may have more than rows"});
  }
  if (request.experiments_size() > kMostRowsInMessage) {
    violations.push_back({"experiments",
                          fmt::format("has {} entries; at most {} in one message",
                                      request.experiments_size(),
                                      kMostRowsInMessage)});
  }
  return violations;
}

FieldViolations Validate(const v1::ExportExperimentsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  AddAll(violations, "filter.", ValidateFilter(request.filter()));
  return violations;
}

FieldViolations Validate(const v1::GetExperimentRequest& request) {
  FieldViolations violations;
  if (!ParseExperimentName(request.name())) {
    violations.push_back(
        {"name",
         fmt::format("is \"{}\"; must be \"studies/{{study}}/experiments/{{experiment}}\"",
                     request.name())});
  }
  return violations;
}

FieldViolations Validate(const v1::ListExperimentsRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "parent", request.parent());
  CheckPageSize(violations, request.page_size());
  AddAll(violations, "filter.", ValidateFilter(request.filter()));
  if (!v1::ListExperimentsRequest::OrderBy_IsValid(request.order_by())) {
    violations.push_back({"order_by", fmt::format("is {}, which is no order", request.order_by())});
  }
  return violations;
}

FieldViolations Validate(const v1::ExcludeExperimentsRequest& request) {
  return ValidateExclusion(request);
}

FieldViolations Validate(const v1::IncludeExperimentsRequest& request) {
  return ValidateExclusion(request);
}

}  // namespace bitbudget::server
