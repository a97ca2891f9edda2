// absl::Status on one side of the wire, grpc::Status on the other.
//
// Details travel as google.rpc.Status (rich_status.h) in the trailer
// "grpc-status-details-bin". Used by server and client alike. Pure, thread-safe.

#ifndef BITBUDGET_PROTO_GRPC_STATUS_H_
#define BITBUDGET_PROTO_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "proto/rich_status.h"

namespace bitbudget {

// For a handler to return.
grpc::Status ToGrpcStatus(const absl::Status& status);

// For a caller to read; details that bitbudget does not know are dropped.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace bitbudget

#endif  // BITBUDGET_PROTO_GRPC_STATUS_H_
