#include "proto/rich_status.h"

#include <cmath>
#include <optional>
#include <string>

#include "bitbudget/v1/error_details.pb.h"
#include "google/rpc/error_details.pb.h"
#include "util/error.h"
#include "util/utf8.h"

namespace bitbudget {
namespace {

// google.rpc.ErrorInfo.domain of every error of ours.
constexpr char kDomain[] = "bitbudget";

template <typename Message>
void Add(google::rpc::Status& status, const Message& message) {
  status.add_details()->PackFrom(message);
}

void AddErrorInfo(google::rpc::Status& rich, const ErrorDetails& details) {
  google::rpc::ErrorInfo info;
  info.set_reason(details.reason);
  info.set_domain(kDomain);
  info.mutable_metadata()->insert(details.metadata.begin(), details.metadata.end());
  Add(rich, info);
}

void AddBadRequest(google::rpc::Status& rich, const ErrorDetails& details) {
  google::rpc::BadRequest bad_request;
  for (const FieldViolation& violation : details.field_violations) {
    auto* entry = bad_request.add_field_violations();
    entry->set_field(violation.field);
    entry->set_description(violation.description);
  }
  Add(rich, bad_request);
}

void AddResourceInfo(google::rpc::Status& rich, const ErrorDetails& details) {
  google::rpc::ResourceInfo resource;
  resource.set_resource_type(details.resource_type);
  resource.set_resource_name(details.resource_name);
  Add(rich, resource);
}

void AddRetryInfo(google::rpc::Status& rich, double delay_seconds) {
  google::rpc::RetryInfo retry;
  const double whole = std::floor(delay_seconds);
  retry.mutable_retry_delay()->set_seconds(static_cast<int64_t>(whole));
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>((delay_seconds - whole) * 1e9));
  Add(rich, retry);
}

void AddDataCannotAnswer(google::rpc::Status& rich, const ErrorDetails& details) {
  v1::DataCannotAnswer data;
  for (const MissingAxis& axis : details.missing_axes) {
    auto* entry = data.add_missing_axes();
    entry->set_axis(axis.axis);
    entry->set_level_count(axis.level_count);
    entry->set_needed_level_count(axis.needed_level_count);
    entry->mutable_levels()->Add(axis.levels.begin(), axis.levels.end());
  }
  data.set_explanation(details.explanation);
  Add(rich, data);
}

void AddConflict(google::rpc::Status& rich, const RowConflict& conflict) {
  v1::ExperimentConflict entry;
  entry.set_index(conflict.index);
  entry.set_line(conflict.line);
  entry.set_existing_experiment(conflict.existing_experiment);
  for (const std::string& field : conflict.differing_fields) entry.add_differing_fields(field);
  if (conflict.earlier_index) entry.set_earlier_index(*conflict.earlier_index);
  entry.set_earlier_line(conflict.earlier_line);
  Add(rich, entry);
}

void AddRejectedRow(google::rpc::Status& rich, const RejectedRow& row) {
  v1::RejectedRow entry;
  entry.set_index(row.index);
  entry.set_line(row.line);
  entry.set_field(row.field);
  entry.set_description(row.description);
  Add(rich, entry);
}

}  // namespace

google::rpc::Status ToRichStatus(const absl::Status& status) {
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(status.code()));
  // Names of files and bytes of cells come in messages too.
  rich.set_message(ToUtf8({status.message().data(), status.message().size()}));
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  if (!details) return rich;
  AddErrorInfo(rich, *details);
  if (!details->field_violations.empty()) AddBadRequest(rich, *details);
  if (!details->resource_type.empty()) AddResourceInfo(rich, *details);
  if (details->retry_delay_seconds) AddRetryInfo(rich, *details->retry_delay_seconds);
  if (!details->missing_axes.empty() || !details->explanation.empty()) {
    AddDataCannotAnswer(rich, *details);
  }
  for (const RowConflict& conflict : details->conflicts) AddConflict(rich, conflict);
  for (const RejectedRow& row : details->rejected_rows) AddRejectedRow(rich, row);
  return rich;
}

}  // namespace bitbudget
