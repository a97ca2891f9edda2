#include "server/planner_service.h"

#include <string>
#include <utility>

#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

// Whether a question takes well below a millisecond; others are left to the pool.
constexpr int kMostDrawsOnTheSpot = 1'000;
constexpr int kMostBudgetsOnTheSpot = 100;

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
  // A named fit is read from the database.
  if (!IsSmall(request) || !request.source().has_study()) return std::nullopt;
  absl::StatusOr<std::optional<StudyState>> state =
      registry_.FindCovering(request.source().study(), request.source().min_revision());
  if (!state.ok()) return Answer(state.status());
  if (!*state) return std::nullopt;
  return AnswerQuestion(call, request, ViewOf(**state));
}

template <typename Request>
void PlannerService::Ask(const CallContext& call, const Request& request, Done<Request> done) {
  // Runs on a thread of the pool.
  const auto answer = [call, &request, done](const absl::StatusOr<LawView>& view) {
    done(view.ok() ? AnswerQuestion(call, request, *view)
                   : absl::StatusOr<AnswerTo<Request>>(view.status()));
  };
  const auto run = [this, done](std::function<void()> task) {
    if (!pool_.TryRun(std::move(task))) done(TooManyQuestions());
  };
  if (!request.source().has_study()) {
    run([this, answer, &request] { answer(ReadFit(request.source().fit())); });
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

absl::StatusOr<LawView> PlannerService::ReadFit(const std::string& name) {
  ASSIGN_OR_RETURN(v1::Fit fit, store_.GetFit(name));
  LawView view;
  ASSIGN_OR_RETURN(view.snapshot, MakeSnapshot(std::move(fit)));
  return view;
}

// The questions of the contract.
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

#undef BITBUDGET_QUESTION

}  // namespace bitbudget::server
