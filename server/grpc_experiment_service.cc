#include <utility>
#include <vector>

#include "server/experiment_import.h"
#include "server/grpc_call.h"
#include "server/grpc_services.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

using ImportReader = grpc::ServerReader<v1::ImportExperimentsRequest>;
using ExportWriter = grpc::ServerWriter<v1::ExportExperimentsResponse>;

absl::Status ReceiveImport(const CallContext& context,
                           ExperimentService& service,
                           ImportReader& reader,
                           v1::ImportExperimentsResponse* response) {
  ExperimentImport import(service);
  v1::ImportExperimentsRequest message;
  while (reader.Read(&message)) RETURN_IF_ERROR(import.Add(std::exchange(message, {})));
  // A stream that broke looks like one that ended.
  if (context.cancelled()) return absl::CancelledError("the stream broke; nothing was stored");
  ASSIGN_OR_RETURN(*response, import.Finish());
  return absl::OkStatus();
}

absl::Status SendExport(const CallContext& context,
                        ExperimentService& service,
                        const v1::ExportExperimentsRequest& request,
                        ExportWriter& writer) {
  ASSIGN_OR_RETURN(const std::vector<v1::ExportExperimentsResponse> messages,
                   service.ExportExperiments(context, request));
  for (const v1::ExportExperimentsResponse& message : messages) {
    if (!writer.Write(message)) return absl::CancelledError("the receiver is gone");
  }
  return absl::OkStatus();
}

}  // namespace

grpc::Status GrpcExperimentService::CreateExperiment(grpc::ServerContext* context,
                                                     const v1::CreateExperimentRequest* request,
                                                     v1::CreateExperimentResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "ExperimentService/CreateExperiment",
                    CallKind::kWrite,
                    service_,
                    &ExperimentService::CreateExperiment,
                    *request,
                    response);
}

grpc::Status GrpcExperimentService::BatchCreateExperiments(
    grpc::ServerContext* context,
    const v1::BatchCreateExperimentsRequest* request,
    v1::BatchCreateExperimentsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "ExperimentService/BatchCreateExperiments",
                    CallKind::kWrite,
                    service_,
                    &ExperimentService::BatchCreateExperiments,
                    *request,
                    response);
}

grpc::Status GrpcExperimentService::ImportExperiments(grpc::ServerContext* grpc_context,
                                                      ImportReader* reader,
                                                      v1::ImportExperimentsResponse* response) {
  GrpcCall call(gate_, *grpc_context, "ExperimentService/ImportExperiments", CallKind::kWrite);
  const CallContext context =
      call.MakeContext([grpc_context] { return grpc_context->IsCancelled(); });
  return call.End(call.Guard([&] {
    const absl::StatusOr<Admission::Ticket> ticket = imports_.Enter();
    if (!ticket.ok()) return ticket.status();
    return ReceiveImport(context, service_, *reader, response);
  }));
}

grpc::Status GrpcExperimentService::ExportExperiments(grpc::ServerContext* grpc_context,
                                                      const v1::ExportExperimentsRequest* request,
                                                      ExportWriter* writer) {
  GrpcCall call(gate_, *grpc_context, "ExperimentService/ExportExperiments", CallKind::kRead);
  const CallContext context =
      call.MakeContext([grpc_context] { return grpc_context->IsCancelled(); });
  return call.End(call.Guard([&] {
    const absl::StatusOr<Admission::Ticket> ticket = exports_.Enter();
    if (!ticket.ok()) return ticket.status();
    return SendExport(context, service_, *request, *writer);
  }));
}

grpc::Status GrpcExperimentService::GetExperiment(grpc::ServerContext* context,
                                                  const v1::GetExperimentRequest* request,
                                                  v1::Experiment* response) {
  return ServeUnary(gate_,
                    context,
                    "ExperimentService/GetExperiment",
                    CallKind::kRead,
                    service_,
                    &ExperimentService::GetExperiment,
                    *request,
                    response);
}

grpc::Status GrpcExperimentService::ListExperiments(grpc::ServerContext* context,
                                                    const v1::ListExperimentsRequest* request,
                                                    v1::ListExperimentsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "ExperimentService/ListExperiments",
                    CallKind::kRead,
                    service_,
                    &ExperimentService::ListExperiments,
                    *request,
                    response);
}

grpc::Status GrpcExperimentService::ExcludeExperiments(grpc::ServerContext* context,
                                                       const v1::ExcludeExperimentsRequest* request,
                                                       v1::ExcludeExperimentsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "ExperimentService/ExcludeExperiments",
                    CallKind::kWrite,
                    service_,
                    &ExperimentService::ExcludeExperiments,
                    *request,
                    response);
}

grpc::Status GrpcExperimentService::IncludeExperiments(grpc::ServerContext* context,
                                                       const v1::IncludeExperimentsRequest* request,
                                                       v1::IncludeExperimentsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "ExperimentService/IncludeExperiments",
                    CallKind::kWrite,
                    service_,
                    &ExperimentService::IncludeExperiments,
                    *request,
                    response);
}

}  // namespace bitbudget::server
