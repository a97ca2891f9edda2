// A server process with a database of its own, and stubs to call it.

#ifndef BITBUDGET_TESTS_INTEGRATION_INTEGRATION_FIXTURE_H_
#define BITBUDGET_TESTS_INTEGRATION_INTEGRATION_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.grpc.pb.h"
#include "bitbudget/v1/fit.grpc.pb.h"
#include "bitbudget/v1/planner.grpc.pb.h"
#include "bitbudget/v1/study.grpc.pb.h"
#include "tests/process/process.h"
#include "util/error.h"

namespace bitbudget::integration {

// What tests wait for at most; only a failure takes that long.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// The details of the error of a call; empty ones for a call that succeeded.
ErrorDetails DetailsOf(const grpc::Status& status);

// The paths of its field violations.
std::vector<std::string> FieldsOf(const grpc::Status& status);

// A valid study of Chinchilla's law, quick to fit.
v1::Study ChinchillaStudy();

// Valid full-precision runs: `sizes` by `budgets` of them, off the law
// L = 1.8 + 400 / N^.34 + 410 / D^.28 by .2 % at most.
std::vector<v1::Experiment> FullPrecisionRuns(int sizes, int budgets);

// Calls a unary method by its path with serialized messages.
struct RawReply {
  grpc::Status status;
  std::string bytes;
};
RawReply CallRaw(grpc::Channel& channel, const std::string& method, const std::string& request);

// Stubs of all services at one address.
struct Stubs {
  explicit Stubs(const std::string& address);

  std::shared_ptr<grpc::Channel> channel;  // shared with the stubs
  std::unique_ptr<v1::StudyService::Stub> studies;
  std::unique_ptr<v1::ExperimentService::Stub> experiments;
  std::unique_ptr<v1::FitService::Stub> fits;
  std::unique_ptr<v1::PlannerService::Stub> planner;
};

class IntegrationTest : public ::testing::Test {
 protected:
  // Starts the server on the database of this test.
  void StartServer(const std::vector<std::string>& arguments = {});
  // Stops it as an administrator would, and expects it to end well.
  void StopServer();

  testing::ServerProcess& server() { return *server_; }
  Stubs& stubs() { return *stubs_; }
  std::string File(std::string_view name) const { return directory_.File(name); }
  std::string Database() const { return File("test.db"); }

  // "studies/{id}", created.
  std::string CreateStudy(const std::string& id, const v1::Study& study = ChinchillaStudy());
  // Stores rows in one batch; returns the revision.
  int64_t Store(const std::string& study, const std::vector<v1::Experiment>& rows);
  // A loss question that waits for the fit of `min_revision`.
  grpc::Status AskLoss(const std::string& study,
                       int64_t min_revision,
                       v1::PredictLossResponse* response);

 private:
  testing::TemporaryDirectory directory_;
  std::unique_ptr<testing::ServerProcess> server_;
  std::unique_ptr<Stubs> stubs_;
};

// Calls a unary method of a stub with a deadline that only a failure reaches.
template <typename Stub, typename Request, typename Response>
grpc::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request,
                  Response* response) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  return (stub.*method)(&context, request, response);
}

}  // namespace bitbudget::integration

#endif  // BITBUDGET_TESTS_INTEGRATION_INTEGRATION_FIXTURE_H_
