#include <utility>

#include "server/grpc_call.h"
#include "server/grpc_job_services.h"
#include "server/grpc_pooled_call.h"
#include "server/grpc_watch.h"

namespace bitbudget::server {

grpc::ServerUnaryReactor* GrpcCampaignService::CreateCampaign(
    grpc::CallbackServerContext* context,
    const v1::CreateCampaignRequest* request,
    v1::Campaign* response) {
  return ServeOnPool(calls_,
                     context,
                     "CampaignService/CreateCampaign",
                     CallKind::kWrite,
                     service_,
                     &CampaignService::CreateCampaign,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcCampaignService::GetCampaign(grpc::CallbackServerContext* context,
                                                           const v1::GetCampaignRequest* request,
                                                           v1::Campaign* response) {
  return ServeOnPool(calls_,
                     context,
                     "CampaignService/GetCampaign",
                     CallKind::kRead,
                     service_,
                     &CampaignService::GetCampaign,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcCampaignService::ListCampaigns(
    grpc::CallbackServerContext* context,
    const v1::ListCampaignsRequest* request,
    v1::ListCampaignsResponse* response) {
  return ServeOnPool(calls_,
                     context,
                     "CampaignService/ListCampaigns",
                     CallKind::kRead,
                     service_,
                     &CampaignService::ListCampaigns,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcCampaignService::CancelCampaign(
    grpc::CallbackServerContext* context,
    const v1::CancelCampaignRequest* request,
    v1::Campaign* response) {
  return ServeOnPool(calls_,
                     context,
                     "CampaignService/CancelCampaign",
                     CallKind::kWrite,
                     service_,
                     &CampaignService::CancelCampaign,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcCampaignService::RetryCampaign(
    grpc::CallbackServerContext* context,
    const v1::RetryCampaignRequest* request,
    v1::Campaign* response) {
  return ServeOnPool(calls_,
                     context,
                     "CampaignService/RetryCampaign",
                     CallKind::kWrite,
                     service_,
                     &CampaignService::RetryCampaign,
                     request,
                     response);
}

grpc::ServerWriteReactor<v1::WatchCampaignResponse>* GrpcCampaignService::WatchCampaign(
    grpc::CallbackServerContext* context, const v1::WatchCampaignRequest* request) {
  return WatchReactor<v1::WatchCampaignResponse>::Start(
      GrpcCall(calls_.gate, *context, "CampaignService/WatchCampaign", CallKind::kRead),
      watches_,
      calls_.pool,
      [this, request](std::function<void()> wake) {
        return service_.WatchCampaign(*request, std::move(wake));
      });
}

}  // namespace bitbudget::server
