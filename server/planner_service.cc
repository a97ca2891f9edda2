#include "server/planner_service.h"

#include <string>
#include <utility>

#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

absl::Status TooManyQuestions() {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   "too many questions are queued; ask again later",
                   {.reason = "TOO_MANY_CALLS", .retry_delay_seconds = 1});
}

}  // namespace

template <typename Request, typename Response>
std::optional<absl::StatusOr<Response>> PlannerService::TryAnswerSmall(const CallContext& call,
                                                                       const Request& request) {
  if (const absl::Status valid = Check(request); !valid.ok())
    return absl::StatusOr<Response>(valid);
  // A named fit is read from the database.
  if (!request.source().has_study()) return std::nullopt;
  absl::StatusOr<std::optional<StudyState>> state =
      registry_.FindCovering(request.source().study(), request.source().min_revision());
  if (!state.ok()) return absl::StatusOr<Response>(state.status());
  if (!*state) return std::nullopt;
  return AnswerQuestion(call, request, ViewOf(**state));
}

template <typename Request, typename Response>
void PlannerService::AskAny(const CallContext& call, const Request& request, Done<Response> done) {
  // Runs on a thread of the pool.
  const auto answer = [call, &request, done](const absl::StatusOr<LawView>& view) {
    done(view.ok() ? AnswerQuestion(call, request, *view)
                   : absl::StatusOr<Response>(view.status()));
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

std::optional<absl::StatusOr<v1::PredictLossResponse>> PlannerService::TryAnswer(
    const CallContext& call, const v1::PredictLossRequest& request) {
  return TryAnswerSmall<v1::PredictLossRequest, v1::PredictLossResponse>(call, request);
}

std::optional<absl::StatusOr<v1::OptimizeQatFractionResponse>> PlannerService::TryAnswer(
    const CallContext& call, const v1::OptimizeQatFractionRequest& request) {
  return TryAnswerSmall<v1::OptimizeQatFractionRequest, v1::OptimizeQatFractionResponse>(call,
                                                                                         request);
}

std::optional<absl::StatusOr<v1::EvaluateGridResponse>> PlannerService::TryAnswer(
    const CallContext&, const v1::EvaluateGridRequest& request) {
  if (const absl::Status valid = Check(request); !valid.ok()) {
    return absl::StatusOr<v1::EvaluateGridResponse>(valid);
  }
  // A grid may take a good part of a second.
  return std::nullopt;
}

void PlannerService::Ask(const CallContext& call,
                         const v1::PredictLossRequest& request,
                         Done<v1::PredictLossResponse> done) {
  AskAny<v1::PredictLossRequest, v1::PredictLossResponse>(call, request, std::move(done));
}

void PlannerService::Ask(const CallContext& call,
                         const v1::OptimizeQatFractionRequest& request,
                         Done<v1::OptimizeQatFractionResponse> done) {
  AskAny<v1::OptimizeQatFractionRequest, v1::OptimizeQatFractionResponse>(
      call, request, std::move(done));
}

void PlannerService::Ask(const CallContext& call,
                         const v1::EvaluateGridRequest& request,
                         Done<v1::EvaluateGridResponse> done) {
  AskAny<v1::EvaluateGridRequest, v1::EvaluateGridResponse>(call, request, std::move(done));
}

}  // namespace bitbudget::server
