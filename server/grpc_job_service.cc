#include <atomic>
#include <memory>
#include <utility>

#include "server/grpc_call.h"
#include "server/grpc_job_services.h"
#include "server/grpc_watch.h"

namespace bitbudget::server {
namespace {

// A worker that waits for a job; gone once the reply has been sent.
class PendingLease final : public grpc::ServerUnaryReactor {
 public:
  explicit PendingLease(GrpcCall call) : call_(std::move(call)) {}

  CallContext MakeContext() const {
    return call_.MakeContext([flag = is_cancelled_] { return flag->load(); });
  }
  const GrpcCall& call() const { return call_; }

  // Call once, from any thread; `this` may be gone afterwards.
  void Answer(absl::StatusOr<v1::LeaseJobResponse> result, v1::LeaseJobResponse* response) {
    const absl::Status status = result.status();
    if (status.ok()) *response = *std::move(result);
    Finish(call_.End(status));
  }

 private:
  void OnCancel() override { is_cancelled_->store(true); }
  void OnDone() override { delete this; }

  GrpcCall call_;
  // Shared with the desk, which may look at it after the call has ended.
  std::shared_ptr<std::atomic<bool>> is_cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

grpc::Status GrpcJobService::CreateJob(grpc::ServerContext* context,
                                       const v1::CreateJobRequest* request,
                                       v1::Job* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/CreateJob",
                    CallKind::kWrite,
                    service_,
                    &JobService::CreateJob,
                    *request,
                    response);
}

grpc::Status GrpcJobService::GetJob(grpc::ServerContext* context,
                                    const v1::GetJobRequest* request,
                                    v1::Job* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/GetJob",
                    CallKind::kRead,
                    service_,
                    &JobService::GetJob,
                    *request,
                    response);
}

grpc::Status GrpcJobService::ListJobs(grpc::ServerContext* context,
                                      const v1::ListJobsRequest* request,
                                      v1::ListJobsResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/ListJobs",
                    CallKind::kRead,
                    service_,
                    &JobService::ListJobs,
                    *request,
                    response);
}

grpc::Status GrpcJobService::CancelJob(grpc::ServerContext* context,
                                       const v1::CancelJobRequest* request,
                                       v1::Job* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/CancelJob",
                    CallKind::kWrite,
                    service_,
                    &JobService::CancelJob,
                    *request,
                    response);
}

grpc::Status GrpcJobService::RetryJob(grpc::ServerContext* context,
                                      const v1::RetryJobRequest* request,
                                      v1::Job* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/RetryJob",
                    CallKind::kWrite,
                    service_,
                    &JobService::RetryJob,
                    *request,
                    response);
}

grpc::ServerWriteReactor<v1::WatchJobsResponse>* GrpcJobService::WatchJobs(
    grpc::CallbackServerContext* context, const v1::WatchJobsRequest* request) {
  return WatchReactor<v1::WatchJobsResponse>::Start(
      GrpcCall(gate_, *context, "JobService/WatchJobs", CallKind::kRead),
      watches_,
      pool_,
      [this, request](std::function<void()> wake) {
        return service_.WatchJobs(*request, std::move(wake));
      });
}

grpc::ServerUnaryReactor* GrpcJobService::LeaseJob(grpc::CallbackServerContext* context,
                                                   const v1::LeaseJobRequest* request,
                                                   v1::LeaseJobResponse* response) {
  auto* pending = new PendingLease(
      GrpcCall(gate_, *context, "JobService/LeaseJob", CallKind::kRead));  // deletes itself
  // What is thrown is thrown before the desk has the call.
  const absl::Status begun = pending->call().Guard([&] {
    service_.LeaseJob(pending->MakeContext(),
                      *request,
                      [pending, response](absl::StatusOr<v1::LeaseJobResponse> result) {
                        pending->Answer(std::move(result), response);
                      });
    return absl::OkStatus();
  });
  if (!begun.ok()) pending->Answer(begun, response);
  return pending;
}

grpc::Status GrpcJobService::ReportProgress(grpc::ServerContext* context,
                                            const v1::ReportProgressRequest* request,
                                            v1::ReportProgressResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/ReportProgress",
                    CallKind::kRead,
                    service_,
                    &JobService::ReportProgress,
                    *request,
                    response);
}

grpc::Status GrpcJobService::CompleteJob(grpc::ServerContext* context,
                                         const v1::CompleteJobRequest* request,
                                         v1::CompleteJobResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/CompleteJob",
                    CallKind::kWrite,
                    service_,
                    &JobService::CompleteJob,
                    *request,
                    response);
}

grpc::Status GrpcJobService::FailJob(grpc::ServerContext* context,
                                     const v1::FailJobRequest* request,
                                     v1::FailJobResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/FailJob",
                    CallKind::kWrite,
                    service_,
                    &JobService::FailJob,
                    *request,
                    response);
}

grpc::Status GrpcJobService::ReleaseJob(grpc::ServerContext* context,
                                        const v1::ReleaseJobRequest* request,
                                        v1::ReleaseJobResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/ReleaseJob",
                    CallKind::kWrite,
                    service_,
                    &JobService::ReleaseJob,
                    *request,
                    response);
}

grpc::Status GrpcJobService::DrainWorker(grpc::ServerContext* context,
                                         const v1::DrainWorkerRequest* request,
                                         v1::DrainWorkerResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "JobService/DrainWorker",
                    CallKind::kWrite,
                    service_,
                    &JobService::DrainWorker,
                    *request,
                    response);
}

}  // namespace bitbudget::server
