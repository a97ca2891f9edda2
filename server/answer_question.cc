#include "server/answer_question.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "planner/grid.h"
#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "server/convert_planner.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr double kFullPrecisionBits = 16;

// Budgets are rounded to whole steps, and sizes told in three digits.
constexpr double kSameSize = 0.02;
constexpr double kSameBudget = 0.05;

double RelativeError(double value, double measured) {
  return std::abs(value - measured) / measured;
}

// The optimum that the runs at the question's size, width and budget show, the nearest of
// several; null if there are none.
const v1::MeasuredOptimum* FindMeasured(const v1::Fit& fit,
                                        const planner::FractionQuestion& question) {
  if (question.fixed_fp_tokens || question.qat_token_cost != 1) return nullptr;
  const v1::MeasuredOptimum* nearest = nullptr;
  double least_distance = std::numeric_limits<double>::infinity();
  for (const v1::MeasuredOptimum& optimum : fit.measured_optima()) {
    if (optimum.weight_bits() != question.weight_bits) continue;
    const double size = RelativeError(question.parameters, double(optimum.parameters()));
    const double budget = RelativeError(*question.budget_tokens, optimum.total_tokens());
    if (size > kSameSize || budget > kSameBudget || size + budget >= least_distance) continue;
    least_distance = size + budget;
    nearest = &optimum;
  }
  return nearest;
}

}  // namespace

absl::StatusOr<const fitter::FittedLaw*> LossLaw(const FitSnapshot& snapshot) {
  if (snapshot.law.law) return &*snapshot.law.law;
  std::string explanation =
      fmt::format("{} stands on the rung \"{}\", which predicts the optimal fraction and no losses",
                  snapshot.fit.name(),
                  snapshot.fit.variant());
  for (const v1::RungReport& rung : snapshot.fit.ladder()) {
    if (rung.accepted() && !rung.explanation().empty()) explanation += ". " + rung.explanation();
  }
  return DataCannotAnswer({}, explanation);
}

v1::Provenance MakeProvenance(const LawView& view,
                              double confidence_level,
                              const std::vector<planner::OutsideAxis>& outside,
                              const std::vector<std::string>& warnings) {
  const v1::Fit& fit = view.snapshot->fit;
  v1::Provenance provenance;
  provenance.set_law(fit.law());
  provenance.set_published_law(view.published_law);
  provenance.set_variant(fit.variant());
  provenance.set_fit(fit.name());
  provenance.set_revision(fit.revision());
  *provenance.mutable_extrapolation() = ToExtrapolation(outside);
  provenance.set_confidence_level(confidence_level);
  *provenance.mutable_warnings() = fit.warnings();
  for (const std::string& warning : view.warnings) provenance.add_warnings(warning);
  for (const std::string& warning : warnings) provenance.add_warnings(warning);
  return provenance;
}

LawView ViewOf(const StudyState& state) {
  LawView view{.snapshot = state.snapshot};
  if (state.covered_revision() >= state.revision) return view;
  const std::string stale =
      fmt::format("The data are at revision {}, this answer is of revision {}",
                  state.revision,
                  state.covered_revision());
  view.warnings.push_back(
      state.has_failed()
          ? fmt::format("{}: the newest could not be fitted: {}",
                        stale,
                        std::string(state.failure.message()))
          : fmt::format("{}; a refit is due, pass min_revision to wait for it.", stale));
  return view;
}

absl::StatusOr<v1::PredictLossResponse> AnswerQuestion(const CallContext&,
                                                       const v1::PredictLossRequest& request,
                                                       const LawView& view) {
  ASSIGN_OR_RETURN(const fitter::FittedLaw* law, LossLaw(*view.snapshot));
  const fitter::RunPoint run = ToRunPoint(request, law->law);
  const double confidence_level = ConfidenceLevel(request);
  ASSIGN_OR_RETURN(const planner::LossAnswer answer,
                   planner::PredictLoss(*law, run, confidence_level));
  v1::PredictLossResponse response = ToResponse(answer);
  const auto& full_precision_law = view.snapshot->law.full_precision_law;
  if (full_precision_law && request.weight_bits() == kFullPrecisionBits) {
    // A second opinion: where that law has none, the answer stands without it.
    const auto second = planner::PredictLoss(*full_precision_law, run, confidence_level);
    if (second.ok()) {
      *response.mutable_full_precision_law_loss_nats() = ToEstimate(second->loss_nats);
    }
  }
  *response.mutable_provenance() =
      MakeProvenance(view, confidence_level, answer.outside, answer.warnings);
  return response;
}

absl::StatusOr<v1::OptimizeQatFractionResponse> AnswerQuestion(
    const CallContext&, const v1::OptimizeQatFractionRequest& request, const LawView& view) {
  const planner::FractionQuestion question = ToFractionQuestion(request);
  const AnsweringLaw& law = view.snapshot->law;
  absl::StatusOr<planner::FractionAnswer> answer;
  if (law.fraction_law) {
    // There is one only where no law of losses knows about the split.
    answer = planner::OptimizeQatFraction(*law.fraction_law, law.support, question);
  } else if (law.law) {
    answer = planner::OptimizeQatFraction(*law.law, question);
  } else {
    return LossLaw(*view.snapshot).status();
  }
  if (!answer.ok()) return answer.status();
  v1::OptimizeQatFractionResponse response = ToResponse(*answer);
  if (const v1::MeasuredOptimum* measured = FindMeasured(view.snapshot->fit, question)) {
    *response.mutable_measured_optimum() = *measured;
  }
  *response.mutable_provenance() =
      MakeProvenance(view, question.confidence_level, answer->outside, answer->warnings);
  return response;
}

absl::StatusOr<v1::EvaluateGridResponse> AnswerQuestion(const CallContext& call,
                                                        const v1::EvaluateGridRequest& request,
                                                        const LawView& view) {
  ASSIGN_OR_RETURN(const fitter::FittedLaw* law, LossLaw(*view.snapshot));
  planner::GridQuestion question = ToGridQuestion(request);
  question.cancelled = call.cancelled;
  ASSIGN_OR_RETURN(const planner::GridAnswer answer, planner::EvaluateGrid(*law, question));
  v1::EvaluateGridResponse response = ToResponse(question, answer);
  *response.mutable_provenance() = MakeProvenance(view, question.confidence_level, answer.outside);
  return response;
}

}  // namespace bitbudget::server
