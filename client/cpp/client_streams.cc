// The calls of the client that are more than one message each way.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "client/cpp/connection.h"
#include "client/cpp/request_id.h"
#include "client/cpp/request_text.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::client {
namespace {

// Few enough to keep progress and backpressure fine-grained, enough that the
// cost of a message does not show.
constexpr size_t kRowsPerMessage = 256;

constexpr absl::Duration kFirstPoll = absl::Milliseconds(20);
constexpr absl::Duration kMaxPoll = absl::Seconds(1);

grpc::Status ImportOnce(Connection& connection,
                        v1::ImportExperimentsRequest message,
                        std::span<const v1::Experiment> rows,
                        absl::Duration timeout,
                        const std::function<void(int64_t)>& on_progress,
                        v1::ImportExperimentsResponse* response) {
  grpc::ClientContext context;
  Connection::SetDeadline(context, timeout);
  const auto stream = connection.experiments.ImportExperiments(&context, response);
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
  return stream->Finish();
}

// One attempt at an export, and how far it came.
struct ExportAttempt {
  bool has_begun = false;  // a message came
  absl::Status handled;    // what `on_message` made of the last one
  grpc::Status status;     // of the call, if `handled` is OK
};

ExportAttempt ExportOnce(
    Connection& connection,
    const v1::ExportExperimentsRequest& request,
    absl::Duration timeout,
    const std::function<absl::Status(const v1::ExportExperimentsResponse&)>& on_message) {
  grpc::ClientContext context;
  Connection::SetDeadline(context, timeout);
  const auto stream = connection.experiments.ExportExperiments(&context, request);
  ExportAttempt attempt;
  for (v1::ExportExperimentsResponse message; attempt.handled.ok() && stream->Read(&message);) {
    attempt.has_begun = true;
    attempt.handled = on_message(message);
  }
  if (!attempt.handled.ok()) context.TryCancel();
  attempt.status = stream->Finish();
  return attempt;
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
  EnsureRequestId(header);
  RETURN_IF_ERROR(CheckText(header));
  for (const v1::Experiment& row : rows) RETURN_IF_ERROR(CheckText(row));
  const absl::Duration timeout = connection_->options().long_timeout;
  for (Retry retry(connection_->channel(), timeout, Repeatable::kYes);;) {
    v1::ImportExperimentsResponse response;
    const grpc::Status status =
        ImportOnce(*connection_, header, rows, retry.TimeLeft(), on_progress, &response);
    if (status.ok()) return response;
    if (!retry.WaitAfter(connection_->Error(status, timeout))) return retry.error();
  }
}

absl::Status Client::ExportExperiments(
    const v1::ExportExperimentsRequest& request,
    const std::function<absl::Status(const v1::ExportExperimentsResponse&)>& on_message) {
  RETURN_IF_ERROR(CheckText(request));
  const absl::Duration timeout = connection_->options().long_timeout;
  for (Retry retry(connection_->channel(), timeout, Repeatable::kYes);;) {
    const ExportAttempt attempt = ExportOnce(*connection_, request, retry.TimeLeft(), on_message);
    if (!attempt.handled.ok() || attempt.status.ok()) return attempt.handled;
    absl::Status error = connection_->Error(attempt.status, timeout);
    // What has been handed over cannot be taken back.
    if (attempt.has_begun) return error;
    if (!retry.WaitAfter(std::move(error))) return retry.error();
  }
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
