#include <utility>

#include "server/grpc_call.h"
#include "server/grpc_services.h"
#include "server/grpc_watch.h"

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

grpc::Status GrpcFitService::CompareLaws(grpc::ServerContext* context,
                                         const v1::CompareLawsRequest* request,
                                         v1::LawComparison* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/CompareLaws",
                    CallKind::kWrite,
                    service_,
                    &FitService::CompareLaws,
                    *request,
                    response);
}

grpc::Status GrpcFitService::GetLawComparison(grpc::ServerContext* context,
                                              const v1::GetLawComparisonRequest* request,
                                              v1::LawComparison* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/GetLawComparison",
                    CallKind::kRead,
                    service_,
                    &FitService::GetLawComparison,
                    *request,
                    response);
}

grpc::Status GrpcFitService::ListLawComparisons(grpc::ServerContext* context,
                                                const v1::ListLawComparisonsRequest* request,
                                                v1::ListLawComparisonsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/ListLawComparisons",
                    CallKind::kRead,
                    service_,
                    &FitService::ListLawComparisons,
                    *request,
                    response);
}

grpc::Status GrpcFitService::ExplainFit(grpc::ServerContext* context,
                                        const v1::ExplainFitRequest* request,
                                        v1::ExplainFitResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "FitService/ExplainFit",
                    CallKind::kRead,
                    service_,
                    &FitService::ExplainFit,
                    *request,
                    response);
}

grpc::ServerWriteReactor<v1::WatchFitsResponse>* GrpcFitService::WatchFits(
    grpc::CallbackServerContext* context, const v1::WatchFitsRequest* request) {
  return WatchReactor<v1::WatchFitsResponse>::Start(
      GrpcCall(gate_, *context, "FitService/WatchFits", CallKind::kRead),
      watches_,
      pool_,
      [this, request](std::function<void()> wake) {
        return service_.WatchFits(*request, std::move(wake));
      });
}

}  // namespace bitbudget::server
