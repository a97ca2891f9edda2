// What the server counts, under the names that Prometheus' users expect. Thread-safe.

#ifndef BITBUDGET_SERVER_METRICS_H_
#define BITBUDGET_SERVER_METRICS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace bitbudget::server {

// What carries a call.
enum class Protocol { kGrpc, kConnect };

// What is read at the moment of asking.
struct Gauges {
  int64_t active_lease_count = 0;
  std::map<std::string, int64_t> jobs_by_state;  // "QUEUED"
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Those of this process, since its start. Live for ever.
  static Metrics& Process();

  // Begin and end of a call of `method`, "StudyService/GetStudy", a constant.
  void BeginCall(Protocol protocol, std::string_view method);
  void EndCall(Protocol protocol,
               std::string_view method,
               absl::StatusCode code,
               absl::Duration elapsed);

  // Rows that were not stored before.
  void CountIngestedRows(int64_t count);
  // A refit that was begun, and how it ended.
  void EndRefit(absl::StatusCode code, absl::Duration elapsed);
  void CountLostLease();

  // All of it in the text format of Prometheus.
  std::string Text(const Gauges& gauges);

 private:
  class Families;

  const std::unique_ptr<Families> families_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_METRICS_H_
