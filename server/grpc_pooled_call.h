// Unary calls over the callback API whose work is done on a pool. A burst of
// calls waits in the pool's queue, where the synchronous API refuses what exceeds
// its threads; calls that wait hold no thread at all.

#ifndef BITBUDGET_SERVER_GRPC_POOLED_CALL_H_
#define BITBUDGET_SERVER_GRPC_POOLED_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "server/grpc_call.h"
#include "server/worker_pool.h"
#include "util/error.h"

namespace bitbudget::server {

// A call on its way; gone once its reply has been sent.
class PooledCall final : public grpc::ServerUnaryReactor {
 public:
  explicit PooledCall(GrpcCall call) : call_(std::move(call)) {}

  CallContext MakeContext() const {
    return call_.MakeContext([flag = is_cancelled_] { return flag->load(); });
  }
  const GrpcCall& call() const { return call_; }

  // Sends the reply. Call once, from any thread; `this` may be gone afterwards.
  template <typename Response>
  void Answer(absl::StatusOr<Response> result, Response* response) {
    const absl::Status status = result.status();
    if (status.ok()) *response = *std::move(result);
    Finish(call_.End(status));
  }

 private:
  void OnCancel() override { is_cancelled_->store(true); }
  void OnDone() override { delete this; }

  GrpcCall call_;
  // Shared with work for this call, which may end after it.
  std::shared_ptr<std::atomic<bool>> is_cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

// Where the calls of a service are served; all borrowed.
struct PooledCalls {
  CallGate& gate;
  WorkerPool& pool;
};

// Serves a unary method by `function` of `service` on a thread of the pool.
template <typename Service, typename Request, typename Response>
grpc::ServerUnaryReactor* ServeOnPool(
    const PooledCalls& calls,
    grpc::CallbackServerContext* grpc_context,
    std::string_view method,
    CallKind kind,
    Service& service,
    absl::StatusOr<Response> (Service::*function)(const CallContext&, const Request&),
    const Request* request,
    Response* response) {
  // Deletes itself; request and response live as long.
  auto* pending = new PooledCall(GrpcCall(calls.gate, *grpc_context, method, kind));
  const auto serve = [pending, &service, function, request, response] {
    absl::StatusOr<Response> result;
    const absl::Status outcome = pending->call().Guard([&] {
      result = (service.*function)(pending->MakeContext(), *request);
      return result.status();
    });
    pending->Answer(outcome.ok() ? std::move(result) : outcome, response);
  };
  if (!calls.pool.TryRun(serve)) {
    const absl::Status refusal = MakeError(absl::StatusCode::kResourceExhausted,
                                           "too many calls are queued; ask again later",
                                           {.reason = "TOO_MANY_CALLS", .retry_delay_seconds = 1});
    pending->Answer<Response>(refusal, response);
  }
  return pending;
}

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_GRPC_POOLED_CALL_H_
