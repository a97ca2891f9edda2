#include "server/grpc_call.h"
#include "server/grpc_services.h"

namespace bitbudget::server {

grpc::Status GrpcFitService::RunFit(grpc::ServerContext* context,
                                    const v1::RunFitRequest* request,
                                    v1::Fit* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/RunFit",
                    CallKind::kWrite,
                    service_,
                    &FitService::RunFit,
                    *request,
                    response);
}

grpc::Status GrpcFitService::GetFit(grpc::ServerContext* context,
                                    const v1::GetFitRequest* request,
                                    v1::Fit* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/GetFit",
                    CallKind::kRead,
                    service_,
                    &FitService::GetFit,
                    *request,
                    response);
}

grpc::Status GrpcFitService::ListFits(grpc::ServerContext* context,
                                      const v1::ListFitsRequest* request,
                                      v1::ListFitsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/ListFits",
                    CallKind::kRead,
                    service_,
                    &FitService::ListFits,
                    *request,
                    response);
}

grpc::Status GrpcFitService::ReplayFit(grpc::ServerContext* context,
                                       const v1::ReplayFitRequest* request,
                                       v1::ReplayFitResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/ReplayFit",
                    CallKind::kRead,
                    service_,
                    &FitService::ReplayFit,
                    *request,
                    response);
}

}  // namespace bitbudget::server
