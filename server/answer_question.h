// Answers to planning questions from a law that is at hand. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_ANSWER_QUESTION_H_
#define BITBUDGET_SERVER_ANSWER_QUESTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/planner.pb.h"
#include "planner/answer.h"
#include "server/call_context.h"
#include "server/snapshots.h"

namespace bitbudget::server {

// What a question is answered from.
struct LawView {
  std::shared_ptr<const FitSnapshot> snapshot;  // shared with the registry; never null
  // What the caller must know beside the fit's own warnings.
  std::vector<std::string> warnings;
  std::string published_law;  // "laws/{law}"; empty for a fit
};

// The current fit of a study, with a warning if the data have moved on since.
// `state.snapshot` is not null.
LawView ViewOf(const StudyState& state);

// The law of a fit for questions about losses; FAILED_PRECONDITION on the last rung,
// which knows none.
absl::StatusOr<const fitter::FittedLaw*> LossLaw(const FitSnapshot& snapshot);

// Where an answer comes from. `warnings` are those of the question, beside those of
// fit and view.
v1::Provenance MakeProvenance(const LawView& view,
                              double confidence_level,
                              const std::vector<planner::OutsideAxis>& outside,
                              const std::vector<std::string>& warnings = {});

// Answers; requests are valid. Errors are those of planner/.
absl::StatusOr<v1::PredictLossResponse> AnswerQuestion(const CallContext& call,
                                                       const v1::PredictLossRequest& request,
                                                       const LawView& view);
absl::StatusOr<v1::OptimizeQatFractionResponse> AnswerQuestion(
    const CallContext& call, const v1::OptimizeQatFractionRequest& request, const LawView& view);
absl::StatusOr<v1::EvaluateGridResponse> AnswerQuestion(const CallContext& call,
                                                        const v1::EvaluateGridRequest& request,
                                                        const LawView& view);
absl::StatusOr<v1::OptimizeBitWidthResponse> AnswerQuestion(
    const CallContext& call, const v1::OptimizeBitWidthRequest& request, const LawView& view);
absl::StatusOr<v1::CompareToFullPrecisionResponse> AnswerQuestion(
    const CallContext& call, const v1::CompareToFullPrecisionRequest& request, const LawView& view);
absl::StatusOr<v1::EstimateWasteResponse> AnswerQuestion(const CallContext& call,
                                                         const v1::EstimateWasteRequest& request,
                                                         const LawView& view);
absl::StatusOr<v1::PlanTrainingResponse> AnswerQuestion(const CallContext& call,
                                                        const v1::PlanTrainingRequest& request,
                                                        const LawView& view);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_ANSWER_QUESTION_H_
