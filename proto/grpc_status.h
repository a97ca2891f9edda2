// absl::Status on one side of the wire, grpc::Status on the other.
//
// Details made by util/error.h travel as google.rpc.Status in the trailer
// "grpc-status-details-bin": ErrorInfo always, and BadRequest, ResourceInfo,
// RetryInfo, DataCannotAnswer, ExperimentConflict, RejectedRow as they apply.
// Used by server and client alike. Pure, thread-safe.

#ifndef BITBUDGET_PROTO_GRPC_STATUS_H_
#define BITBUDGET_PROTO_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace bitbudget {

// The google.rpc.Status of an error: code, message, details.
google::rpc::Status ToRichStatus(const absl::Status& status);

// For a handler to return.
grpc::Status ToGrpcStatus(const absl::Status& status);

// For a caller to read; details that bitbudget does not know are dropped.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace bitbudget

#endif  // BITBUDGET_PROTO_GRPC_STATUS_H_
