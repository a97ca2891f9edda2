#include "server/served_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include "util/clock.h"
#include "util/codes.h"
#include "util/error.h"
#include "util/ids.h"

namespace bitbudget::server {
namespace {

constexpr size_t kLongestRequestId = 100;

// Unique, and cheaper than drawing each at random: a prefix of this run of the
// server and a count.
std::string NewRequestId() {
  static const std::string prefix = RandomUuid().substr(0, 8);
  static std::atomic<int64_t> count = 0;
  return fmt::format("{}-{:x}", prefix, ++count);
}

std::string RequestIdOf(std::string_view wished) {
  const bool is_usable =
      !wished.empty() && wished.size() <= kLongestRequestId &&
      std::all_of(wished.begin(), wished.end(), [](char c) { return c > 0x20 && c <= 0x7e; });
  return is_usable ? std::string(wished) : NewRequestId();
}

bool IsOurFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kUnavailable;
}

LogLevel LevelOf(const absl::Status& status, CallKind kind) {
  if (IsOurFault(status.code())) return LogLevel::kWarning;
  return kind == CallKind::kWrite || !status.ok() ? LogLevel::kInfo : LogLevel::kDebug;
}

}  // namespace

ServedCall::ServedCall(CallGate& gate,
                       Protocol protocol,
                       std::string_view method,
                       CallKind kind,
                       std::string_view wished_id)
    : gate_(gate),
      pass_(gate.Enter()),
      protocol_(protocol),
      method_(method),
      kind_(kind),
      begin_(Clock::System()->Steady()),
      id_(RequestIdOf(wished_id)) {
  Metrics::Process().BeginCall(protocol_, method_);
}

CallContext ServedCall::MakeContext(absl::Time deadline, std::function<bool()> cancelled) const {
  return {.deadline = deadline, .cancelled = [&gate = gate_, cancelled = std::move(cancelled)] {
            return gate.AreCallsCancelled() || cancelled();
          }};
}

absl::Status ServedCall::Guard(const std::function<absl::Status()>& function) const {
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
      {{"method", std::string(method_)}, {"id", id_}, {"what", what}});
  return MakeError(absl::StatusCode::kInternal,
                   fmt::format("internal error; the server's log has it as {}", id_),
                   {.reason = "INTERNAL"});
}

absl::Status ServedCall::End(const absl::Status& outcome) {
  // It gave up because it was told to, not because its caller has gone.
  const bool was_ended = absl::IsCancelled(outcome) && gate_.AreCallsCancelled();
  absl::Status status = was_ended ? ShuttingDown() : outcome;
  const absl::Duration elapsed = Clock::System()->Steady() - begin_;
  Metrics::Process().EndCall(protocol_, method_, status.code(), elapsed);
  if (const LogLevel level = LevelOf(status, kind_); IsLogged(level)) {
    LogEnd(level, status, elapsed);
  }
  return status;
}

void ServedCall::LogEnd(LogLevel level, const absl::Status& status, absl::Duration elapsed) const {
  std::vector<LogField> fields = {
      {"method", std::string(method_)},
      {"id", id_},
      {"code", std::string(CodeRowOf(status.code()).grpc_name)},
      {"ms", fmt::format("{:.3f}", absl::ToDoubleMilliseconds(elapsed))}};
  if (!status.ok()) fields.emplace_back("message", std::string(status.message()));
  Log(level, "call", fields);
}

}  // namespace bitbudget::server
