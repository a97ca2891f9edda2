#include "server/law_service.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "fitter/law.h"
#include "fitter/published_laws.h"
#include "planner/law_questions.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

constexpr std::string_view kCollection = "laws/";

// One line about each family, and where it comes from.
struct FamilyText {
  std::string_view family;
  std::string_view title;
  std::string_view reference;
};
constexpr FamilyText kFamilyTexts[] = {
    {"compute_optimal_qat",
     "Full precision first, then QAT: the loss and the best split",
     "arXiv 2509.22935"},
    {"chinchilla", "Full precision", "arXiv 2203.15556"},
    {"unified_qat_error", "QAT from scratch, by size, tokens and group size", "arXiv 2505.14302"},
    {"effective_parameters",
     "One precision throughout, as a smaller model of full precision",
     "arXiv 2411.04330, arXiv 2502.05003"},
    {"optimizer_rescaled",
     "Full precision with several optimizers: common exponents, a factor for each",
     "arXiv 2602.07712, arXiv 2509.23500"},
};

void AddAnswers(std::string_view law, v1::Law& message) {
  for (const planner::Question question : planner::AllQuestions()) {
    if (planner::Answers(law, question))
      message.add_answers(std::string(planner::NameOf(question)));
  }
}

v1::Law ToMessage(const FamilyText& text) {
  v1::Law message;
  message.set_name(std::string(kCollection) + std::string(text.family));
  message.set_kind(v1::Law::FAMILY);
  message.set_title(std::string(text.title));
  message.set_reference(std::string(text.reference));
  message.set_quantity(v1::Law::LOSS);
  constexpr double kAnyWidth[] = {16};
  const std::vector<fitter::Law> ladder = *fitter::LawLadder(text.family, kAnyWidth);
  message.set_formula(ladder.front().formula);
  for (const fitter::Law& law : ladder) message.add_variants(law.variant);
  AddAnswers(text.family, message);
  return message;
}

// The contract's enumerations are those of the fitter behind an "unspecified".
v1::Law ToMessage(const fitter::PublishedLaw& law) {
  v1::Law message;
  message.set_name(std::string(kCollection) + law.key);
  message.set_kind(v1::Law::PUBLISHED);
  message.set_title(law.title);
  message.set_formula(law.formula);
  message.set_reference(law.reference);
  message.set_quantity(static_cast<v1::Law::Quantity>(static_cast<int>(law.quantity) + 1));
  message.set_family(law.family);
  for (const fitter::PublishedCoefficient& coefficient : law.coefficients) {
    v1::Law::Coefficient* out = message.add_coefficients();
    out->set_name(coefficient.name);
    out->set_value(coefficient.value);
    if (coefficient.standard_error) out->set_standard_error(*coefficient.standard_error);
  }
  message.set_units(law.units);
  message.set_parameter_count(
      static_cast<v1::Law::ParameterCount>(static_cast<int>(law.parameter_count) + 1));
  message.set_data(law.data);
  for (const fitter::FittedRange& fitted : law.fitted_range) {
    v1::Law::FittedRange* out = message.add_fitted_range();
    out->set_axis(fitted.axis);
    out->mutable_range()->set_lower(fitted.range.lower);
    out->mutable_range()->set_upper(fitted.range.upper);
  }
  message.set_certainty(static_cast<v1::Law::Certainty>(static_cast<int>(law.certainty) + 1));
  message.set_caveat(law.caveat);
  AddAnswers(law.key, message);
  return message;
}

static_assert(static_cast<int>(v1::Law::LOSS) - 1 == static_cast<int>(fitter::LawQuantity::kLoss));
static_assert(static_cast<int>(v1::Law::MULTIPLIER) - 1 ==
              static_cast<int>(fitter::LawQuantity::kMultiplier));
static_assert(static_cast<int>(v1::Law::UNAVAILABLE) - 1 ==
              static_cast<int>(fitter::Certainty::kUnavailable));
static_assert(static_cast<int>(v1::Law::NOT_STATED) - 1 ==
              static_cast<int>(fitter::ParameterCount::kNotStated));

const fitter::PublishedLaw* FindByName(std::string_view name) {
  if (!name.starts_with(kCollection)) return nullptr;
  return fitter::FindPublishedLaw(name.substr(kCollection.size()));
}

std::shared_ptr<const FitSnapshot> MakePublishedSnapshot(const fitter::PublishedLaw& law) {
  FitSnapshot snapshot;
  snapshot.fit.set_law(law.key);
  if (!law.caveat.empty()) snapshot.fit.add_warnings(law.caveat);
  snapshot.fit.add_warnings(
      fmt::format("Losses are those of the data of {}: {}; compare them with no other law's.",
                  law.reference,
                  law.data));
  snapshot.law = {.law = ToFittedLaw(law),
                  .fraction_law = ToFractionLaw(law),
                  .support = ToSupport(law),
                  .counts_embeddings = law.parameter_count == fitter::ParameterCount::kAll};
  return std::make_shared<const FitSnapshot>(std::move(snapshot));
}

}  // namespace

absl::StatusOr<v1::ListLawsResponse> LawService::ListLaws(const CallContext&,
                                                          const v1::ListLawsRequest&) {
  v1::ListLawsResponse response;
  for (const FamilyText& text : kFamilyTexts) *response.add_laws() = ToMessage(text);
  for (const fitter::PublishedLaw& law : fitter::PublishedLaws()) {
    *response.add_laws() = ToMessage(law);
  }
  return response;
}

absl::StatusOr<v1::Law> LawService::GetLaw(const CallContext&, const v1::GetLawRequest& request) {
  for (const FamilyText& text : kFamilyTexts) {
    if (request.name() == std::string(kCollection) + std::string(text.family)) {
      return ToMessage(text);
    }
  }
  if (const fitter::PublishedLaw* law = FindByName(request.name())) return ToMessage(*law);
  return NotFound("law", request.name());
}

absl::StatusOr<LawView> PublishedView(const std::string& name) {
  const fitter::PublishedLaw* law = FindByName(name);
  if (law == nullptr) return NotFound("law", name);
  return LawView{.snapshot = MakePublishedSnapshot(*law), .published_law = name};
}

}  // namespace bitbudget::server
