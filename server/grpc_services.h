// The services of studies, runs, fits, laws and questions over gRPC: thin adapters on the plain
// functions.
//
// StudyService, ExperimentService, FitService and LawService are synchronous: simplest, and
// as fast as any here. PlannerService uses the callback API, because a question
// may wait for a refit and must not hold one of the bounded request threads
// meanwhile.

#ifndef BITBUDGET_SERVER_GRPC_SERVICES_H_
#define BITBUDGET_SERVER_GRPC_SERVICES_H_

#include "bitbudget/v1/experiment.grpc.pb.h"
#include "bitbudget/v1/fit.grpc.pb.h"
#include "bitbudget/v1/law.grpc.pb.h"
#include "bitbudget/v1/planner.grpc.pb.h"
#include "bitbudget/v1/study.grpc.pb.h"
#include "server/admission.h"
#include "server/call_gate.h"
#include "server/experiment_service.h"
#include "server/fit_service.h"
#include "server/law_service.h"
#include "server/planner_service.h"
#include "server/study_service.h"
#include "server/worker_pool.h"

namespace bitbudget::server {

// Streams of a kind that may be open at a time: each holds what it has told.
inline constexpr int kMostWatches = 128;

class GrpcStudyService final : public v1::StudyService::Service {
 public:
  // Both are borrowed, as in all of these.
  GrpcStudyService(StudyService& service, CallGate& gate) : service_(service), gate_(gate) {}

  grpc::Status CreateStudy(grpc::ServerContext* context,
                           const v1::CreateStudyRequest* request,
                           v1::Study* response) override;
  grpc::Status GetStudy(grpc::ServerContext* context,
                        const v1::GetStudyRequest* request,
                        v1::Study* response) override;
  grpc::Status ListStudies(grpc::ServerContext* context,
                           const v1::ListStudiesRequest* request,
                           v1::ListStudiesResponse* response) override;
  grpc::Status UpdateStudy(grpc::ServerContext* context,
                           const v1::UpdateStudyRequest* request,
                           v1::Study* response) override;
  grpc::Status DeleteStudy(grpc::ServerContext* context,
                           const v1::DeleteStudyRequest* request,
                           v1::DeleteStudyResponse* response) override;
  grpc::Status Backup(grpc::ServerContext* context,
                      const v1::BackupRequest* request,
                      v1::BackupResponse* response) override;

 private:
  StudyService& service_;
  CallGate& gate_;
};

class GrpcExperimentService final : public v1::ExperimentService::Service {
 public:
  GrpcExperimentService(ExperimentService& service, CallGate& gate)
      : service_(service), gate_(gate) {}

  grpc::Status CreateExperiment(grpc::ServerContext* context,
                                const v1::CreateExperimentRequest* request,
                                v1::CreateExperimentResponse* response) override;
  grpc::Status BatchCreateExperiments(grpc::ServerContext* context,
                                      const v1::BatchCreateExperimentsRequest* request,
                                      v1::BatchCreateExperimentsResponse* response) override;
  grpc::Status ImportExperiments(grpc::ServerContext* context,
                                 grpc::ServerReader<v1::ImportExperimentsRequest>* reader,
                                 v1::ImportExperimentsResponse* response) override;
  grpc::Status ExportExperiments(
      grpc::ServerContext* context,
      const v1::ExportExperimentsRequest* request,
      grpc::ServerWriter<v1::ExportExperimentsResponse>* writer) override;
  grpc::Status GetExperiment(grpc::ServerContext* context,
                             const v1::GetExperimentRequest* request,
                             v1::Experiment* response) override;
  grpc::Status ListExperiments(grpc::ServerContext* context,
                               const v1::ListExperimentsRequest* request,
                               v1::ListExperimentsResponse* response) override;
  grpc::Status ExcludeExperiments(grpc::ServerContext* context,
                                  const v1::ExcludeExperimentsRequest* request,
                                  v1::ExcludeExperimentsResponse* response) override;
  grpc::Status IncludeExperiments(grpc::ServerContext* context,
                                  const v1::IncludeExperimentsRequest* request,
                                  v1::IncludeExperimentsResponse* response) override;

 private:
  ExperimentService& service_;
  CallGate& gate_;
  // A stream holds a request thread, and memory for its rows, as long as its
  // peer takes.
  Admission imports_{4, "imports"};
  Admission exports_{4, "exports"};
};

// A stream waits for long, and holds no request thread meanwhile.
class GrpcFitService final
    : public v1::FitService::WithCallbackMethod_WatchFits<v1::FitService::Service> {
 public:
  GrpcFitService(FitService& service, CallGate& gate, WorkerPool& pool)
      : service_(service), gate_(gate), pool_(pool) {}

  grpc::Status RunFit(grpc::ServerContext* context,
                      const v1::RunFitRequest* request,
                      v1::Fit* response) override;
  grpc::Status GetFit(grpc::ServerContext* context,
                      const v1::GetFitRequest* request,
                      v1::Fit* response) override;
  grpc::Status ListFits(grpc::ServerContext* context,
                        const v1::ListFitsRequest* request,
                        v1::ListFitsResponse* response) override;
  grpc::Status ReplayFit(grpc::ServerContext* context,
                         const v1::ReplayFitRequest* request,
                         v1::ReplayFitResponse* response) override;
  grpc::Status CompareLaws(grpc::ServerContext* context,
                           const v1::CompareLawsRequest* request,
                           v1::LawComparison* response) override;
  grpc::Status GetLawComparison(grpc::ServerContext* context,
                                const v1::GetLawComparisonRequest* request,
                                v1::LawComparison* response) override;
  grpc::Status ListLawComparisons(grpc::ServerContext* context,
                                  const v1::ListLawComparisonsRequest* request,
                                  v1::ListLawComparisonsResponse* response) override;
  grpc::Status ExplainFit(grpc::ServerContext* context,
                          const v1::ExplainFitRequest* request,
                          v1::ExplainFitResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchFitsResponse>* WatchFits(
      grpc::CallbackServerContext* context, const v1::WatchFitsRequest* request) override;

 private:
  FitService& service_;
  CallGate& gate_;
  WorkerPool& pool_;
  Admission watches_{kMostWatches, "watches of fits"};
};

class GrpcLawService final : public v1::LawService::Service {
 public:
  GrpcLawService(LawService& service, CallGate& gate) : service_(service), gate_(gate) {}

  grpc::Status ListLaws(grpc::ServerContext* context,
                        const v1::ListLawsRequest* request,
                        v1::ListLawsResponse* response) override;
  grpc::Status GetLaw(grpc::ServerContext* context,
                      const v1::GetLawRequest* request,
                      v1::Law* response) override;

 private:
  LawService& service_;
  CallGate& gate_;
};

class GrpcPlannerService final : public v1::PlannerService::CallbackService {
 public:
  GrpcPlannerService(PlannerService& service, CallGate& gate) : service_(service), gate_(gate) {}

  grpc::ServerUnaryReactor* PredictLoss(grpc::CallbackServerContext* context,
                                        const v1::PredictLossRequest* request,
                                        v1::PredictLossResponse* response) override;
  grpc::ServerUnaryReactor* OptimizeQatFraction(grpc::CallbackServerContext* context,
                                                const v1::OptimizeQatFractionRequest* request,
                                                v1::OptimizeQatFractionResponse* response) override;
  grpc::ServerUnaryReactor* EvaluateGrid(grpc::CallbackServerContext* context,
                                         const v1::EvaluateGridRequest* request,
                                         v1::EvaluateGridResponse* response) override;
  grpc::ServerUnaryReactor* OptimizeBitWidth(grpc::CallbackServerContext* context,
                                             const v1::OptimizeBitWidthRequest* request,
                                             v1::OptimizeBitWidthResponse* response) override;
  grpc::ServerUnaryReactor* CompareToFullPrecision(
      grpc::CallbackServerContext* context,
      const v1::CompareToFullPrecisionRequest* request,
      v1::CompareToFullPrecisionResponse* response) override;
  grpc::ServerUnaryReactor* EstimateWaste(grpc::CallbackServerContext* context,
                                          const v1::EstimateWasteRequest* request,
                                          v1::EstimateWasteResponse* response) override;
  grpc::ServerUnaryReactor* PlanTraining(grpc::CallbackServerContext* context,
                                         const v1::PlanTrainingRequest* request,
                                         v1::PlanTrainingResponse* response) override;
  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* context,
                                        const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) override;

 private:
  PlannerService& service_;
  CallGate& gate_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_GRPC_SERVICES_H_
