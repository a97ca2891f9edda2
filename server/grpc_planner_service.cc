#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "server/convert_memory.h"
#include "server/grpc_call.h"
#include "server/grpc_services.h"

namespace bitbudget::server {
namespace {

// A question that could not be answered on the spot; gone once the answer has
// been sent.
class PendingQuestion final : public grpc::ServerUnaryReactor {
 public:
  explicit PendingQuestion(GrpcCall call) : call_(std::move(call)) {}

  CallContext MakeContext() const {
    return call_.MakeContext([flag = is_cancelled_] { return flag->load(); });
  }

  // Sends `result`. Call once, from any thread; `this` may be gone afterwards.
  template <typename Response>
  void Answer(absl::StatusOr<Response> result, Response* response) {
    const absl::Status status = result.status();
    if (status.ok()) *response = *std::move(result);
    Finish(call_.End(status));
  }

 private:
  void OnCancel() override { is_cancelled_->store(true); }
  void OnDone() override { delete this; }

  GrpcCall call_;
  // Shared with the work for this question, which may end after it.
  std::shared_ptr<std::atomic<bool>> is_cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

template <typename Request, typename Response>
grpc::ServerUnaryReactor* ServeQuestion(CallGate& gate,
                                        grpc::CallbackServerContext* grpc_context,
                                        std::string_view method,
                                        PlannerService& service,
                                        const Request& request,
                                        Response* response) {
  GrpcCall call(gate, *grpc_context, method, CallKind::kRead);
  bool is_answered = true;
  const absl::Status outcome = call.Guard([&] {
    std::optional<absl::StatusOr<Response>> result =
        service.TryAnswer(call.MakeContext([] { return false; }), request);
    is_answered = result.has_value();
    if (!is_answered) return absl::OkStatus();
    if (!result->ok()) return result->status();
    *response = **std::move(result);
    return absl::OkStatus();
  });
  if (is_answered) {
    grpc::ServerUnaryReactor* reactor = grpc_context->DefaultReactor();
    reactor->Finish(call.End(outcome));
    return reactor;
  }
  auto* pending = new PendingQuestion(std::move(call));  // deletes itself
  service.Ask(
      pending->MakeContext(), request, [pending, response](absl::StatusOr<Response> result) {
        pending->Answer(std::move(result), response);
      });
  return pending;
}

}  // namespace

grpc::ServerUnaryReactor* GrpcPlannerService::PredictLoss(grpc::CallbackServerContext* context,
                                                          const v1::PredictLossRequest* request,
                                                          v1::PredictLossResponse* response) {
  return ServeQuestion(gate_, context, "PlannerService/PredictLoss", service_, *request, response);
}

grpc::ServerUnaryReactor* GrpcPlannerService::OptimizeQatFraction(
    grpc::CallbackServerContext* context,
    const v1::OptimizeQatFractionRequest* request,
    v1::OptimizeQatFractionResponse* response) {
  return ServeQuestion(
      gate_, context, "PlannerService/OptimizeQatFraction", service_, *request, response);
}

grpc::ServerUnaryReactor* GrpcPlannerService::EvaluateGrid(grpc::CallbackServerContext* context,
                                                           const v1::EvaluateGridRequest* request,
                                                           v1::EvaluateGridResponse* response) {
  return ServeQuestion(gate_, context, "PlannerService/EvaluateGrid", service_, *request, response);
}

grpc::ServerUnaryReactor* GrpcPlannerService::OptimizeBitWidth(
    grpc::CallbackServerContext* context,
    const v1::OptimizeBitWidthRequest* request,
    v1::OptimizeBitWidthResponse* response) {
  return ServeQuestion(
      gate_, context, "PlannerService/OptimizeBitWidth", service_, *request, response);
}

grpc::ServerUnaryReactor* GrpcPlannerService::CompareToFullPrecision(
    grpc::CallbackServerContext* context,
    const v1::CompareToFullPrecisionRequest* request,
    v1::CompareToFullPrecisionResponse* response) {
  return ServeQuestion(
      gate_, context, "PlannerService/CompareToFullPrecision", service_, *request, response);
}

grpc::ServerUnaryReactor* GrpcPlannerService::EstimateWaste(grpc::CallbackServerContext* context,
                                                            const v1::EstimateWasteRequest* request,
                                                            v1::EstimateWasteResponse* response) {
  return ServeQuestion(
      gate_, context, "PlannerService/EstimateWaste", service_, *request, response);
}

grpc::ServerUnaryReactor* GrpcPlannerService::PlanTraining(grpc::CallbackServerContext* context,
                                                           const v1::PlanTrainingRequest* request,
                                                           v1::PlanTrainingResponse* response) {
  return ServeQuestion(gate_, context, "PlannerService/PlanTraining", service_, *request, response);
}

grpc::ServerUnaryReactor* GrpcPlannerService::ListDevices(grpc::CallbackServerContext* context,
                                                          const v1::ListDevicesRequest*,
                                                          v1::ListDevicesResponse* response) {
  GrpcCall call(gate_, *context, "PlannerService/ListDevices", CallKind::kRead);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(call.End(call.Guard([&] {
    *response = AllDevices();
    return absl::OkStatus();
  })));
  return reactor;
}

}  // namespace bitbudget::server
