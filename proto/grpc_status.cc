#include "proto/grpc_status.h"

#include <string>
#include <utility>

#include "bitbudget/v1/error_details.pb.h"
#include "google/rpc/error_details.pb.h"
#include "util/error.h"

namespace bitbudget {
namespace {

// Reads one packed detail into `details`; true if it was ours to read.
bool Read(const google::protobuf::Any& any, ErrorDetails& details) {
  if (google::rpc::ErrorInfo info; any.UnpackTo(&info)) {
    details.reason = info.reason();
    details.metadata.insert(info.metadata().begin(), info.metadata().end());
  } else if (google::rpc::BadRequest bad_request; any.UnpackTo(&bad_request)) {
    for (const auto& entry : bad_request.field_violations()) {
      details.field_violations.push_back({entry.field(), entry.description()});
    }
  } else if (google::rpc::ResourceInfo resource; any.UnpackTo(&resource)) {
    details.resource_type = resource.resource_type();
    details.resource_name = resource.resource_name();
  } else if (google::rpc::RetryInfo retry; any.UnpackTo(&retry)) {
    details.retry_delay_seconds =
        static_cast<double>(retry.retry_delay().seconds()) + retry.retry_delay().nanos() * 1e-9;
  } else if (v1::DataCannotAnswer data; any.UnpackTo(&data)) {
    for (const auto& axis : data.missing_axes()) {
      details.missing_axes.push_back({axis.axis(),
                                      axis.level_count(),
                                      axis.needed_level_count(),
                                      {axis.levels().begin(), axis.levels().end()}});
    }
    details.explanation = data.explanation();
  } else if (v1::ExperimentConflict conflict; any.UnpackTo(&conflict)) {
    RowConflict entry{conflict.index(),
                      conflict.line(),
                      conflict.existing_experiment(),
                      {conflict.differing_fields().begin(), conflict.differing_fields().end()},
                      {}};
    if (conflict.has_earlier_index()) entry.earlier_index = conflict.earlier_index();
    entry.earlier_line = conflict.earlier_line();
    details.conflicts.push_back(std::move(entry));
  } else if (v1::RejectedRow row; any.UnpackTo(&row)) {
    details.rejected_rows.push_back({row.index(), row.line(), row.field(), row.description()});
  } else {
    return false;
  }
  return true;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()),
                      ToRichStatus(status).SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  ErrorDetails details;
  bool known = false;
  google::rpc::Status rich;
  if (rich.ParseFromString(status.error_details())) {
    for (const auto& any : rich.details()) known |= Read(any, details);
  }
  if (!known) return absl::Status(code, status.error_message());
  return MakeError(code, status.error_message(), std::move(details));
}

}  // namespace bitbudget
