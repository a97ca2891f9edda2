// A channel to one server: deadlines, retries and errors of all calls.
// Internal to the client library. Thread-safe.

#ifndef BITBUDGET_CLIENT_CPP_CONNECTION_H_
#define BITBUDGET_CLIENT_CPP_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/campaign.grpc.pb.h"
#include "bitbudget/v1/experiment.grpc.pb.h"
#include "bitbudget/v1/fit.grpc.pb.h"
#include "bitbudget/v1/job.grpc.pb.h"
#include "bitbudget/v1/law.grpc.pb.h"
#include "bitbudget/v1/planner.grpc.pb.h"
#include "bitbudget/v1/study.grpc.pb.h"
#include "client/cpp/client.h"
#include "client/cpp/request_text.h"
#include "client/cpp/retry.h"

namespace bitbudget::client {

class Connection {
 public:
  Connection(const std::string& address, const ClientOptions& options);

  // Makes a unary call, as often as Retry finds right. INVALID_ARGUMENT for text
  // that is not UTF-8.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(Service& service,
                                grpc::Status (Service::*method)(grpc::ClientContext*,
                                                                const Request&,
                                                                Response*),
                                const Request& request,
                                absl::Duration timeout,
                                Repeatable repeatable = Repeatable::kYes) {
    if (absl::Status checked = CheckText(request); !checked.ok()) return checked;
    for (Retry retry(channel(), timeout, repeatable);;) {
      grpc::ClientContext context;
      SetDeadline(context, retry.TimeLeft());
      Response response;
      const grpc::Status status = (service.*method)(&context, request, &response);
      if (status.ok()) return response;
      if (!retry.WaitAfter(Error(status, timeout))) return retry.error();
    }
  }

  static void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);

  // The error of an attempt that ended with `status`, which is not OK, at a call
  // that may take `timeout`.
  absl::Status Error(const grpc::Status& status, absl::Duration timeout) const;

  const ClientOptions& options() const { return options_; }
  grpc::Channel& channel() { return *channel_; }

 private:
  const std::string address_;
  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;

 public:
  v1::StudyService::Stub studies;
  v1::ExperimentService::Stub experiments;
  v1::FitService::Stub fits;
  v1::LawService::Stub laws;
  v1::PlannerService::Stub planner;
  v1::JobService::Stub jobs;
  v1::CampaignService::Stub campaigns;
};

}  // namespace bitbudget::client

#endif  // BITBUDGET_CLIENT_CPP_CONNECTION_H_
