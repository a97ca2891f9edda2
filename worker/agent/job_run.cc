#include "worker/agent/job_run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "util/clock.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "worker/agent/delivery.h"
#include "worker/agent/trainer_config.h"
#include "worker/data/atomic_file.h"

namespace bitbudget::agent {
namespace {

// How often the agent looks up from the trainer's output.
constexpr absl::Duration kTick = absl::Milliseconds(100);
// Progress is reported this often, and well before the lease runs out.
constexpr absl::Duration kReportInterval = absl::Seconds(5);
constexpr double kLeaseShare = 1.0 / 3;
// A step of a large model and a checkpoint take less.
constexpr absl::Duration kStopGrace = absl::Seconds(30);
// A trainer that outlived its agent ends after its step.
constexpr absl::Duration kLockWait = absl::Seconds(30);
// What the server takes in one report.
constexpr int kMostPoints = 1'000;
constexpr size_t kLongestMessage = 900;

enum TrainerExitCode { kSuccess = 0, kDiverged = 3, kInterrupted = 4 };

absl::Duration Now() { return Clock::System()->Steady(); }

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

bool IsLeaseLost(const absl::Status& status) { return status.code() == absl::StatusCode::kAborted; }

bool IsHeld(v1::JobState state) { return state == v1::LEASED || state == v1::RUNNING; }
bool HasEnded(v1::JobState state) {
  return state == v1::SUCCEEDED || state == v1::FAILED || state == v1::CANCELLED;
}

int ThreadsOf(const v1::Job& job) { return std::max(1, job.training().threads()); }

// Every second point goes when there are more than one report can carry: the
// server was away for long.
void Thin(v1::ReportProgressRequest& report) {
  if (report.points_size() <= kMostPoints) return;
  std::vector<v1::ProgressPoint> kept;
  for (int i = 1; i < report.points_size(); i += 2) kept.push_back(report.points(i));
  report.mutable_points()->Assign(kept.begin(), kept.end());
}

}  // namespace

JobRun::JobRun(const Context& context, const v1::LeaseJobResponse& lease)
    : context_(context), job_(lease.job()), lease_(FromProto(lease.lease())) {
  if (lease.has_start_checkpoint()) start_ = lease.start_checkpoint();
  report_.set_name(job_.name());
  report_.set_attempt(job_.attempt());
}

JobEnd JobRun::Run() {
  spdlog::info("leased job={} attempt={} label=\"{}\"", job_.name(), job_.attempt(), job_.label());
  if (const absl::Status prepared = Prepare(); !prepared.ok()) {
    return Fail(v1::JobFailure::TRANSIENT, std::string(prepared.message()));
  }
  absl::StatusOr<TrainerEnd> end = Train();
  if (end.ok() && MayStartAnew(*end)) end = Train();
  const JobEnd result = Conclude(end);
  lock_.reset();
  if (result.kind == JobEnd::Kind::kDelivered) context_.work.RemoveFinished(folder_);
  context_.work.RemoveOld(context_.options.kept_bytes, folder_.path);
  return result;
}

absl::Status JobRun::Prepare() {
  ASSIGN_OR_RETURN(folder_, context_.work.JobFolder(job_));
  ASSIGN_OR_RETURN(lock_, FileLock::Take(folder_.Lock(), kLockWait));
  CheckStart();
  return absl::OkStatus();
}

// A start that cannot be read costs time, not the job: the same states are reached
// from the first token.
void JobRun::CheckStart() {
  if (!start_) return;
  const auto hash = CheckpointHash(start_->path());
  if (hash.ok() && (start_->sha256().empty() || *hash == start_->sha256())) return;
  spdlog::warn("training from the first token job={} checkpoint={} reason=\"{}\"",
               job_.name(),
               start_->path(),
               hash.ok() ? "it is another one by its hash" : std::string(hash.status().message()));
  start_.reset();
}

absl::StatusOr<std::unique_ptr<TrainerProcess>> JobRun::StartTrainer() const {
  const Options& options = context_.options;
  const std::string& name = job_.training().data().empty() ? "tokens" : job_.training().data();
  const auto data = options.data.find(name);
  if (data == options.data.end()) {
    return InvalidField("training.data", fmt::format("this worker has no '{}'", name));
  }
  RETURN_IF_ERROR(worker::WriteFileAtomically(
      folder_.Config(), {TrainerConfig(job_, data->second, start_ ? start_->path() : "")}));
  return TrainerProcess::Start(
      {.arguments = {options.trainer,
                     "run",
                     folder_.Config(),
                     "--checkpoints",
                     folder_.Checkpoints(),
                     "--resume",
                     "--format",
                     "json",
                     "--checkpoint-seconds",
                     fmt::to_string(absl::ToDoubleSeconds(options.checkpoint_interval)),
                     "--gemm-rate",
                     fmt::to_string(GemmRate()),
                     "--end-with-parent",
                     fmt::to_string(getpid())},
       .error_file = folder_.Errors(),
       .lock = lock_->descriptor(),
       .keep_blas_environment = options.keep_blas_environment});
}

double JobRun::GemmRate() const {
  const auto rate = context_.gemm_rates.find(ThreadsOf(job_));
  return rate == context_.gemm_rates.end() ? 0 : rate->second;
}

absl::StatusOr<TrainerEnd> JobRun::Train() {
  last_event_ = UnknownEvent();
  stop_ = Stop::kNone;
  ASSIGN_OR_RETURN(const std::unique_ptr<TrainerProcess> trainer, StartTrainer());
  absl::Duration last_line = Now();
  while (!trainer->output_ended()) {
    if (const auto line = trainer->ReadLine(kTick)) {
      last_line = Now();
      HandleLine(*line, *trainer);
    } else if (Now() - last_line >= context_.options.stall_limit) {
      StopTrainer(*trainer, Stop::kStalled);
    }
    if (context_.shutdown.requested() || Now() >= context_.drain_at) {
      StopTrainer(*trainer, Stop::kDrain);
    }
    if (Now() >= next_report_) Heartbeat(*trainer);
  }
  return trainer->Wait();
}

void JobRun::StopTrainer(TrainerProcess& trainer, Stop why) {
  if (stop_ != Stop::kNone) return;
  stop_ = why;
  trainer.Terminate(kStopGrace);
}

void JobRun::HandleLine(const std::string& line, TrainerProcess& trainer) {
  TrainerEvent event = ParseTrainerEvent(line);
  if (const auto* started = std::get_if<StartedEvent>(&event)) {
    HandleStart(*started, trainer);
  } else if (const auto* point = std::get_if<v1::ProgressPoint>(&event)) {
    *report_.add_points() = *point;
    Thin(report_);
  } else if (const auto* written = std::get_if<CheckpointEvent>(&event)) {
    if (written->milestone) *report_.add_checkpoints() = written->checkpoint;
  } else if (const auto* warning = std::get_if<WarningEvent>(&event)) {
    spdlog::warn("trainer job={} warning=\"{}\"", job_.name(), warning->message);
  } else if (!std::holds_alternative<UnknownEvent>(event)) {
    last_event_ = std::move(event);
  }
}

// A run that goes on after a crash does not write again the milestones that lie
// behind it: they are read from disk, and without one of them it begins anew.
void JobRun::HandleStart(const StartedEvent& event, TrainerProcess& trainer) {
  spdlog::info("training job={} from_tokens={}", job_.name(), event.start_tokens);
  next_report_ = Now();
  context_.gemm_rates[ThreadsOf(job_)] = event.gemm_flops_per_second;
  for (const int64_t tokens : job_.training().milestone_tokens()) {
    if (tokens > event.start_tokens) return;
    if (start_ && tokens <= job_.start_tokens()) continue;
    const std::string path = folder_.Milestone(tokens);
    const auto hash = CheckpointHash(path);
    if (!hash.ok()) {
      spdlog::warn("milestone lost, training anew job={} path={}", job_.name(), path);
      return StopTrainer(trainer, Stop::kRestart);
    }
    v1::Checkpoint& checkpoint = *report_.add_checkpoints();
    checkpoint.set_tokens(tokens);
    checkpoint.set_path(path);
    checkpoint.set_sha256(*hash);
  }
}

void JobRun::Heartbeat(TrainerProcess& trainer) {
  next_report_ = Now() + std::min(kReportInterval, lease_ * kLeaseShare);
  if (!has_lease_) return HandleLostLease(trainer);
  const auto response = context_.client.ReportProgress(report_);
  if (!response.ok()) {
    spdlog::warn("progress not reported job={} error=\"{}\"",
                 job_.name(),
                 std::string(response.status().message()));
    has_lease_ = !IsLeaseLost(response.status());
    return;
  }
  report_.clear_points();
  report_.clear_checkpoints();
  if (response->has_lease()) lease_ = FromProto(response->lease());
  // The server is there: what it missed need not wait for the end of this job.
  DeliverSpooled(context_.client, context_.work).IgnoreError();
  if (response->directive() == v1::STOP) {
    spdlog::info("stopped by the server job={} attempt={}", job_.name(), job_.attempt());
    StopTrainer(trainer, Stop::kAbandon);
  }
  if (response->directive() == v1::DRAIN) context_.shutdown.Request();
}

// The result of a lost lease is still worth having, unless the job has ended or
// another worker is at it.
void JobRun::HandleLostLease(TrainerProcess& trainer) {
  v1::GetJobRequest request;
  request.set_name(job_.name());
  const auto job = context_.client.GetJob(request);
  const bool useless =
      job.ok() ? HasEnded(job->state()) || IsHeld(job->state()) : !IsTransient(job.status());
  if (!useless) return;
  spdlog::info("abandoned job={} attempt={} state={}",
               job_.name(),
               job_.attempt(),
               job.ok() ? v1::JobState_Name(job->state()) : "gone");
  StopTrainer(trainer, Stop::kAbandon);
}

// A checkpoint that the trainer refuses must not end the job: without it the run
// only takes longer. Once.
bool JobRun::MayStartAnew(const TrainerEnd& end) {
  const auto* failed = std::get_if<FailedEvent>(&last_event_);
  const bool refused =
      end.code == 1 && failed != nullptr &&
      (failed->reason == "CHECKPOINT_DAMAGED" || failed->reason == "CHECKPOINT_MISMATCH" ||
       failed->reason == "CHECKPOINT_NOT_FOUND");
  if (started_anew_ || (!refused && stop_ != Stop::kRestart)) return false;
  started_anew_ = true;
  std::error_code ignored;
  const bool had_latest = std::filesystem::remove_all(folder_.Latest(), ignored) > 0;
  // Without a checkpoint of its own it was the start that was refused.
  if (refused && !had_latest) start_.reset();
  spdlog::warn("training anew job={} reason=\"{}\"",
               job_.name(),
               failed != nullptr ? failed->message : "milestone lost");
  return true;
}

JobEnd JobRun::Conclude(const absl::StatusOr<TrainerEnd>& end) {
  if (!end.ok()) return Fail(v1::JobFailure::TRANSIENT, std::string(end.status().message()));
  // A result counts even if the trainer was about to be stopped.
  if (end->code == kSuccess && std::holds_alternative<FinishedEvent>(last_event_)) {
    return Complete();
  }
  if (stop_ == Stop::kAbandon) return {JobEnd::Kind::kAbandoned};
  if (stop_ == Stop::kDrain) return Release();
  if (stop_ == Stop::kStalled) {
    return Fail(v1::JobFailure::TRANSIENT,
                fmt::format("the trainer said nothing for {} and was ended",
                            absl::FormatDuration(context_.options.stall_limit)));
  }
  return FailAfter(*end);
}

JobEnd JobRun::Complete() {
  const FinishedEvent& finished = std::get<FinishedEvent>(last_event_);
  v1::CompleteJobRequest request;
  request.set_name(job_.name());
  request.set_attempt(job_.attempt());
  if (job_.kind() != v1::TRUNK) *request.mutable_experiment() = finished.experiment;
  *request.mutable_statistics() = finished.statistics;
  if (start_) request.mutable_statistics()->set_reused_tokens(job_.start_tokens());
  *request.mutable_checkpoints() = report_.checkpoints();
  *request.mutable_points() = report_.points();
  const std::string loss = job_.kind() == v1::TRUNK
                               ? std::string("none")
                               : fmt::to_string(finished.experiment.loss_nats());
  spdlog::info("finished job={} loss_nats={} tokens_per_second={:.0f}",
               job_.name(),
               loss,
               finished.statistics.tokens_per_second());
  const absl::Status delivered = Deliver(context_.client, context_.work, request);
  if (!delivered.ok()) {
    spdlog::error("result lost job={} error=\"{}\"", job_.name(), std::string(delivered.message()));
    return {JobEnd::Kind::kTroubled};
  }
  const double tokens = static_cast<double>(job_.training().schedule().fp_tokens() +
                                            job_.training().schedule().qat_tokens());
  const double rate =
      finished.statistics.flops() * finished.statistics.tokens_per_second() / std::max(tokens, 1.0);
  return {JobEnd::Kind::kDelivered, rate};
}

JobEnd JobRun::Release() {
  v1::ReleaseJobRequest request;
  request.set_name(job_.name());
  request.set_attempt(job_.attempt());
  *request.mutable_checkpoints() = report_.checkpoints();
  const auto released = context_.client.ReleaseJob(request);
  spdlog::info(
      "released job={} attempt={} told_server={}", job_.name(), job_.attempt(), released.ok());
  return {JobEnd::Kind::kReleased};
}

JobEnd JobRun::Fail(v1::JobFailure::Kind kind, const std::string& message) {
  v1::FailJobRequest request;
  request.set_name(job_.name());
  request.set_attempt(job_.attempt());
  request.mutable_failure()->set_kind(kind);
  request.mutable_failure()->set_message(message.substr(0, kLongestMessage));
  const auto failed = context_.client.FailJob(request);
  spdlog::error("failed job={} attempt={} kind={} told_server={} reason=\"{}\"",
                job_.name(),
                job_.attempt(),
                v1::JobFailure::Kind_Name(kind),
                failed.ok(),
                message);
  return {kind == v1::JobFailure::TRANSIENT ? JobEnd::Kind::kTroubled : JobEnd::Kind::kFailed};
}

JobEnd JobRun::FailAfter(const TrainerEnd& end) {
  if (const auto* diverged = std::get_if<DivergedEvent>(&last_event_); end.code == kDiverged) {
    return Fail(v1::JobFailure::DIVERGED, diverged != nullptr ? diverged->message : "diverged");
  }
  if (const auto* failed = std::get_if<FailedEvent>(&last_event_)) {
    const bool invalid =
        failed->code == "INVALID_ARGUMENT" || failed->code == "FAILED_PRECONDITION";
    return Fail(invalid ? v1::JobFailure::INVALID : v1::JobFailure::TRANSIENT, failed->message);
  }
  const std::string how =
      end.signal != 0 ? fmt::format("the trainer was ended by signal {} ({}){}",
                                    end.signal,
                                    strsignal(end.signal),
                                    end.signal == SIGKILL ? ", perhaps for want of memory" : "")
      : end.code == kInterrupted
          ? "the trainer was interrupted from outside"
          : fmt::format("the trainer ended with code {} and without a result", end.code);
  const std::string last = LastErrorLine();
  return Fail(v1::JobFailure::TRANSIENT, last.empty() ? how : fmt::format("{}: {}", how, last));
}

std::string JobRun::LastErrorLine() const {
  std::ifstream file(folder_.Errors());
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last.substr(0, kLongestMessage / 2);
}

}  // namespace bitbudget::agent
