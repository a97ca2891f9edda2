// Every method of the contract as Connect serves it: messages of unknown type in and
// out, over the same plain functions as gRPC. connect_methods.cc has the list.

#ifndef BITBUDGET_SERVER_CONNECT_METHODS_H_
#define BITBUDGET_SERVER_CONNECT_METHODS_H_

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "server/admission.h"
#include "server/call_context.h"
#include "server/served_call.h"
#include "server/services.h"
#include "server/watch_source.h"

namespace bitbudget::server {

using MessagePointer = std::unique_ptr<google::protobuf::Message>;

// A stream whose messages are of one type that the caller need not know.
using MessageSource = WatchSource<MessagePointer>;

// Answers a request.
using ServeUnaryCall = std::function<absl::StatusOr<MessagePointer>(
    const CallContext& call, const google::protobuf::Message& request)>;

// Opens the stream of a request; the last function is called when there may be news, on
// a thread that must not be blocked.
using OpenStream = std::function<absl::StatusOr<std::unique_ptr<MessageSource>>(
    const CallContext& call, const google::protobuf::Message& request, std::function<void()> wake)>;

struct ConnectMethod {
  std::string_view name;  // "StudyService/GetStudy"
  CallKind kind = CallKind::kRead;
  const google::protobuf::Message* request = nullptr;  // a default one, to make others
  std::variant<ServeUnaryCall, OpenStream> serve;

  bool is_stream() const { return std::holds_alternative<OpenStream>(serve); }
};

// Thread-safe.
class ConnectMethods {
 public:
  explicit ConnectMethods(const Services& services);
  ConnectMethods(const ConnectMethods&) = delete;
  ConnectMethods& operator=(const ConnectMethods&) = delete;

  // "/bitbudget.v1.StudyService/GetStudy"; null for any other path.
  const ConnectMethod* Find(const std::string& path) const;

 private:
  void Add(ConnectMethod method);
  void AddStudyMethods(StudyService& service);
  void AddExperimentMethods(ExperimentService& service);
  void AddFitMethods(FitService& service);
  void AddLawMethods(LawService& service);
  void AddPlannerMethods(PlannerService& service);
  void AddJobMethods(JobService& service);
  void AddCampaignMethods(CampaignService& service);

  // Streams, and calls that wait for something to happen: each holds the thread of its
  // connection meanwhile.
  Admission waits_;
  Admission exports_;
  std::unordered_map<std::string, ConnectMethod> methods_;  // by path
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONNECT_METHODS_H_
