// PlannerService of the contract. A question whose law is at hand is answered
// where it is asked, in microseconds; one that waits for a refit holds no thread
// while it waits, and longer work is done by a small pool. Thread-safe.

#ifndef BITBUDGET_SERVER_PLANNER_SERVICE_H_
#define BITBUDGET_SERVER_PLANNER_SERVICE_H_

#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "bitbudget/v1/planner.pb.h"
#include "db/store.h"
#include "server/answer_question.h"
#include "server/call_context.h"
#include "server/snapshots.h"
#include "server/worker_pool.h"

namespace bitbudget::server {

class PlannerService {
 public:
  template <typename Response>
  using Done = std::function<void(absl::StatusOr<Response>)>;

  // Everything is borrowed.
  PlannerService(db::Store& store, SnapshotRegistry& registry, WorkerPool& pool)
      : store_(store), registry_(registry), pool_(pool) {}

  // The answer to a question that takes neither waiting nor long; nullopt if it
  // must be put to Ask. Errors as planner.proto says.
  std::optional<absl::StatusOr<v1::PredictLossResponse>> TryAnswer(
      const CallContext& call, const v1::PredictLossRequest& request);
  std::optional<absl::StatusOr<v1::OptimizeQatFractionResponse>> TryAnswer(
      const CallContext& call, const v1::OptimizeQatFractionRequest& request);
  std::optional<absl::StatusOr<v1::EvaluateGridResponse>> TryAnswer(
      const CallContext& call, const v1::EvaluateGridRequest& request);

  // Answers any valid question: calls `done` once, on this thread or another.
  // `request` must live until then. Errors as above, those of
  // SnapshotRegistry::Await, and RESOURCE_EXHAUSTED, TOO_MANY_CALLS.
  void Ask(const CallContext& call,
           const v1::PredictLossRequest& request,
           Done<v1::PredictLossResponse> done);
  void Ask(const CallContext& call,
           const v1::OptimizeQatFractionRequest& request,
           Done<v1::OptimizeQatFractionResponse> done);
  void Ask(const CallContext& call,
           const v1::EvaluateGridRequest& request,
           Done<v1::EvaluateGridResponse> done);

 private:
  template <typename Request, typename Response>
  std::optional<absl::StatusOr<Response>> TryAnswerSmall(const CallContext& call,
                                                         const Request& request);
  template <typename Request, typename Response>
  void AskAny(const CallContext& call, const Request& request, Done<Response> done);

  absl::StatusOr<LawView> ReadFit(const std::string& name);

  db::Store& store_;
  SnapshotRegistry& registry_;
  WorkerPool& pool_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_PLANNER_SERVICE_H_
