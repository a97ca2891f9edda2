#include "util/codes.h"

#include <array>

namespace bitbudget {
namespace {

constexpr std::array<CodeRow, 17> kCodes = {{
    {absl::StatusCode::kOk, "OK", "", 200},
    {absl::StatusCode::kCancelled, "CANCELLED", "canceled", 499},
    {absl::StatusCode::kUnknown, "UNKNOWN", "unknown", 500},
    {absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "invalid_argument", 400},
    {absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", "deadline_exceeded", 504},
    {absl::StatusCode::kNotFound, "NOT_FOUND", "not_found", 404},
    {absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS", "already_exists", 409},
    {absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", "permission_denied", 403},
    {absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", "resource_exhausted", 429},
    {absl::StatusCode::kFailedPrecondition, "FAILED_PRECONDITION", "failed_precondition", 400},
    {absl::StatusCode::kAborted, "ABORTED", "aborted", 409},
    {absl::StatusCode::kOutOfRange, "OUT_OF_RANGE", "out_of_range", 400},
    {absl::StatusCode::kUnimplemented, "UNIMPLEMENTED", "unimplemented", 501},
    {absl::StatusCode::kInternal, "INTERNAL", "internal", 500},
    {absl::StatusCode::kUnavailable, "UNAVAILABLE", "unavailable", 503},
    {absl::StatusCode::kDataLoss, "DATA_LOSS", "data_loss", 500},
    {absl::StatusCode::kUnauthenticated, "UNAUTHENTICATED", "unauthenticated", 401},
}};

}  // namespace

std::span<const CodeRow> AllCodes() { return kCodes; }

const CodeRow& CodeRowOf(absl::StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kCodes.size() ? kCodes[index]
                               : kCodes[static_cast<size_t>(absl::StatusCode::kUnknown)];
}

}  // namespace bitbudget
