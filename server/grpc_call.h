// The mechanism by which every RPC becomes a call of a plain function: context
// in, rich status and request id out.

#ifndef BITBUDGET_SERVER_GRPC_CALL_H_
#define BITBUDGET_SERVER_GRPC_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "server/call_context.h"
#include "server/call_gate.h"
#include "server/served_call.h"

namespace bitbudget::server {

// A call from its arrival to its end. Used by one thread at a time.
class GrpcCall {
 public:
  // As ServedCall; `grpc_context` is borrowed for the life of the call.
  GrpcCall(CallGate& gate,
           grpc::ServerContextBase& grpc_context,
           std::string_view method,
           CallKind kind);

  // As ServedCall, with the deadline of the call.
  CallContext MakeContext(std::function<bool()> cancelled) const;

  absl::Status Guard(const std::function<absl::Status()>& function) const {
    return call_.Guard(function);
  }

  // As ServedCall, as gRPC has it.
  grpc::Status End(const absl::Status& outcome);

 private:
  grpc::ServerContextBase& grpc_context_;
  ServedCall call_;
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
