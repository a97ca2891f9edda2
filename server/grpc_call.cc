#include "server/grpc_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

#include "proto/grpc_status.h"
#include "util/clock.h"
#include "util/codes.h"
#include "util/error.h"
#include "util/ids.h"

namespace bitbudget::server {
namespace {

constexpr char kRequestIdKey[] = "x-request-id";
constexpr size_t kLongestRequestId = 100;
constexpr size_t kMostDetailBytes = 5'000;
constexpr size_t kMostMessageBytes = 1'000;

// Unique, and cheaper than drawing each at random: a prefix of this run of the
// server and a count.
std::string NewRequestId() {
  static const std::string prefix = RandomUuid().substr(0, 8);
  static std::atomic<int64_t> count = 0;
  return fmt::format("{}-{:x}", prefix, ++count);
}

// The id that the caller gave the call, if it is one word of printable ASCII;
// else a new one.
std::string RequestIdOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto entry = metadata.find(kRequestIdKey);
  if (entry == metadata.end()) return NewRequestId();
  const std::string_view id(entry->second.data(), entry->second.size());
  const bool is_usable =
      !id.empty() && id.size() <= kLongestRequestId &&
      std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c <= 0x7e; });
  return is_usable ? std::string(id) : NewRequestId();
}

bool IsOurFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kUnavailable;
}

LogLevel LevelOf(const absl::Status& status, CallKind kind) {
  if (IsOurFault(status.code())) return LogLevel::kWarning;
  return kind == CallKind::kWrite || !status.ok() ? LogLevel::kInfo : LogLevel::kDebug;
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
    : gate_(gate),
      pass_(gate.Enter()),
      grpc_context_(grpc_context),
      method_(method),
      kind_(kind),
      begin_(Clock::System()->Steady()),
      log_id_(RequestIdOf(grpc_context)) {}

CallContext GrpcCall::MakeContext(std::function<bool()> cancelled) const {
  return {.deadline = absl::FromChrono(grpc_context_.deadline()),
          .cancelled = [&gate = gate_, cancelled = std::move(cancelled)] {
            return gate.AreCallsCancelled() || cancelled();
          }};
}

absl::Status GrpcCall::Guard(const std::function<absl::Status()>& function) const {
  if (pass_ == nullptr) return ShuttingDown();
  std::string what;
  try {
    return function();
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
    what = "an exception of an unknown type";
  }
  Log(LogLevel::kError,
      "exception",
      {{"method", std::string(method_)}, {"id", log_id_}, {"what", what}});
  return MakeError(absl::StatusCode::kInternal,
                   fmt::format("internal error; the server's log has it as {}", log_id_),
                   {.reason = "INTERNAL"});
}

grpc::Status GrpcCall::End(const absl::Status& outcome) {
  // It gave up because it was told to, not because its caller has gone.
  const bool was_ended = absl::IsCancelled(outcome) && gate_.AreCallsCancelled();
  const absl::Status status = was_ended ? ShuttingDown() : outcome;
  grpc_context_.AddTrailingMetadata(kRequestIdKey, log_id_);
  if (const LogLevel level = LevelOf(status, kind_); IsLogged(level)) LogEnd(level, status);
  return status.ok() ? grpc::Status::OK : ToGrpcStatus(WithDetailsThatFit(status));
}

void GrpcCall::LogEnd(LogLevel level, const absl::Status& status) const {
  const double elapsed_ms = absl::ToDoubleMilliseconds(Clock::System()->Steady() - begin_);
  std::vector<LogField> fields = {{"method", std::string(method_)},
                                  {"id", log_id_},
                                  {"code", std::string(CodeRowOf(status.code()).grpc_name)},
                                  {"ms", fmt::format("{:.3f}", elapsed_ms)}};
  if (!status.ok()) fields.emplace_back("message", std::string(status.message()));
  Log(level, "call", fields);
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
