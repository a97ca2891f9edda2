// Answers about widths, full precision, waste and plans.

#include <optional>
#include <string_view>

#include "server/answer_question.h"
#include "server/convert_memory.h"
#include "server/convert_plan.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

// The field that states the goal in hours or money; empty for other goals, which the
// planner knows.
std::string_view GoalInHardware(const v1::PlanTrainingRequest& request) {
  using Request = v1::PlanTrainingRequest;
  switch (request.goal_case()) {
    case Request::kDeviceHours:
      return "device_hours";
    case Request::kMoney:
      return "money";
    case Request::kDeadlineHours:
      return "deadline_hours";
    default:
      return "";
  }
}

// A refusal of the FLOPs that a goal was turned into, about the goal.
absl::Status AboutGoal(const absl::Status& refusal, const v1::PlanTrainingRequest& request) {
  const std::string_view goal = GoalInHardware(request);
  const std::optional<ErrorDetails> details = GetErrorDetails(refusal);
  if (goal.empty() || !absl::IsOutOfRange(refusal) || !details ||
      details->field_violations.front().field != "compute_flops") {
    return refusal;
  }
  return OutOfRangeField(goal, details->field_violations.front().description);
}

}  // namespace

absl::StatusOr<v1::OptimizeBitWidthResponse> AnswerQuestion(
    const CallContext& call, const v1::OptimizeBitWidthRequest& request, const LawView& view) {
  ASSIGN_OR_RETURN(const fitter::FittedLaw* law, LossLaw(*view.snapshot));
  ASSIGN_OR_RETURN(planner::BitWidthQuestion question,
                   ToBitWidthQuestion(request, view.snapshot->law.counts_embeddings));
  question.cancelled = call.cancelled;
  ASSIGN_OR_RETURN(const planner::BitWidthAnswer answer, planner::OptimizeBitWidth(*law, question));
  v1::OptimizeBitWidthResponse response = ToResponse(question, answer);
  *response.mutable_memory_model() = InForce(request.memory_model(), question.memory_model);
  *response.mutable_provenance() = MakeProvenance(
      view, question.confidence_level, answer.candidates.front().outside, answer.warnings);
  return response;
}

absl::StatusOr<v1::CompareToFullPrecisionResponse> AnswerQuestion(
    const CallContext& call,
    const v1::CompareToFullPrecisionRequest& request,
    const LawView& view) {
  const AnsweringLaw& laws = view.snapshot->law;
  ASSIGN_OR_RETURN(const fitter::FittedLaw* law, LossLaw(*view.snapshot));
  ASSIGN_OR_RETURN(planner::FullPrecisionQuestion question,
                   ToFullPrecisionQuestion(request, laws.counts_embeddings));
  question.cancelled = call.cancelled;
  const planner::FitLaws fit_laws{
      .law = law,
      .full_precision_law = laws.full_precision_law ? &*laws.full_precision_law : nullptr,
      .cross_covariance = laws.cross_covariance};
  ASSIGN_OR_RETURN(const planner::FullPrecisionAnswer answer,
                   planner::CompareToFullPrecision(fit_laws, question));
  v1::CompareToFullPrecisionResponse response = ToResponse(answer);
  *response.mutable_memory_model() = InForce(request.memory_model(), question.memory_model);
  *response.mutable_provenance() =
      MakeProvenance(view, question.confidence_level, answer.outside, answer.warnings);
  return response;
}

absl::StatusOr<v1::EstimateWasteResponse> AnswerQuestion(const CallContext& call,
                                                         const v1::EstimateWasteRequest& request,
                                                         const LawView& view) {
  ASSIGN_OR_RETURN(const fitter::FittedLaw* law, LossLaw(*view.snapshot));
  planner::WasteQuestion question = ToWasteQuestion(request);
  question.cancelled = call.cancelled;
  ASSIGN_OR_RETURN(const planner::WasteAnswer answer, planner::EstimateWaste(*law, question));
  v1::EstimateWasteResponse response = ToResponse(question, answer);
  if (question.hardware) {
    *response.mutable_hardware() = InForce(request.hardware(), *question.hardware);
  }
  *response.mutable_provenance() =
      MakeProvenance(view, question.confidence_level, answer.outside, answer.warnings);
  return response;
}

absl::StatusOr<v1::PlanTrainingResponse> AnswerQuestion(const CallContext& call,
                                                        const v1::PlanTrainingRequest& request,
                                                        const LawView& view) {
  ASSIGN_OR_RETURN(const fitter::FittedLaw* law, LossLaw(*view.snapshot));
  ASSIGN_OR_RETURN(planner::PlanQuestion question,
                   ToPlanQuestion(request, view.snapshot->law.counts_embeddings));
  question.choice.cancelled = call.cancelled;
  const absl::StatusOr<planner::PlanAnswer> planned = planner::PlanTraining(*law, question);
  if (!planned.ok()) return AboutGoal(planned.status(), request);
  const planner::PlanAnswer& answer = *planned;
  v1::PlanTrainingResponse response = ToResponse(question, answer);
  *response.mutable_memory_model() = InForce(request.memory_model(), question.choice.memory_model);
  if (question.hardware) {
    *response.mutable_hardware() = InForce(request.hardware(), *question.hardware);
  }
  *response.mutable_provenance() = MakeProvenance(view,
                                                  question.choice.confidence_level,
                                                  answer.choice.candidates.front().outside,
                                                  answer.choice.warnings);
  return response;
}

}  // namespace bitbudget::server
