#include "server/planner_service.h"

#include <string>
#include <utility>

#include "planner/law_questions.h"
#include "server/law_service.h"
#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

// Whether a question takes well below a millisecond; others are left to the pool.
constexpr int kMostDrawsOnTheSpot = 1'000;
constexpr int kMostBudgetsOnTheSpot = 100;

planner::Question QuestionOf(const v1::PredictLossRequest&) {
  return planner::Question::kPredictLoss;
}
planner::Question QuestionOf(const v1::OptimizeQatFractionRequest&) {
  return planner::Question::kOptimizeQatFraction;
}
planner::Question QuestionOf(const v1::EvaluateGridRequest&) {
  return planner::Question::kEvaluateGrid;
}
planner::Question QuestionOf(const v1::OptimizeBitWidthRequest&) {
  return planner::Question::kOptimizeBitWidth;
}
planner::Question QuestionOf(const v1::CompareToFullPrecisionRequest&) {
  return planner::Question::kCompareToFullPrecision;
}
planner::Question QuestionOf(const v1::EstimateWasteRequest&) {
  return planner::Question::kEstimateWaste;
}
planner::Question QuestionOf(const v1::PlanTrainingRequest&) {
  return planner::Question::kPlanTraining;
}

// Answers if the law is of a kind that answers such questions.
template <typename Request>
absl::StatusOr<AnswerTo<Request>> AnswerFrom(const CallContext& call,
                                             const Request& request,
                                             const LawView& view) {
  RETURN_IF_ERROR(planner::CheckAnswers(view.snapshot->fit.law(), QuestionOf(request)));
  return AnswerQuestion(call, request, view);
}

bool IsSmall(const v1::PredictLossRequest&) { return true; }
bool IsSmall(const v1::OptimizeQatFractionRequest&) { return true; }
bool IsSmall(const v1::EvaluateGridRequest&) { return false; }
bool IsSmall(const v1::OptimizeBitWidthRequest& request) {
  return request.draw_count() <= kMostDrawsOnTheSpot;
}
bool IsSmall(const v1::CompareToFullPrecisionRequest&) { return true; }
bool IsSmall(const v1::EstimateWasteRequest& request) {
  return request.total_tokens_size() + request.compute_flops_size() + request.range().count() <=
         kMostBudgetsOnTheSpot;
}
bool IsSmall(const v1::PlanTrainingRequest& request) {
  return request.draw_count() <= kMostDrawsOnTheSpot;
}

absl::Status TooManyQuestions() {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   "too many questions are queued; ask again later",
                   {.reason = "TOO_MANY_CALLS", .retry_delay_seconds = 1});
}

}  // namespace

template <typename Request>
std::optional<absl::StatusOr<AnswerTo<Request>>> PlannerService::TryAnswer(const CallContext& call,
                                                                           const Request& request) {
  using Answer = absl::StatusOr<AnswerTo<Request>>;
  if (const absl::Status valid = Check(request); !valid.ok()) return Answer(valid);
  if (!IsSmall(request)) return std::nullopt;
  if (request.source().has_published_law()) {
    const absl::StatusOr<LawView> view = PublishedView(request.source().published_law());
    return view.ok() ? AnswerFrom(call, request, *view) : Answer(view.status());
  }
  // A named fit is read from the database.
  if (!request.source().has_study()) return std::nullopt;
  absl::StatusOr<std::optional<StudyState>> state =
      registry_.FindCovering(request.source().study(), request.source().min_revision());
  if (!state.ok()) return Answer(state.status());
  if (!*state) return std::nullopt;
  return AnswerFrom(call, request, ViewOf(**state));
}

template <typename Request>
void PlannerService::Ask(const CallContext& call, const Request& request, Done<Request> done) {
  // Runs on a thread of the pool.
  const auto answer = [call, &request, done](const absl::StatusOr<LawView>& view) {
    done(view.ok() ? AnswerFrom(call, request, *view)
                   : absl::StatusOr<AnswerTo<Request>>(view.status()));
  };
  const auto run = [this, done](std::function<void()> task) {
    if (!pool_.TryRun(std::move(task))) done(TooManyQuestions());
  };
  if (!request.source().has_study()) {
    run([this, answer, &request] { answer(ReadLaw(request.source())); });
    return;
  }
  registry_.Await(call,
                  request.source().study(),
                  request.source().min_revision(),
                  [run, answer, done](const absl::StatusOr<StudyState>& state) {
                    if (!state.ok()) {
                      done(state.status());
                    } else {
                      run([answer, view = ViewOf(*state)] { answer(view); });
                    }
                  });
}

absl::StatusOr<LawView> PlannerService::ReadLaw(const v1::LawSource& source) {
  if (source.has_published_law()) return PublishedView(source.published_law());
  ASSIGN_OR_RETURN(v1::Fit fit, store_.GetFit(source.fit()));
  LawView view;
  ASSIGN_OR_RETURN(view.snapshot, MakeSnapshot(std::move(fit)));
  return view;
}

// The questions of the contract. A type takes no parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define BITBUDGET_QUESTION(Request)                                                    \
  template std::optional<absl::StatusOr<AnswerTo<Request>>> PlannerService::TryAnswer( \
      const CallContext& call, const Request& request);                                \
  template void PlannerService::Ask(                                                   \
      const CallContext& call, const Request& request, PlannerService::Done<Request> done)

BITBUDGET_QUESTION(v1::PredictLossRequest);
BITBUDGET_QUESTION(v1::OptimizeQatFractionRequest);
BITBUDGET_QUESTION(v1::EvaluateGridRequest);
BITBUDGET_QUESTION(v1::OptimizeBitWidthRequest);
BITBUDGET_QUESTION(v1::CompareToFullPrecisionRequest);
BITBUDGET_QUESTION(v1::EstimateWasteRequest);
BITBUDGET_QUESTION(v1::PlanTrainingRequest);

// NOLINTEND(bugprone-macro-parentheses)
#undef BITBUDGET_QUESTION

}  // namespace bitbudget::server
