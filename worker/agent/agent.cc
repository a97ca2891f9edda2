#include "worker/agent/agent.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "util/clock.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "worker/agent/delivery.h"
#include "worker/data/token_file.h"

namespace bitbudget::agent {
namespace {

constexpr char kTrainerName[] = "bitbudget-train";
constexpr absl::Duration kLeaseWait = absl::Seconds(30);
constexpr absl::Duration kFirstWait = absl::Seconds(1);
constexpr int kMostDoublings = 6;

absl::Duration Now() { return Clock::System()->Steady(); }

void SetDuration(absl::Duration value, google::protobuf::Duration& target) {
  target.set_seconds(absl::ToInt64Seconds(value));
  target.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(value - absl::Seconds(target.seconds()))));
}

}  // namespace

Agent::Agent(const Context& context) : context_(context), last_job_(Now()) {}

absl::Status Agent::Run() {
  RETURN_IF_ERROR(ReadCapabilities());
  while (!IsTimeToLeave()) {
    const auto lease = Lease();
    if (!lease.ok()) {
      if (!IsTransient(lease.status())) return lease.status();
      spdlog::warn("no lease error=\"{}\"", std::string(lease.status().message()));
      WaitAfterTrouble();
      continue;
    }
    if (lease->drain()) {
      spdlog::info("the server tells this worker to leave");
      break;
    }
    if (!lease->has_job()) {
      troubles_ = 0;
      continue;
    }
    const JobEnd end = JobRun(context_, *lease).Run();
    last_job_ = Now();
    if (end.flops_per_second > 0) capabilities_.set_flops_per_second(end.flops_per_second);
    if (end.kind == JobEnd::Kind::kTroubled) {
      WaitAfterTrouble();
    } else {
      troubles_ = 0;
    }
  }
  DeliverSpooled(context_.client, context_.work).IgnoreError();
  spdlog::info("leaving");
  return absl::OkStatus();
}

absl::Status Agent::ReadCapabilities() {
  const Options& options = context_.options;
  if (access(options.trainer.c_str(), X_OK) != 0) {
    return MakeError(absl::StatusCode::kNotFound,
                     fmt::format("there is no trainer at {}; build it with preset worker, or "
                                 "name it with --trainer",
                                 options.trainer),
                     {.reason = "TRAINER_NOT_FOUND"});
  }
  capabilities_.add_trainers(kTrainerName);
  capabilities_.set_memory_bytes(options.memory_bytes);
  capabilities_.set_code_version("bitbudget " BITBUDGET_VERSION);
  for (const auto& [name, path] : options.data) {
    ASSIGN_OR_RETURN(const auto file, worker::TokenFile::Open(path));
    v1::WorkerCapabilities::Data& data = *capabilities_.add_data();
    data.set_name(name);
    data.set_sha256(file->sha256_hex());
    spdlog::info("data name={} sha256={} path={}", name, data.sha256(), path);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::LeaseJobResponse> Agent::Lease() {
  // A server that comes back between the two calls would hand out once more the job
  // of a result that is kept here.
  const absl::Status delivered = DeliverSpooled(context_.client, context_.work);
  if (absl::IsUnavailable(delivered)) return delivered;
  const Options& options = context_.options;
  v1::LeaseJobRequest request;
  request.set_parent(options.study);
  request.set_worker(options.name);
  *request.mutable_capabilities() = capabilities_;
  const absl::Duration remaining = context_.drain_at - Now();
  if (remaining != absl::InfiniteDuration()) {
    SetDuration(std::max(remaining, absl::ZeroDuration()), *request.mutable_remaining_wall_time());
  }
  const absl::Duration idle_left = options.idle_exit - (Now() - last_job_);
  const absl::Duration wait = std::min({kLeaseWait, remaining, idle_left});
  SetDuration(std::max(wait, absl::ZeroDuration()), *request.mutable_wait());
  SetDuration(options.lease, *request.mutable_lease());
  context_.shutdown.SetIdle(true);
  auto response = context_.client.LeaseJob(std::move(request));
  context_.shutdown.SetIdle(false);
  return response;
}

void Agent::WaitAfterTrouble() {
  const absl::Duration wait = kFirstWait * (1 << std::min(troubles_++, kMostDoublings));
  const absl::Duration idle_left = context_.options.idle_exit - (Now() - last_job_);
  context_.shutdown.Wait(
      std::max(std::min({wait, context_.drain_at - Now(), idle_left}), absl::ZeroDuration()));
}

bool Agent::IsTimeToLeave() const {
  if (context_.shutdown.requested()) return true;
  if (Now() >= context_.drain_at) {
    spdlog::info("the wall time is nearly over");
    return true;
  }
  if (Now() - last_job_ < context_.options.idle_exit) return false;
  spdlog::info("idle for {}", absl::FormatDuration(context_.options.idle_exit));
  return true;
}

}  // namespace bitbudget::agent
