#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <vector>

#include "fitter/law.h"
#include "server/validate.h"

namespace bitbudget::server {
namespace {

constexpr size_t kLongestTitle = 200;
constexpr size_t kLongestNote = 1'000;
constexpr size_t kLongestDescription = 10'000;
constexpr int kMostShapes = 100;
constexpr int kMostStarts = 10'000;
constexpr int kDefaultStarts = 64;
constexpr int64_t kMostTokens = 100'000'000'000'000'000;  // 1e17
// The last rung of the QAT law's ladder, which is no sum of power laws.
constexpr std::string_view kFractionVariant = "qat_fraction";
constexpr std::string_view kQatFamily = "compute_optimal_qat";

constexpr auto kMaskPaths = std::to_array<std::string_view>({
    "display_name",
    "description",
    "tokenizer",
    "data_set",
    "evaluation_set",
    "model_family",
    "parameter_convention",
    "law",
    "fit_options",
});
constexpr std::string_view kOptionsPrefix = "fit_options.";

bool IsMaskPath(std::string_view path) {
  if (path.starts_with(kOptionsPrefix)) {
    const std::string option(path.substr(kOptionsPrefix.size()));
    return v1::FitOptions::descriptor()->FindFieldByName(option) != nullptr;
  }
  return std::find(kMaskPaths.begin(), kMaskPaths.end(), path) != kMaskPaths.end();
}

FieldViolations ValidateShape(const v1::ModelShape& shape) {
  FieldViolations violations;
  CheckAtLeast(violations, "parameters", shape.parameters(), 1);
  CheckAtLeast(violations, "layers", shape.layers(), 1);
  CheckAtLeast(violations, "width", shape.width(), 1);
  CheckAtLeast(violations, "attention_heads", shape.attention_heads(), 0);
  CheckAtLeast(violations, "key_value_heads", shape.key_value_heads(), 0);
  return violations;
}

FieldViolations ValidateModelFamily(const v1::ModelFamily& family) {
  FieldViolations violations;
  CheckText(violations, "description", family.description(), kLongestNote);
  if (family.shapes_size() > kMostShapes) {
    violations.push_back(
        {"shapes", fmt::format("has {} entries; at most {}", family.shapes_size(), kMostShapes)});
    return violations;
  }
  std::set<int64_t> sizes;
  for (int i = 0; i < family.shapes_size(); ++i) {
    const std::string prefix = fmt::format("shapes[{}].", i);
    AddAll(violations, prefix, ValidateShape(family.shapes(i)));
    if (!sizes.insert(family.shapes(i).parameters()).second) {
      violations.push_back({prefix + "parameters",
                            fmt::format("is {} as in an earlier shape; each size may occur once",
                                        family.shapes(i).parameters())});
    }
  }
  return violations;
}

void CheckLaw(FieldViolations& violations, const std::string& law) {
  const std::span<const std::string_view> known = fitter::LawFamilies();
  if (std::find(known.begin(), known.end(), law) != known.end()) return;
  violations.push_back(
      {"law",
       law.empty() ? fmt::format("is required: one of {}", fmt::join(known, ", "))
                   : fmt::format("is \"{}\"; must be one of {}", law, fmt::join(known, ", "))});
}

std::vector<std::string> VariantsOf(std::string_view law) {
  std::vector<std::string> variants;
  const std::array<double, 1> any_width = {4};
  if (const auto ladder = fitter::LawLadder(law, any_width); ladder.ok()) {
    for (const fitter::Law& rung : *ladder) variants.push_back(rung.variant);
  }
  if (law == kQatFamily) variants.emplace_back(kFractionVariant);
  return variants;
}

void CheckVariant(FieldViolations& violations, const std::string& variant, std::string_view law) {
  if (variant.empty()) return;
  const std::vector<std::string> known = VariantsOf(law);
  // An unknown law is a violation of its own.
  if (known.empty() || std::find(known.begin(), known.end(), variant) != known.end()) return;
  violations.push_back(
      {"variant",
       fmt::format("is \"{}\"; the variants of {} are {}", variant, law, fmt::join(known, ", "))});
}

}  // namespace

FieldViolations ValidateFitOptions(const v1::FitOptions& options, std::string_view law) {
  FieldViolations violations;
  CheckVariant(violations, options.variant(), law);
  if (options.has_huber_delta() && !(options.huber_delta() > 0 && options.huber_delta() <= 1)) {
    violations.push_back(
        {"huber_delta",
         fmt::format("is {}; must be greater than 0 and at most 1", options.huber_delta())});
  }
  const int starts = options.has_start_count() ? options.start_count() : kDefaultStarts;
  CheckCount(violations, "start_count", starts, 1, kMostStarts);
  if (options.has_polish_count()) {
    CheckCount(violations, "polish_count", options.polish_count(), 1, std::max(starts, 1));
  }
  CheckRange(violations, "full_precision_weight", options.full_precision_weight(), 0, 100);
  CheckLabel(violations, "schedule", options.schedule());
  CheckLabel(violations, "recipe", options.recipe());
  CheckLabel(violations, "optimizer", options.optimizer());
  CheckCount(violations, "min_fp_tokens", options.min_fp_tokens(), 0, kMostTokens);
  return violations;
}

FieldViolations ValidateStudy(const v1::Study& study) {
  FieldViolations violations;
  CheckText(violations, "display_name", study.display_name(), kLongestTitle);
  CheckText(violations, "description", study.description(), kLongestDescription);
  if (study.loss_unit() == v1::LOSS_UNIT_UNSPECIFIED || !v1::LossUnit_IsValid(study.loss_unit())) {
    violations.push_back({"loss_unit", "is required: NATS_PER_TOKEN or NATS_PER_BYTE"});
  }
  CheckText(violations, "tokenizer", study.tokenizer(), kLongestTitle);
  CheckText(violations, "data_set", study.data_set(), kLongestTitle);
  CheckText(violations, "evaluation_set", study.evaluation_set(), kLongestTitle);
  AddAll(violations, "model_family.", ValidateModelFamily(study.model_family()));
  if (study.parameter_convention() == v1::PARAMETER_CONVENTION_UNSPECIFIED ||
      !v1::ParameterConvention_IsValid(study.parameter_convention())) {
    violations.push_back({"parameter_convention", "is required: NON_EMBEDDING or TOTAL"});
  }
  CheckLaw(violations, study.law());
  AddAll(violations, kOptionsPrefix, ValidateFitOptions(study.fit_options(), study.law()));
  return violations;
}

FieldViolations Validate(const v1::CreateStudyRequest& request) {
  FieldViolations violations;
  CheckId(violations, "study_id", request.study_id());
  if (!request.has_study()) violations.push_back({"study", "is required"});
  if (request.has_study()) AddAll(violations, "study.", ValidateStudy(request.study()));
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::GetStudyRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "name", request.name());
  return violations;
}

FieldViolations Validate(const v1::ListStudiesRequest& request) {
  FieldViolations violations;
  CheckPageSize(violations, request.page_size());
  return violations;
}

FieldViolations Validate(const v1::UpdateStudyRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "study.name", request.study().name());
  if (request.update_mask().paths().empty()) {
    violations.push_back({"update_mask", "is required: the fields to change"});
  }
  for (const std::string& path : request.update_mask().paths()) {
    if (IsMaskPath(path)) continue;
    violations.push_back({"update_mask",
                          fmt::format("has \"{}\"; the fields that can change are {} and {}*",
                                      path,
                                      fmt::join(kMaskPaths, ", "),
                                      kOptionsPrefix)});
  }
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::DeleteStudyRequest& request) {
  FieldViolations violations;
  CheckStudyName(violations, "name", request.name());
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::BackupRequest& request) {
  FieldViolations violations;
  if (!request.path().starts_with('/')) {
    violations.push_back({"path",
                          fmt::format("is \"{}\"; must be an absolute path on the server's machine",
                                      request.path())});
  }
  return violations;
}

}  // namespace bitbudget::server
