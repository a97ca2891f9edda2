// PlannerService of the contract. A question whose law is at hand is answered
// where it is asked, in microseconds; one that waits for a refit holds no thread
// while it waits, and longer work is done by a small pool. Thread-safe.

#ifndef BITBUDGET_SERVER_PLANNER_SERVICE_H_
#define BITBUDGET_SERVER_PLANNER_SERVICE_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "bitbudget/v1/planner.pb.h"
#include "db/store.h"
#include "server/answer_question.h"
#include "server/call_context.h"
#include "server/snapshots.h"
#include "server/worker_pool.h"

namespace bitbudget::server {

// The reply to a question.
template <typename Request>
using AnswerTo = typename decltype(AnswerQuestion(std::declval<const CallContext&>(),
                                                  std::declval<const Request&>(),
                                                  std::declval<const LawView&>()))::value_type;

// `Request` is any question that AnswerQuestion answers.
class PlannerService {
 public:
  template <typename Request>
  using Done = std::function<void(absl::StatusOr<AnswerTo<Request>>)>;

  // Everything is borrowed.
  PlannerService(db::Store& store, SnapshotRegistry& registry, WorkerPool& pool)
      : store_(store), registry_(registry), pool_(pool) {}

  // The answer to a question that takes neither waiting nor long; nullopt if it
  // must be put to Ask. Errors as planner.proto says.
  template <typename Request>
  std::optional<absl::StatusOr<AnswerTo<Request>>> TryAnswer(const CallContext& call,
                                                             const Request& request);

  // Answers any valid question: calls `done` once, on this thread or another.
  // `request` must live until then. Errors as above, those of
  // SnapshotRegistry::Await, and RESOURCE_EXHAUSTED, TOO_MANY_CALLS.
  template <typename Request>
  void Ask(const CallContext& call, const Request& request, Done<Request> done);

 private:
  // A certain fit or a published law.
  absl::StatusOr<LawView> ReadLaw(const v1::LawSource& source);

  db::Store& store_;
  SnapshotRegistry& registry_;
  WorkerPool& pool_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_PLANNER_SERVICE_H_
