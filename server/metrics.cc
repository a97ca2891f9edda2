#include "server/metrics.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <mutex>
#include <unordered_map>

#include "absl/time/clock.h"
#include "util/codes.h"

namespace bitbudget::server {
namespace {

namespace pb = google::protobuf;

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

constexpr std::string_view kPackage = "bitbudget.v1.";
constexpr size_t kCodeCount = 17;

// In seconds: questions take tens of microseconds, refits seconds, waiting calls minutes.
const Histogram::BucketBoundaries& CallBuckets() {
  static const Histogram::BucketBoundaries buckets = {
      .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60};
  return buckets;
}

std::string_view NameOf(Protocol protocol) {
  return protocol == Protocol::kGrpc ? "grpc" : "connect";
}

// "unary", "server_stream", ... as users of these metrics know them.
std::string_view TypeOf(std::string_view method) {
  std::string full_name = fmt::format("{}{}", kPackage, method);
  full_name.replace(full_name.find('/'), 1, ".");
  const pb::MethodDescriptor* found =
      pb::DescriptorPool::generated_pool()->FindMethodByName(full_name);
  if (found == nullptr) return "unknown";
  if (found->client_streaming()) return found->server_streaming() ? "bidi_stream" : "client_stream";
  return found->server_streaming() ? "server_stream" : "unary";
}

// The calls of one method over one protocol.
struct MethodMetrics {
  Labels labels;
  bool is_stream = false;
  Counter* started = nullptr;
  Histogram* seconds = nullptr;
  std::array<Counter*, kCodeCount> handled{};  // null until there is one
};

// The calls over one protocol.
class CallMetrics {
 public:
  CallMetrics(prometheus::Registry& registry, Protocol protocol)
      : prefix_(NameOf(protocol)),
        started_(BuildCounter()
                     .Name(prefix_ + "_server_started_total")
                     .Help("Calls begun.")
                     .Register(registry)),
        handled_(BuildCounter()
                     .Name(prefix_ + "_server_handled_total")
                     .Help("Calls ended, by code.")
                     .Register(registry)),
        seconds_(BuildHistogram()
                     .Name(prefix_ + "_server_handling_seconds")
                     .Help("Time from the begin of a call to its end; of a stream, how long it "
                           "was open.")
                     .Register(registry)),
        streams_(BuildGauge()
                     .Name("bitbudget_streams_open")
                     .Help("Streams that are open.")
                     .Register(registry)
                     .Add({{"protocol", prefix_}})) {}

  void Begin(std::string_view method) {
    const std::lock_guard lock(mutex_);
    MethodMetrics& metrics = Of(method);
    metrics.started->Increment();
    if (metrics.is_stream) streams_.Increment();
  }

  void End(std::string_view method, absl::StatusCode code, absl::Duration elapsed) {
    const std::lock_guard lock(mutex_);
    MethodMetrics& metrics = Of(method);
    const CodeRow& row = CodeRowOf(code);
    Counter*& handled = metrics.handled.at(static_cast<size_t>(row.code));
    if (handled == nullptr) {
      Labels labels = metrics.labels;
      labels.emplace(prefix_ + "_code", row.grpc_name);
      handled = &handled_.Add(labels);
    }
    handled->Increment();
    metrics.seconds->Observe(absl::ToDoubleSeconds(elapsed));
    if (metrics.is_stream) streams_.Decrement();
  }

 private:
  // Called with mutex_ held.
  MethodMetrics& Of(std::string_view method) {
    const auto [entry, is_new] = methods_.try_emplace(method);
    MethodMetrics& metrics = entry->second;
    if (!is_new) return metrics;
    const size_t slash = method.find('/');
    const std::string_view type = TypeOf(method);
    metrics.labels = {
        {prefix_ + "_service", fmt::format("{}{}", kPackage, method.substr(0, slash))},
        {prefix_ + "_method", std::string(method.substr(slash + 1))},
        {prefix_ + "_type", std::string(type)}};
    metrics.is_stream = type != "unary";
    metrics.started = &started_.Add(metrics.labels);
    metrics.seconds = &seconds_.Add(metrics.labels, CallBuckets());
    return metrics;
  }

  const std::string prefix_;
  prometheus::Family<Counter>& started_;
  prometheus::Family<Counter>& handled_;
  prometheus::Family<Histogram>& seconds_;
  Gauge& streams_;
  std::mutex mutex_;  // guards methods_
  std::unordered_map<std::string_view, MethodMetrics> methods_;
};

}  // namespace

class Metrics::Families {
 public:
  Families() {
    BuildGauge()
        .Name("process_start_time_seconds")
        .Help("When the process started, since the epoch.")
        .Register(registry)
        .Add({})
        .Set(absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
    BuildGauge()
        .Name("bitbudget_build_info")
        .Help("1, with the version as a label.")
        .Register(registry)
        .Add({{"version", BITBUDGET_VERSION}})
        .Set(1);
  }

  prometheus::Registry registry;  // outlives what is registered with it
  CallMetrics grpc{registry, Protocol::kGrpc};
  CallMetrics connect{registry, Protocol::kConnect};
  Counter& ingested_rows = BuildCounter()
                               .Name("bitbudget_ingest_rows_total")
                               .Help("Experiments stored that were not there before.")
                               .Register(registry)
                               .Add({});
  prometheus::Family<Counter>& refits = BuildCounter()
                                            .Name("bitbudget_refits_total")
                                            .Help("Refits ended, by code.")
                                            .Register(registry);
  Histogram& refit_seconds = BuildHistogram()
                                 .Name("bitbudget_refit_duration_seconds")
                                 .Help("Time that refits took, until the fit was stored.")
                                 .Register(registry)
                                 .Add({}, CallBuckets());
  Counter& lost_leases = BuildCounter()
                             .Name("bitbudget_leases_lost_total")
                             .Help("Leases that ran out because their workers fell silent.")
                             .Register(registry)
                             .Add({});
  Gauge& active_leases = BuildGauge()
                             .Name("bitbudget_leases_active")
                             .Help("Jobs that a worker has.")
                             .Register(registry)
                             .Add({});
  prometheus::Family<Gauge>& jobs =
      BuildGauge().Name("bitbudget_jobs").Help("Jobs, by state.").Register(registry);

  CallMetrics& calls(Protocol protocol) { return protocol == Protocol::kGrpc ? grpc : connect; }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}

Metrics::~Metrics() = default;

Metrics& Metrics::Process() {
  static auto& metrics = *new Metrics();
  return metrics;
}

void Metrics::BeginCall(Protocol protocol, std::string_view method) {
  families_->calls(protocol).Begin(method);
}

void Metrics::EndCall(Protocol protocol,
                      std::string_view method,
                      absl::StatusCode code,
                      absl::Duration elapsed) {
  families_->calls(protocol).End(method, code, elapsed);
}

void Metrics::CountIngestedRows(int64_t count) {
  families_->ingested_rows.Increment(static_cast<double>(count));
}

void Metrics::EndRefit(absl::StatusCode code, absl::Duration elapsed) {
  families_->refits.Add({{"code", std::string(CodeRowOf(code).grpc_name)}}).Increment();
  families_->refit_seconds.Observe(absl::ToDoubleSeconds(elapsed));
}

void Metrics::CountLostLease() { families_->lost_leases.Increment(); }

std::string Metrics::Text(const Gauges& gauges) {
  families_->active_leases.Set(static_cast<double>(gauges.active_lease_count));
  for (const auto& [state, count] : gauges.jobs_by_state) {
    families_->jobs.Add({{"state", state}}).Set(static_cast<double>(count));
  }
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace bitbudget::server
