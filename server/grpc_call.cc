#include "server/grpc_call.h"

#include <optional>
#include <vector>

#include "proto/grpc_status.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

constexpr size_t kMostDetailBytes = 5'000;
constexpr size_t kMostMessageBytes = 1'000;

// The id that the caller gave the call; empty without one.
std::string_view WishedId(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto entry = metadata.find(kRequestIdKey);
  if (entry == metadata.end()) return {};
  return {entry->second.data(), entry->second.size()};
}

// Halves the list; returns how many entries went.
template <typename T>
size_t Halve(std::vector<T>& list) {
  const size_t before = list.size();
  list.resize(before / 2);
  return before - list.size();
}

// Never in the middle of a UTF-8 character.
std::string Shortened(std::string_view text) {
  if (text.size() <= kMostMessageBytes) return std::string(text);
  size_t end = kMostMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

GrpcCall::GrpcCall(CallGate& gate,
                   grpc::ServerContextBase& grpc_context,
                   std::string_view method,
                   CallKind kind)
    : grpc_context_(grpc_context),
      call_(gate, Protocol::kGrpc, method, kind, WishedId(grpc_context)) {}

CallContext GrpcCall::MakeContext(std::function<bool()> cancelled) const {
  return call_.MakeContext(absl::FromChrono(grpc_context_.deadline()), std::move(cancelled));
}

grpc::Status GrpcCall::End(const absl::Status& outcome) {
  const absl::Status status = call_.End(outcome);
  grpc_context_.AddTrailingMetadata(kRequestIdKey, call_.id());
  return status.ok() ? grpc::Status::OK : ToGrpcStatus(WithDetailsThatFit(status));
}

absl::Status WithDetailsThatFit(const absl::Status& status) {
  std::optional<ErrorDetails> details = GetErrorDetails(status);
  const std::string message = Shortened({status.message().data(), status.message().size()});
  if (!details) return absl::Status(status.code(), message);
  size_t omitted = 0;
  absl::Status fitting = MakeError(status.code(), message, *details);
  while (ToRichStatus(fitting).ByteSizeLong() > kMostDetailBytes) {
    const size_t dropped = Halve(details->conflicts) + Halve(details->rejected_rows) +
                           Halve(details->field_violations);
    if (dropped == 0) break;
    omitted += dropped;
    details->metadata["omitted_details"] = std::to_string(omitted);
    fitting = MakeError(status.code(), message, *details);
  }
  return fitting;
}

}  // namespace bitbudget::server
