// JobService and CampaignService over gRPC. Calls that wait (LeaseJob and the
// watches) use the callback API and hold no request thread; the others are
// synchronous, as in grpc_services.h.

#ifndef BITBUDGET_SERVER_GRPC_JOB_SERVICES_H_
#define BITBUDGET_SERVER_GRPC_JOB_SERVICES_H_

#include "bitbudget/v1/campaign.grpc.pb.h"
#include "bitbudget/v1/job.grpc.pb.h"
#include "server/admission.h"
#include "server/call_gate.h"
#include "server/campaign_service.h"
#include "server/job_service.h"
#include "server/worker_pool.h"

namespace bitbudget::server {

// Streams of either kind that may be open at a time: each holds the names of the
// jobs that it has told of.
inline constexpr int kMostWatches = 128;

class GrpcJobService final
    : public v1::JobService::WithCallbackMethod_WatchJobs<
          v1::JobService::WithCallbackMethod_LeaseJob<v1::JobService::Service>> {
 public:
  // All are borrowed.
  GrpcJobService(JobService& service, CallGate& gate, WorkerPool& pool)
      : service_(service), gate_(gate), pool_(pool) {}

  grpc::Status CreateJob(grpc::ServerContext* context,
                         const v1::CreateJobRequest* request,
                         v1::Job* response) override;
  grpc::Status GetJob(grpc::ServerContext* context,
                      const v1::GetJobRequest* request,
                      v1::Job* response) override;
  grpc::Status ListJobs(grpc::ServerContext* context,
                        const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override;
  grpc::Status CancelJob(grpc::ServerContext* context,
                         const v1::CancelJobRequest* request,
                         v1::Job* response) override;
  grpc::Status RetryJob(grpc::ServerContext* context,
                        const v1::RetryJobRequest* request,
                        v1::Job* response) override;
  grpc::ServerWriteReactor<v1::WatchJobsResponse>* WatchJobs(
      grpc::CallbackServerContext* context, const v1::WatchJobsRequest* request) override;
  grpc::ServerUnaryReactor* LeaseJob(grpc::CallbackServerContext* context,
                                     const v1::LeaseJobRequest* request,
                                     v1::LeaseJobResponse* response) override;
  grpc::Status ReportProgress(grpc::ServerContext* context,
                              const v1::ReportProgressRequest* request,
                              v1::ReportProgressResponse* response) override;
  grpc::Status CompleteJob(grpc::ServerContext* context,
                           const v1::CompleteJobRequest* request,
                           v1::CompleteJobResponse* response) override;
  grpc::Status FailJob(grpc::ServerContext* context,
                       const v1::FailJobRequest* request,
                       v1::FailJobResponse* response) override;
  grpc::Status ReleaseJob(grpc::ServerContext* context,
                          const v1::ReleaseJobRequest* request,
                          v1::ReleaseJobResponse* response) override;
  grpc::Status DrainWorker(grpc::ServerContext* context,
                           const v1::DrainWorkerRequest* request,
                           v1::DrainWorkerResponse* response) override;

 private:
  JobService& service_;
  CallGate& gate_;
  WorkerPool& pool_;
  Admission watches_{kMostWatches, "watches of jobs"};
};

class GrpcCampaignService final
    : public v1::CampaignService::WithCallbackMethod_WatchCampaign<v1::CampaignService::Service> {
 public:
  GrpcCampaignService(CampaignService& service, CallGate& gate, WorkerPool& pool)
      : service_(service), gate_(gate), pool_(pool) {}

  grpc::Status CreateCampaign(grpc::ServerContext* context,
                              const v1::CreateCampaignRequest* request,
                              v1::Campaign* response) override;
  grpc::Status GetCampaign(grpc::ServerContext* context,
                           const v1::GetCampaignRequest* request,
                           v1::Campaign* response) override;
  grpc::Status ListCampaigns(grpc::ServerContext* context,
                             const v1::ListCampaignsRequest* request,
                             v1::ListCampaignsResponse* response) override;
  grpc::Status CancelCampaign(grpc::ServerContext* context,
                              const v1::CancelCampaignRequest* request,
                              v1::Campaign* response) override;
  grpc::ServerWriteReactor<v1::WatchCampaignResponse>* WatchCampaign(
      grpc::CallbackServerContext* context, const v1::WatchCampaignRequest* request) override;

 private:
  CampaignService& service_;
  CallGate& gate_;
  WorkerPool& pool_;
  Admission watches_{kMostWatches, "watches of campaigns"};
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_GRPC_JOB_SERVICES_H_
