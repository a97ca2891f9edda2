// A call of a plain function from its arrival to its end, whatever carries it: turned
// away while the server ends, exceptions stopped, counted, one line in the log.

#ifndef BITBUDGET_SERVER_SERVED_CALL_H_
#define BITBUDGET_SERVER_SERVED_CALL_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/call_context.h"
#include "server/call_gate.h"
#include "server/log.h"
#include "server/metrics.h"

namespace bitbudget::server {

// Calls that change something are logged as information, the others, of which
// there may be tens of thousands a second, for debugging.
enum class CallKind { kRead, kWrite };

// The name under which a call and its reply carry the id of the call.
inline constexpr char kRequestIdKey[] = "x-request-id";

// Used by one thread at a time.
class ServedCall {
 public:
  // `gate` is borrowed for the life of the call; `method` is a constant,
  // "StudyService/GetStudy". `wished_id` is the id that the caller gave the call; it
  // gets another unless that is one word of printable ASCII.
  ServedCall(CallGate& gate,
             Protocol protocol,
             std::string_view method,
             CallKind kind,
             std::string_view wished_id);

  // For the service function. Beside `cancelled`, the end of the server cancels it.
  CallContext MakeContext(absl::Time deadline, std::function<bool()> cancelled) const;

  // Runs `function`, unless the server is shutting down; an exception becomes
  // INTERNAL, which tells the caller nothing but the id to look for in the log.
  absl::Status Guard(const std::function<absl::Status()>& function) const;

  // Ends the call: logs and counts it, returns the status to answer with. Call once.
  absl::Status End(const absl::Status& outcome);

  const std::string& id() const { return id_; }

 private:
  void LogEnd(LogLevel level, const absl::Status& status, absl::Duration elapsed) const;

  CallGate& gate_;
  CallGate::Pass pass_;
  const Protocol protocol_;
  const std::string_view method_;
  const CallKind kind_;
  const absl::Duration begin_;
  std::string id_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_SERVED_CALL_H_
