#include "worker/agent/delivery.h"

#include <spdlog/spdlog.h>

#include <string>

#include "util/status_macros.h"

namespace bitbudget::agent {
namespace {

constexpr size_t kLongestMessage = 900;

// The job is told why its result was refused, so that it does not wait for one
// for ever; the result itself is kept for people.
void ReportRefusal(client::Client& client,
                   const v1::CompleteJobRequest& result,
                   const std::string& why) {
  v1::FailJobRequest request;
  request.set_name(result.name());
  request.set_attempt(result.attempt());
  request.mutable_failure()->set_kind(v1::JobFailure::INVALID);
  request.mutable_failure()->set_message("the server refused the result: " +
                                         why.substr(0, kLongestMessage));
  const auto failed = client.FailJob(request);
  if (!failed.ok()) {
    spdlog::warn("failure not reported job={} error=\"{}\"",
                 result.name(),
                 std::string(failed.status().message()));
  }
}

// Sends one result. OK if there is nothing left to do about it.
absl::Status Send(client::Client& client, const v1::CompleteJobRequest& result, bool& refused) {
  const auto response = client.CompleteJob(result);
  if (response.ok()) {
    spdlog::info("delivered job={} attempt={} experiment={} late={}",
                 result.name(),
                 result.attempt(),
                 response->experiment().name(),
                 response->job_unchanged());
    return absl::OkStatus();
  }
  if (IsTransient(response.status())) return response.status();
  const std::string why(response.status().message());
  spdlog::error(
      "result refused job={} attempt={} error=\"{}\"", result.name(), result.attempt(), why);
  ReportRefusal(client, result, why);
  refused = true;
  return absl::OkStatus();
}

// Sends the result that is kept at `path`. OK if it is kept there no more.
absl::Status SendKept(client::Client& client,
                      const WorkDirectory& work,
                      const std::string& path,
                      const v1::CompleteJobRequest& result) {
  bool refused = false;
  RETURN_IF_ERROR(Send(client, result, refused));
  if (refused) {
    work.Refuse(path);
  } else {
    work.RemoveSpooled(path);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsTransient(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return false;
    default:
      return true;
  }
}

absl::Status Deliver(client::Client& client,
                     const WorkDirectory& work,
                     const v1::CompleteJobRequest& result) {
  const auto path = work.Spool(result);
  if (!path.ok()) {
    // The disk is full: the server may still take it.
    spdlog::warn("result not kept on disk job={} error=\"{}\"",
                 result.name(),
                 std::string(path.status().message()));
    bool refused = false;
    return Send(client, result, refused);
  }
  const absl::Status sent = SendKept(client, work, *path, result);
  if (!sent.ok()) {
    spdlog::warn("result kept for later job={} attempt={} error=\"{}\"",
                 result.name(),
                 result.attempt(),
                 std::string(sent.message()));
  }
  return absl::OkStatus();
}

absl::Status DeliverSpooled(client::Client& client, const WorkDirectory& work) {
  for (const std::string& path : work.Spooled()) {
    const auto result = WorkDirectory::ReadSpooled(path);
    if (!result.ok()) {
      spdlog::error("damaged result put aside file={}", path);
      work.Refuse(path);
      continue;
    }
    RETURN_IF_ERROR(SendKept(client, work, path, *result));
  }
  return absl::OkStatus();
}

}  // namespace bitbudget::agent
