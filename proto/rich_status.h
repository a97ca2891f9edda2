// absl::Status as it travels, whatever carries it.
//
// Details made by util/error.h become those of a google.rpc.Status: ErrorInfo
// always, and BadRequest, ResourceInfo, RetryInfo, DataCannotAnswer,
// ExperimentConflict, RejectedRow as they apply. Pure, thread-safe.

#ifndef BITBUDGET_PROTO_RICH_STATUS_H_
#define BITBUDGET_PROTO_RICH_STATUS_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace bitbudget {

// The google.rpc.Status of an error: code, message, details.
google::rpc::Status ToRichStatus(const absl::Status& status);

}  // namespace bitbudget

#endif  // BITBUDGET_PROTO_RICH_STATUS_H_
