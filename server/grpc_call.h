// The mechanism by which every RPC becomes a call of a plain function: context
// in, rich status and request id out, one line in the log, exceptions stopped.

#ifndef BITBUDGET_SERVER_GRPC_CALL_H_
#define BITBUDGET_SERVER_GRPC_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/call_context.h"
#include "server/call_gate.h"
#include "server/log.h"

namespace bitbudget::server {

// Calls that change something are logged as information, the others, of which
// there may be tens of thousands a second, for debugging.
enum class CallKind { kRead, kWrite };

// A call from its arrival to its end. Used by one thread at a time.
class GrpcCall {
 public:
  // `gate` and `grpc_context` are borrowed for the life of the call; `method` is a
  // constant, "StudyService/GetStudy".
  GrpcCall(CallGate& gate,
           grpc::ServerContextBase& grpc_context,
           std::string_view method,
           CallKind kind);

  // For the service function. Beside `cancelled`, the end of the server cancels it.
  CallContext MakeContext(std::function<bool()> cancelled) const;

  // Runs `function`, unless the server is shutting down; an exception becomes
  // INTERNAL, which tells the caller nothing but the id to look for in the log.
  absl::Status Guard(const std::function<absl::Status()>& function) const;

  // Ends the call: logs it, returns the status to answer with. Call once.
  grpc::Status End(const absl::Status& outcome);

 private:
  void LogEnd(LogLevel level, const absl::Status& status) const;

  CallGate& gate_;
  CallGate::Pass pass_;
  grpc::ServerContextBase& grpc_context_;
  const std::string_view method_;
  const CallKind kind_;
  const absl::Duration begin_;
  std::string log_id_;
};

// Serves a unary method of a synchronous service by `function` of `service`.
template <typename Service, typename Request, typename Response>
grpc::Status ServeUnary(CallGate& gate,
                        grpc::ServerContext* grpc_context,
                        std::string_view method,
                        CallKind kind,
                        Service& service,
                        absl::StatusOr<Response> (Service::*function)(const CallContext&,
                                                                      const Request&),
                        const Request& request,
                        Response* response) {
  GrpcCall call(gate, *grpc_context, method, kind);
  const CallContext context =
      call.MakeContext([grpc_context] { return grpc_context->IsCancelled(); });
  return call.End(call.Guard([&] {
    absl::StatusOr<Response> result = (service.*function)(context, request);
    if (!result.ok()) return result.status();
    *response = *std::move(result);
    return absl::OkStatus();
  }));
}

// `status` with as many details as fit into the trailers that a gRPC peer takes
// by default (8 KiB for all of them); what is left out is counted in the
// metadata as "omitted_details".
absl::Status WithDetailsThatFit(const absl::Status& status);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_GRPC_CALL_H_
