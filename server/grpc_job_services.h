// JobService and CampaignService over gRPC, by the callback API over a pool: of a
// thousand workers many may report at once, and what waits (LeaseJob and the
// watches) holds no thread.

#ifndef BITBUDGET_SERVER_GRPC_JOB_SERVICES_H_
#define BITBUDGET_SERVER_GRPC_JOB_SERVICES_H_

#include "bitbudget/v1/campaign.grpc.pb.h"
#include "bitbudget/v1/job.grpc.pb.h"
#include "server/admission.h"
#include "server/call_gate.h"
#include "server/campaign_service.h"
#include "server/grpc_pooled_call.h"
#include "server/grpc_services.h"
#include "server/job_service.h"
#include "server/worker_pool.h"

namespace bitbudget::server {

class GrpcJobService final : public v1::JobService::CallbackService {
 public:
  // All are borrowed.
  GrpcJobService(JobService& service, CallGate& gate, WorkerPool& pool)
      : service_(service), calls_{gate, pool} {}

  grpc::ServerUnaryReactor* CreateJob(grpc::CallbackServerContext* context,
                                      const v1::CreateJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request,
                                   v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* context,
                                     const v1::RetryJobRequest* request,
                                     v1::Job* response) override;
  grpc::ServerWriteReactor<v1::WatchJobsResponse>* WatchJobs(
      grpc::CallbackServerContext* context, const v1::WatchJobsRequest* request) override;
  grpc::ServerUnaryReactor* LeaseJob(grpc::CallbackServerContext* context,
                                     const v1::LeaseJobRequest* request,
                                     v1::LeaseJobResponse* response) override;
  grpc::ServerUnaryReactor* ReportProgress(grpc::CallbackServerContext* context,
                                           const v1::ReportProgressRequest* request,
                                           v1::ReportProgressResponse* response) override;
  grpc::ServerUnaryReactor* CompleteJob(grpc::CallbackServerContext* context,
                                        const v1::CompleteJobRequest* request,
                                        v1::CompleteJobResponse* response) override;
  grpc::ServerUnaryReactor* FailJob(grpc::CallbackServerContext* context,
                                    const v1::FailJobRequest* request,
                                    v1::FailJobResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseJob(grpc::CallbackServerContext* context,
                                       const v1::ReleaseJobRequest* request,
                                       v1::ReleaseJobResponse* response) override;
  grpc::ServerUnaryReactor* DrainWorker(grpc::CallbackServerContext* context,
                                        const v1::DrainWorkerRequest* request,
                                        v1::DrainWorkerResponse* response) override;

 private:
  JobService& service_;
  const PooledCalls calls_;
  Admission watches_{kMostWatches, "watches of jobs"};
};

class GrpcCampaignService final : public v1::CampaignService::CallbackService {
 public:
  GrpcCampaignService(CampaignService& service, CallGate& gate, WorkerPool& pool)
      : service_(service), calls_{gate, pool} {}

  grpc::ServerUnaryReactor* CreateCampaign(grpc::CallbackServerContext* context,
                                           const v1::CreateCampaignRequest* request,
                                           v1::Campaign* response) override;
  grpc::ServerUnaryReactor* GetCampaign(grpc::CallbackServerContext* context,
                                        const v1::GetCampaignRequest* request,
                                        v1::Campaign* response) override;
  grpc::ServerUnaryReactor* ListCampaigns(grpc::CallbackServerContext* context,
                                          const v1::ListCampaignsRequest* request,
                                          v1::ListCampaignsResponse* response) override;
  grpc::ServerUnaryReactor* CancelCampaign(grpc::CallbackServerContext* context,
                                           const v1::CancelCampaignRequest* request,
                                           v1::Campaign* response) override;
  grpc::ServerUnaryReactor* RetryCampaign(grpc::CallbackServerContext* context,
                                          const v1::RetryCampaignRequest* request,
                                          v1::Campaign* response) override;
  grpc::ServerWriteReactor<v1::WatchCampaignResponse>* WatchCampaign(
      grpc::CallbackServerContext* context, const v1::WatchCampaignRequest* request) override;

 private:
  CampaignService& service_;
  const PooledCalls calls_;
  Admission watches_{kMostWatches, "watches of campaigns"};
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_GRPC_JOB_SERVICES_H_
