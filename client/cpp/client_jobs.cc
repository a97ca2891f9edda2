// Jobs and campaigns: the calls of those who order trainings and of those who
// carry them out.

#include <functional>
#include <memory>
#include <optional>

#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "client/cpp/connection.h"
#include "client/cpp/request_id.h"
#include "client/cpp/retry.h"

namespace bitbudget::client {
namespace {

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// Reads a stream that begins with the present state, and so may begin anew
// whenever the connection breaks.
template <typename Service, typename Request, typename Response>
absl::Status Watch(Connection& connection,
                   Service& service,
                   std::unique_ptr<grpc::ClientReader<Response>> (Service::*method)(
                       grpc::ClientContext*, const Request&),
                   const Request& request,
                   const std::function<bool(const Response&)>& on_message) {
  const absl::Duration timeout = connection.options().long_timeout;
  const absl::Time deadline = absl::Now() + timeout;
  std::optional<Retry> retry;
  while (true) {
    grpc::ClientContext context;
    Connection::SetDeadline(context, deadline - absl::Now());
    const auto stream = (service.*method)(&context, request);
    bool goes_on = true;
    for (Response message; goes_on && stream->Read(&message);) {
      retry.reset();
      goes_on = on_message(message);
    }
    if (!goes_on) context.TryCancel();
    const grpc::Status status = stream->Finish();
    if (!goes_on || status.ok()) return absl::OkStatus();
    if (!retry) retry.emplace(connection.channel(), deadline - absl::Now(), Repeatable::kYes);
    if (!retry->WaitAfter(connection.Error(status, timeout))) return retry->error();
  }
}

}  // namespace

absl::StatusOr<v1::Job> Client::CreateJob(v1::CreateJobRequest request) {
  EnsureRequestId(request);
  return connection_->Call(
      connection_->jobs, &v1::JobService::Stub::CreateJob, request, connection_->options().timeout);
}

absl::StatusOr<v1::Job> Client::GetJob(const v1::GetJobRequest& request) {
  return connection_->Call(
      connection_->jobs, &v1::JobService::Stub::GetJob, request, connection_->options().timeout);
}

absl::StatusOr<v1::ListJobsResponse> Client::ListJobs(const v1::ListJobsRequest& request) {
  return connection_->Call(
      connection_->jobs, &v1::JobService::Stub::ListJobs, request, connection_->options().timeout);
}

absl::StatusOr<v1::Job> Client::CancelJob(const v1::CancelJobRequest& request) {
  return connection_->Call(
      connection_->jobs, &v1::JobService::Stub::CancelJob, request, connection_->options().timeout);
}

absl::StatusOr<v1::Job> Client::RetryJob(v1::RetryJobRequest request) {
  EnsureRequestId(request);
  return connection_->Call(
      connection_->jobs, &v1::JobService::Stub::RetryJob, request, connection_->options().timeout);
}

absl::Status Client::WatchJobs(
    const v1::WatchJobsRequest& request,
    const std::function<bool(const v1::WatchJobsResponse&)>& on_message) {
  return Watch(
      *connection_, connection_->jobs, &v1::JobService::Stub::WatchJobs, request, on_message);
}

absl::StatusOr<v1::DrainWorkerResponse> Client::DrainWorker(const v1::DrainWorkerRequest& request) {
  return connection_->Call(connection_->jobs,
                           &v1::JobService::Stub::DrainWorker,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::LeaseJobResponse> Client::LeaseJob(v1::LeaseJobRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->jobs,
                           &v1::JobService::Stub::LeaseJob,
                           request,
                           connection_->options().timeout + FromProto(request.wait()));
}

absl::StatusOr<v1::ReportProgressResponse> Client::ReportProgress(
    const v1::ReportProgressRequest& request) {
  return connection_->Call(connection_->jobs,
                           &v1::JobService::Stub::ReportProgress,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::CompleteJobResponse> Client::CompleteJob(const v1::CompleteJobRequest& request) {
  return connection_->Call(connection_->jobs,
                           &v1::JobService::Stub::CompleteJob,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::FailJobResponse> Client::FailJob(const v1::FailJobRequest& request) {
  return connection_->Call(
      connection_->jobs, &v1::JobService::Stub::FailJob, request, connection_->options().timeout);
}

absl::StatusOr<v1::ReleaseJobResponse> Client::ReleaseJob(const v1::ReleaseJobRequest& request) {
  return connection_->Call(connection_->jobs,
                           &v1::JobService::Stub::ReleaseJob,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::Campaign> Client::CreateCampaign(v1::CreateCampaignRequest request) {
  EnsureRequestId(request);
  // Twenty thousand jobs take more than a moment to store.
  return connection_->Call(connection_->campaigns,
                           &v1::CampaignService::Stub::CreateCampaign,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::Campaign> Client::GetCampaign(const v1::GetCampaignRequest& request) {
  return connection_->Call(connection_->campaigns,
                           &v1::CampaignService::Stub::GetCampaign,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::ListCampaignsResponse> Client::ListCampaigns(
    const v1::ListCampaignsRequest& request) {
  return connection_->Call(connection_->campaigns,
                           &v1::CampaignService::Stub::ListCampaigns,
                           request,
                           connection_->options().timeout);
}

absl::StatusOr<v1::Campaign> Client::CancelCampaign(const v1::CancelCampaignRequest& request) {
  return connection_->Call(connection_->campaigns,
                           &v1::CampaignService::Stub::CancelCampaign,
                           request,
                           connection_->options().long_timeout);
}

absl::StatusOr<v1::Campaign> Client::RetryCampaign(v1::RetryCampaignRequest request) {
  EnsureRequestId(request);
  return connection_->Call(connection_->campaigns,
                           &v1::CampaignService::Stub::RetryCampaign,
                           request,
                           connection_->options().long_timeout);
}

absl::Status Client::WatchCampaign(
    const v1::WatchCampaignRequest& request,
    const std::function<bool(const v1::WatchCampaignResponse&)>& on_message) {
  return Watch(*connection_,
               connection_->campaigns,
               &v1::CampaignService::Stub::WatchCampaign,
               request,
               on_message);
}

}  // namespace bitbudget::client
