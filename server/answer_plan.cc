// Answers about widths, full precision, waste and plans.

#include "server/answer_question.h"
#include "server/convert_memory.h"
#include "server/convert_plan.h"
#include "util/status_macros.h"

namespace bitbudget::server {

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
  ASSIGN_OR_RETURN(const planner::PlanAnswer answer, planner::PlanTraining(*law, question));
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
