// The calls of the client that are more than one message each way.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "client/cpp/connection.h"
#include "util/error.h"
#include "util/ids.h"

namespace bitbudget::client {
namespace {

// Few enough to keep progress and backpressure fine-grained, enough that the
// cost of a message does not show.
constexpr size_t kRowsPerMessage = 256;

// As in the service config of unary calls.
constexpr int kMaxAttempts = 5;
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);
constexpr absl::Duration kMaxBackoff = absl::Seconds(1);

constexpr absl::Duration kFirstPoll = absl::Milliseconds(20);
constexpr absl::Duration kMaxPoll = absl::Seconds(1);

absl::StatusOr<v1::ImportExperimentsResponse> ImportOnce(
    Connection& connection,
    v1::ImportExperimentsRequest message,
    std::span<const v1::Experiment> rows,
    absl::Duration timeout,
    const std::function<void(int64_t)>& on_progress) {
  grpc::ClientContext context;
  Connection::SetDeadline(context, timeout);
  v1::ImportExperimentsResponse response;
  const auto stream = connection.experiments.ImportExperiments(&context, &response);
  size_t sent = 0;
  do {
    const auto batch = rows.subspan(sent, std::min(kRowsPerMessage, rows.size() - sent));
    message.mutable_experiments()->Add(batch.begin(), batch.end());
    // A failed write means that the call is over; Finish says how.
    if (!stream->Write(message)) break;
    message.Clear();
    sent += batch.size();
    if (on_progress) on_progress(static_cast<int64_t>(sent));
  } while (sent < rows.size());
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return connection.Error(status, timeout);
  return response;
}

absl::Status CannotBeFitted(const v1::Study& study) {
  const std::string why = study.fit_status().state() == v1::FitStatus::NO_DATA
                              ? "it has no experiments"
                              : study.fit_status().error();
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("revision {} of {} has no fit: {}", study.revision(), study.name(), why),
      {.reason = "FIT_FAILED", .resource_type = "study", .resource_name = study.name()});
}

}  // namespace

absl::StatusOr<v1::ImportExperimentsResponse> Client::ImportExperiments(
    v1::ImportExperimentsRequest header,
    std::span<const v1::Experiment> rows,
    const std::function<void(int64_t)>& on_progress) {
  if (header.request_id().empty()) header.set_request_id(RandomUuid());
  const absl::Time deadline = absl::Now() + connection_->options().long_timeout;
  absl::Duration backoff = kFirstBackoff;
  for (int attempt = 1;; ++attempt) {
    auto response = ImportOnce(*connection_, header, rows, deadline - absl::Now(), on_progress);
    if (response.ok() || response.status().code() != absl::StatusCode::kUnavailable ||
        attempt == kMaxAttempts || absl::Now() + backoff >= deadline) {
      return response;
    }
    absl::SleepFor(backoff);
    backoff = std::min(2 * backoff, kMaxBackoff);
  }
}

absl::Status Client::ExportExperiments(
    const v1::ExportExperimentsRequest& request,
    const std::function<absl::Status(const v1::ExportExperimentsResponse&)>& on_message) {
  const absl::Duration timeout = connection_->options().long_timeout;
  grpc::ClientContext context;
  Connection::SetDeadline(context, timeout);
  const auto stream = connection_->experiments.ExportExperiments(&context, request);
  absl::Status handled;
  for (v1::ExportExperimentsResponse message; handled.ok() && stream->Read(&message);) {
    handled = on_message(message);
  }
  if (!handled.ok()) {
    context.TryCancel();
    stream->Finish();
    return handled;
  }
  const grpc::Status status = stream->Finish();
  return status.ok() ? absl::OkStatus() : connection_->Error(status, timeout);
}

absl::StatusOr<v1::Study> Client::WaitForFit(const std::string& study_name, int64_t revision) {
  v1::GetStudyRequest request;
  request.set_name(study_name);
  const absl::Time deadline = absl::Now() + connection_->options().long_timeout;
  for (absl::Duration poll = kFirstPoll;; poll = std::min(2 * poll, kMaxPoll)) {
    absl::StatusOr<v1::Study> study = GetStudy(request);
    if (!study.ok()) return study;
    const v1::FitStatus& fit = study->fit_status();
    if (!fit.latest_fit().empty() && fit.covered_revision() >= revision) return study;
    if (fit.state() == v1::FitStatus::FAILED || fit.state() == v1::FitStatus::NO_DATA) {
      return CannotBeFitted(*study);
    }
    if (absl::Now() + poll >= deadline) {
      return absl::DeadlineExceededError(
          fmt::format("no fit of {} covers revision {} after {}",
                      study_name,
                      revision,
                      absl::FormatDuration(connection_->options().long_timeout)));
    }
    absl::SleepFor(poll);
  }
}

}  // namespace bitbudget::client
