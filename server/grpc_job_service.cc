#include <utility>

#include "server/grpc_call.h"
#include "server/grpc_job_services.h"
#include "server/grpc_pooled_call.h"
#include "server/grpc_watch.h"

namespace bitbudget::server {

grpc::ServerUnaryReactor* GrpcJobService::CreateJob(grpc::CallbackServerContext* context,
                                                    const v1::CreateJobRequest* request,
                                                    v1::Job* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/CreateJob",
                     CallKind::kWrite,
                     service_,
                     &JobService::CreateJob,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::GetJob(grpc::CallbackServerContext* context,
                                                 const v1::GetJobRequest* request,
                                                 v1::Job* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/GetJob",
                     CallKind::kRead,
                     service_,
                     &JobService::GetJob,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::ListJobs(grpc::CallbackServerContext* context,
                                                   const v1::ListJobsRequest* request,
                                                   v1::ListJobsResponse* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/ListJobs",
                     CallKind::kRead,
                     service_,
                     &JobService::ListJobs,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::CancelJob(grpc::CallbackServerContext* context,
                                                    const v1::CancelJobRequest* request,
                                                    v1::Job* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/CancelJob",
                     CallKind::kWrite,
                     service_,
                     &JobService::CancelJob,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::RetryJob(grpc::CallbackServerContext* context,
                                                   const v1::RetryJobRequest* request,
                                                   v1::Job* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/RetryJob",
                     CallKind::kWrite,
                     service_,
                     &JobService::RetryJob,
                     request,
                     response);
}

grpc::ServerWriteReactor<v1::WatchJobsResponse>* GrpcJobService::WatchJobs(
    grpc::CallbackServerContext* context, const v1::WatchJobsRequest* request) {
  return WatchReactor<v1::WatchJobsResponse>::Start(
      GrpcCall(calls_.gate, *context, "JobService/WatchJobs", CallKind::kRead),
      watches_,
      calls_.pool,
      [this, request](std::function<void()> wake) {
        return service_.WatchJobs(*request, std::move(wake));
      });
}

grpc::ServerUnaryReactor* GrpcJobService::LeaseJob(grpc::CallbackServerContext* context,
                                                   const v1::LeaseJobRequest* request,
                                                   v1::LeaseJobResponse* response) {
  auto* pending = new PooledCall(
      GrpcCall(calls_.gate, *context, "JobService/LeaseJob", CallKind::kRead));  // deletes itself
  // What is thrown is thrown before the desk has the call.
  const absl::Status begun = pending->call().Guard([&] {
    service_.LeaseJob(pending->MakeContext(),
                      *request,
                      [pending, response](absl::StatusOr<v1::LeaseJobResponse> result) {
                        pending->Answer(std::move(result), response);
                      });
    return absl::OkStatus();
  });
  if (!begun.ok()) pending->Answer<v1::LeaseJobResponse>(begun, response);
  return pending;
}

grpc::ServerUnaryReactor* GrpcJobService::ReportProgress(grpc::CallbackServerContext* context,
                                                         const v1::ReportProgressRequest* request,
                                                         v1::ReportProgressResponse* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/ReportProgress",
                     CallKind::kRead,
                     service_,
                     &JobService::ReportProgress,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::CompleteJob(grpc::CallbackServerContext* context,
                                                      const v1::CompleteJobRequest* request,
                                                      v1::CompleteJobResponse* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/CompleteJob",
                     CallKind::kWrite,
                     service_,
                     &JobService::CompleteJob,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::FailJob(grpc::CallbackServerContext* context,
                                                  const v1::FailJobRequest* request,
                                                  v1::FailJobResponse* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/FailJob",
                     CallKind::kWrite,
                     service_,
                     &JobService::FailJob,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::ReleaseJob(grpc::CallbackServerContext* context,
                                                     const v1::ReleaseJobRequest* request,
                                                     v1::ReleaseJobResponse* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/ReleaseJob",
                     CallKind::kWrite,
                     service_,
                     &JobService::ReleaseJob,
                     request,
                     response);
}

grpc::ServerUnaryReactor* GrpcJobService::DrainWorker(grpc::CallbackServerContext* context,
                                                      const v1::DrainWorkerRequest* request,
                                                      v1::DrainWorkerResponse* response) {
  return ServeOnPool(calls_,
                     context,
                     "JobService/DrainWorker",
                     CallKind::kWrite,
                     service_,
                     &JobService::DrainWorker,
                     request,
                     response);
}

}  // namespace bitbudget::server
