#include "server/grpc_server.h"

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>

#include <array>
#include <utility>

#include "absl/time/clock.h"
#include "bitbudget/v1/campaign.grpc.pb.h"
#include "bitbudget/v1/experiment.grpc.pb.h"
#include "bitbudget/v1/fit.grpc.pb.h"
#include "bitbudget/v1/job.grpc.pb.h"
#include "bitbudget/v1/law.grpc.pb.h"
#include "bitbudget/v1/planner.grpc.pb.h"
#include "bitbudget/v1/study.grpc.pb.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
// For replies that are on their way when the door closes. Without any the server does
// not wait.
constexpr absl::Duration kFlushTime = absl::Milliseconds(200);
// Pings that clients may send without being taken for hostile.
constexpr int kLeastPingIntervalMs = 10'000;

constexpr auto kServiceNames = std::to_array<const char* (*)()>({
    &v1::StudyService::service_full_name,
    &v1::ExperimentService::service_full_name,
    &v1::FitService::service_full_name,
    &v1::LawService::service_full_name,
    &v1::PlannerService::service_full_name,
    &v1::JobService::service_full_name,
    &v1::CampaignService::service_full_name,
});

void SetServing(grpc::Server& server, bool is_serving) {
  grpc::HealthCheckServiceInterface* health = server.GetHealthCheckService();
  health->SetServingStatus(is_serving);
  for (const auto name : kServiceNames) health->SetServingStatus(name(), is_serving);
}

void SetArguments(grpc::ServerBuilder& builder, const Config& config) {
  grpc::ResourceQuota quota("bitbudget");
  quota.SetMaxThreads(config.request_threads);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(config.max_message_bytes);
  builder.SetMaxSendMessageSize(-1);
  // Without it a second server starts on the same port, and calls go to either.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kLeastPingIntervalMs);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const Config& config, const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetArguments(builder, config);
  int port = 0;
  builder.AddListeningPort(config.listen, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return MakeError(absl::StatusCode::kUnavailable,
                     fmt::format("cannot listen on {}: is another server running there? Choose "
                                 "another address with --listen, port 0 for any free one",
                                 config.listen),
                     {.reason = "ADDRESS_IN_USE"});
  }
  SetServing(*server, true);
  const std::string host = config.listen.substr(0, config.listen.rfind(':'));
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(server), fmt::format("{}:{}", host, port)));
}

void GrpcServer::StopServing() { SetServing(*server_, false); }

void GrpcServer::Shutdown() {
  server_->Shutdown(absl::ToChronoTime(absl::Now() + kFlushTime));
  server_->Wait();
}

}  // namespace bitbudget::server
