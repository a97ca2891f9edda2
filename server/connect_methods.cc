#include "server/connect_methods.h"

#include <future>
#include <optional>
#include <utility>

#include "server/convert_memory.h"
#include "server/http_limits.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kPackagePath = "/bitbudget.v1.";
constexpr int kMostExports = 4;

template <typename Response>
absl::StatusOr<MessagePointer> Erased(absl::StatusOr<Response> response) {
  RETURN_IF_ERROR(response.status());
  return std::make_unique<Response>(*std::move(response));
}

// A method that is a plain function of `service`.
template <typename Service, typename Request, typename Response>
ConnectMethod Unary(std::string_view name,
                    CallKind kind,
                    Service& service,
                    absl::StatusOr<Response> (Service::*function)(const CallContext&,
                                                                  const Request&)) {
  return {.name = name,
          .kind = kind,
          .request = &Request::default_instance(),
          .serve = ServeUnaryCall(
              [&service, function](const CallContext& call, const pb::Message& request) {
                return Erased((service.*function)(call, static_cast<const Request&>(request)));
              })};
}

// Waits for what `start` hands to the function that it is given, once, in the end.
template <typename Response>
absl::StatusOr<Response> WaitFor(
    const std::function<void(std::function<void(absl::StatusOr<Response>)>)>& start) {
  // Shared: who keeps the promise may still hold it when this returns.
  auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
  auto future = promise->get_future();
  start([promise](absl::StatusOr<Response> result) { promise->set_value(std::move(result)); });
  return future.get();
}

// A question to the planner; one that cannot be answered on the spot waits.
template <typename Request>
ConnectMethod Question(std::string_view name, PlannerService& service, Admission& waits) {
  using Response = AnswerTo<Request>;
  const auto answer = [&service, &waits](const CallContext& call,
                                         const Request& request) -> absl::StatusOr<Response> {
    if (auto result = service.TryAnswer(call, request)) return *std::move(result);
    ASSIGN_OR_RETURN(const Admission::Ticket ticket, waits.Enter());
    return WaitFor<Response>([&](auto done) { service.Ask(call, request, std::move(done)); });
  };
  return {.name = name,
          .kind = CallKind::kRead,
          .request = &Request::default_instance(),
          .serve = ServeUnaryCall([answer](const CallContext& call, const pb::Message& request) {
            return Erased(answer(call, static_cast<const Request&>(request)));
          })};
}

// A watch that holds its place among those that wait.
template <typename Response>
class WatchedMessages final : public MessageSource {
 public:
  WatchedMessages(Admission::Ticket ticket, std::unique_ptr<WatchSource<Response>> source)
      : ticket_(std::move(ticket)), source_(std::move(source)) {}

  absl::StatusOr<std::optional<MessagePointer>> Next() override {
    ASSIGN_OR_RETURN(std::optional<Response> message, source_->Next());
    if (!message) return std::nullopt;
    return std::make_unique<Response>(*std::move(message));
  }
  bool has_ended() const override { return source_->has_ended(); }

 private:
  const Admission::Ticket ticket_;
  const std::unique_ptr<WatchSource<Response>> source_;
};

template <typename Service, typename Request, typename Response>
ConnectMethod Watch(std::string_view name,
                    Service& service,
                    absl::StatusOr<std::unique_ptr<WatchSource<Response>>> (Service::*function)(
                        const Request&, std::function<void()>),
                    Admission& waits) {
  const auto open = [&service, function, &waits](
                        const CallContext&, const pb::Message& request, std::function<void()> wake)
      -> absl::StatusOr<std::unique_ptr<MessageSource>> {
    ASSIGN_OR_RETURN(Admission::Ticket ticket, waits.Enter());
    ASSIGN_OR_RETURN(auto source,
                     (service.*function)(static_cast<const Request&>(request), std::move(wake)));
    return std::make_unique<WatchedMessages<Response>>(std::move(ticket), std::move(source));
  };
  return {.name = name,
          .kind = CallKind::kRead,
          .request = &Request::default_instance(),
          .serve = OpenStream(open)};
}

// The messages of an export, all of them at hand.
class ExportedMessages final : public MessageSource {
 public:
  ExportedMessages(Admission::Ticket ticket, std::vector<v1::ExportExperimentsResponse> messages)
      : ticket_(std::move(ticket)), messages_(std::move(messages)) {}

  absl::StatusOr<std::optional<MessagePointer>> Next() override {
    if (has_ended()) return std::nullopt;
    return std::make_unique<v1::ExportExperimentsResponse>(std::move(messages_[sent_++]));
  }
  bool has_ended() const override { return sent_ == messages_.size(); }

 private:
  const Admission::Ticket ticket_;
  std::vector<v1::ExportExperimentsResponse> messages_;
  size_t sent_ = 0;
};

ConnectMethod Export(std::string_view name, ExperimentService& service, Admission& exports) {
  const auto open = [&service, &exports](
                        const CallContext& call,
                        const pb::Message& request,
                        const auto&) -> absl::StatusOr<std::unique_ptr<MessageSource>> {
    ASSIGN_OR_RETURN(Admission::Ticket ticket, exports.Enter());
    ASSIGN_OR_RETURN(
        auto messages,
        service.ExportExperiments(call, static_cast<const v1::ExportExperimentsRequest&>(request)));
    return std::make_unique<ExportedMessages>(std::move(ticket), std::move(messages));
  };
  return {.name = name,
          .kind = CallKind::kRead,
          .request = &v1::ExportExperimentsRequest::default_instance(),
          .serve = OpenStream(open)};
}

ConnectMethod Lease(std::string_view name, JobService& service, Admission& waits) {
  const auto lease = [&service, &waits](
                         const CallContext& call,
                         const pb::Message& request) -> absl::StatusOr<MessagePointer> {
    ASSIGN_OR_RETURN(const Admission::Ticket ticket, waits.Enter());
    return Erased(WaitFor<v1::LeaseJobResponse>([&](auto done) {
      service.LeaseJob(call, static_cast<const v1::LeaseJobRequest&>(request), std::move(done));
    }));
  };
  return {.name = name,
          .kind = CallKind::kRead,
          .request = &v1::LeaseJobRequest::default_instance(),
          .serve = ServeUnaryCall(lease)};
}

ConnectMethod Devices(std::string_view name) {
  return {.name = name,
          .kind = CallKind::kRead,
          .request = &v1::ListDevicesRequest::default_instance(),
          .serve = ServeUnaryCall([](const CallContext&, const pb::Message&) {
            return Erased(absl::StatusOr<v1::ListDevicesResponse>(AllDevices()));
          })};
}

}  // namespace

ConnectMethods::ConnectMethods(const Services& services)
    : waits_(kMostHttpWaits, "streams and waiting calls over HTTP"),
      exports_(kMostExports, "exports over HTTP") {
  AddStudyMethods(services.studies);
  AddExperimentMethods(services.experiments);
  AddFitMethods(services.fits);
  AddLawMethods(services.laws);
  AddPlannerMethods(services.planner);
  AddJobMethods(services.jobs);
  AddCampaignMethods(services.campaigns);
}

const ConnectMethod* ConnectMethods::Find(const std::string& path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : &found->second;
}

void ConnectMethods::Add(ConnectMethod method) {
  std::string path = std::string(kPackagePath) + std::string(method.name);
  methods_.emplace(std::move(path), std::move(method));
}

void ConnectMethods::AddStudyMethods(StudyService& service) {
  using S = StudyService;
  Add(Unary("StudyService/CreateStudy", CallKind::kWrite, service, &S::CreateStudy));
  Add(Unary("StudyService/GetStudy", CallKind::kRead, service, &S::GetStudy));
  Add(Unary("StudyService/ListStudies", CallKind::kRead, service, &S::ListStudies));
  Add(Unary("StudyService/UpdateStudy", CallKind::kWrite, service, &S::UpdateStudy));
  Add(Unary("StudyService/DeleteStudy", CallKind::kWrite, service, &S::DeleteStudy));
  Add(Unary("StudyService/Backup", CallKind::kWrite, service, &S::Backup));
}

void ConnectMethods::AddExperimentMethods(ExperimentService& service) {
  using S = ExperimentService;
  Add(Unary("ExperimentService/CreateExperiment", CallKind::kWrite, service, &S::CreateExperiment));
  Add(Unary("ExperimentService/BatchCreateExperiments",
            CallKind::kWrite,
            service,
            &S::BatchCreateExperiments));
  Add(Export("ExperimentService/ExportExperiments", service, exports_));
  Add(Unary("ExperimentService/GetExperiment", CallKind::kRead, service, &S::GetExperiment));
  Add(Unary("ExperimentService/ListExperiments", CallKind::kRead, service, &S::ListExperiments));
  Add(Unary(
      "ExperimentService/ExcludeExperiments", CallKind::kWrite, service, &S::ExcludeExperiments));
  Add(Unary(
      "ExperimentService/IncludeExperiments", CallKind::kWrite, service, &S::IncludeExperiments));
}

void ConnectMethods::AddFitMethods(FitService& service) {
  using S = FitService;
  Add(Unary("FitService/RunFit", CallKind::kWrite, service, &S::RunFit));
  Add(Unary("FitService/GetFit", CallKind::kRead, service, &S::GetFit));
  Add(Unary("FitService/ListFits", CallKind::kRead, service, &S::ListFits));
  Add(Unary("FitService/ReplayFit", CallKind::kRead, service, &S::ReplayFit));
  Add(Unary("FitService/CompareLaws", CallKind::kWrite, service, &S::CompareLaws));
  Add(Unary("FitService/GetLawComparison", CallKind::kRead, service, &S::GetLawComparison));
  Add(Unary("FitService/ListLawComparisons", CallKind::kRead, service, &S::ListLawComparisons));
  Add(Unary("FitService/ExplainFit", CallKind::kRead, service, &S::ExplainFit));
  Add(Watch("FitService/WatchFits", service, &S::WatchFits, waits_));
}

void ConnectMethods::AddLawMethods(LawService& service) {
  Add(Unary("LawService/ListLaws", CallKind::kRead, service, &LawService::ListLaws));
  Add(Unary("LawService/GetLaw", CallKind::kRead, service, &LawService::GetLaw));
}

void ConnectMethods::AddPlannerMethods(PlannerService& service) {
  Add(Question<v1::PredictLossRequest>("PlannerService/PredictLoss", service, waits_));
  Add(Question<v1::OptimizeQatFractionRequest>(
      "PlannerService/OptimizeQatFraction", service, waits_));
  Add(Question<v1::EvaluateGridRequest>("PlannerService/EvaluateGrid", service, waits_));
  Add(Question<v1::OptimizeBitWidthRequest>("PlannerService/OptimizeBitWidth", service, waits_));
  Add(Question<v1::CompareToFullPrecisionRequest>(
      "PlannerService/CompareToFullPrecision", service, waits_));
  Add(Question<v1::EstimateWasteRequest>("PlannerService/EstimateWaste", service, waits_));
  Add(Question<v1::PlanTrainingRequest>("PlannerService/PlanTraining", service, waits_));
  Add(Devices("PlannerService/ListDevices"));
}

void ConnectMethods::AddJobMethods(JobService& service) {
  using S = JobService;
  Add(Unary("JobService/CreateJob", CallKind::kWrite, service, &S::CreateJob));
  Add(Unary("JobService/GetJob", CallKind::kRead, service, &S::GetJob));
  Add(Unary("JobService/ListJobs", CallKind::kRead, service, &S::ListJobs));
  Add(Unary("JobService/CancelJob", CallKind::kWrite, service, &S::CancelJob));
  Add(Unary("JobService/RetryJob", CallKind::kWrite, service, &S::RetryJob));
  Add(Watch("JobService/WatchJobs", service, &S::WatchJobs, waits_));
  Add(Lease("JobService/LeaseJob", service, waits_));
  Add(Unary("JobService/ReportProgress", CallKind::kRead, service, &S::ReportProgress));
  Add(Unary("JobService/CompleteJob", CallKind::kWrite, service, &S::CompleteJob));
  Add(Unary("JobService/FailJob", CallKind::kWrite, service, &S::FailJob));
  Add(Unary("JobService/ReleaseJob", CallKind::kWrite, service, &S::ReleaseJob));
  Add(Unary("JobService/DrainWorker", CallKind::kWrite, service, &S::DrainWorker));
}

void ConnectMethods::AddCampaignMethods(CampaignService& service) {
  using S = CampaignService;
  Add(Unary("CampaignService/CreateCampaign", CallKind::kWrite, service, &S::CreateCampaign));
  Add(Unary("CampaignService/GetCampaign", CallKind::kRead, service, &S::GetCampaign));
  Add(Unary("CampaignService/ListCampaigns", CallKind::kRead, service, &S::ListCampaigns));
  Add(Unary("CampaignService/CancelCampaign", CallKind::kWrite, service, &S::CancelCampaign));
  Add(Unary("CampaignService/RetryCampaign", CallKind::kWrite, service, &S::RetryCampaign));
  Add(Watch("CampaignService/WatchCampaign", service, &S::WatchCampaign, waits_));
}

}  // namespace bitbudget::server
