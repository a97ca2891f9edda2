#include "server/grpc_call.h"
#include "server/grpc_services.h"

namespace bitbudget::server {

grpc::Status GrpcLawService::ListLaws(grpc::ServerContext* context,
                                      const v1::ListLawsRequest* request,
                                      v1::ListLawsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "LawService/ListLaws",
                    CallKind::kRead,
                    service_,
                    &LawService::ListLaws,
                    *request,
                    response);
}

grpc::Status GrpcLawService::GetLaw(grpc::ServerContext* context,
                                    const v1::GetLawRequest* request,
                                    v1::Law* response) {
  return ServeUnary(gate_,
                    context,
                    "LawService/GetLaw",
                    CallKind::kRead,
                    service_,
                    &LawService::GetLaw,
                    *request,
                    response);
}

}  // namespace bitbudget::server
