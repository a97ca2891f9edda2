#include "worker/run/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "worker/engine/gemm.h"
#include "worker/run/trainer.h"

namespace bitbudget::worker {
namespace {

// Of the loss of guessing all tokens alike; a model that has learned anything at all
// is below 1.
constexpr double kRunawayShare = 2;

int64_t PeakMemoryBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

// A run under way.
class Run {
 public:
  Run(RunConfig config, const RunOptions& options, Reporter& reporter)
      : config_(std::move(config)), options_(options), reporter_(reporter) {}

  absl::Status Prepare();
  absl::StatusOr<Outcome> Train(const std::atomic<bool>& stop);

 private:
  std::string PathOf(const std::string& name) const {
    return (std::filesystem::path(options_.checkpoint_directory) / name).string();
  }
  bool keeps_checkpoints() const { return !options_.checkpoint_directory.empty(); }
  absl::Duration Now() const { return Clock::System()->Steady(); }

  absl::Status RestoreState();
  absl::Status WriteMilestone();
  void WriteLatest();
  void ReportStart();
  void ReportProgress(const StepReport& report);
  bool HasRunAway(double loss_nats) const;
  Outcome ReportResult();
  absl::Status AfterStep(const StepReport& report);

  RunConfig config_;
  RunOptions options_;
  Reporter& reporter_;
  std::unique_ptr<TokenFile> data_;
  std::unique_ptr<Trainer> trainer_;
  double gemm_rate_ = 0;

  int64_t start_step_ = 0;
  absl::Duration train_time_;
  absl::Duration train_start_;
  absl::Duration last_checkpoint_;
  absl::Duration last_progress_;
  double loss_since_progress_ = 0;
  int64_t steps_since_progress_ = 0;
  double last_loss_ = 0;  // of the last step
};

absl::Status Run::Prepare() {
  if (!config_.milestone_tokens.empty() && !keeps_checkpoints()) {
    return InvalidField("milestone_tokens", "need a directory for checkpoints");
  }
  ASSIGN_OR_RETURN(data_, TokenFile::Open(config_.data_path));
  RETURN_IF_ERROR(BindToData(*data_, config_));
  ASSIGN_OR_RETURN(trainer_, Trainer::Create(config_, *data_));
  RETURN_IF_ERROR(RestoreState());
  start_step_ = trainer_->step();
  gemm_rate_ =
      options_.gemm_flops_per_second > 0 ? options_.gemm_flops_per_second : MeasureGemmRate();
  ReportStart();
  return absl::OkStatus();
}

absl::Status Run::RestoreState() {
  std::string path = config_.start_checkpoint;
  if (options_.resume && keeps_checkpoints() && std::filesystem::exists(PathOf("latest.ckpt"))) {
    path = PathOf("latest.ckpt");
  }
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ReadCheckpoint(path));
  return trainer_->Restore(std::move(checkpoint));
}

void Run::ReportStart() {
  const ParameterLayout& layout = trainer_->layout();
  reporter_.Started({.config = config_,
                     .hashes = trainer_->hashes(),
                     .data_sha256 = data_->sha256_hex(),
                     .parameters = layout.block_parameters(),
                     .embedding_parameters = layout.embedding_parameters(),
                     .total_tokens = trainer_->total_steps() * config_.step_tokens(),
                     .start_tokens = trainer_->tokens(),
                     .step_flops = StepFlops(config_.model, config_.step_tokens()),
                     .gemm_flops_per_second = gemm_rate_,
                     .blas = BlasDescription()});
  if (const std::string overrides = BlasOverrides(); !overrides.empty()) {
    reporter_.Warning(overrides + " set: OpenBLAS may not use the fastest kernels");
  }
}

absl::StatusOr<Outcome> Run::Train(const std::atomic<bool>& stop) {
  train_start_ = last_checkpoint_ = last_progress_ = Now();
  while (trainer_->step() < trainer_->total_steps()) {
    if (stop) {
      WriteLatest();
      reporter_.Interrupted(trainer_->tokens());
      return Outcome::kInterrupted;
    }
    const StepReport report = trainer_->Step();
    if (report.diverged()) {
      reporter_.Diverged({.step = trainer_->step(),
                          .tokens = trainer_->tokens(),
                          .loss_nats = report.loss_nats,
                          .gradient_norm = report.gradient_norm});
      return Outcome::kDiverged;
    }
    RETURN_IF_ERROR(AfterStep(report));
  }
  train_time_ = Now() - train_start_;
  WriteLatest();
  return ReportResult();
}

absl::Status Run::AfterStep(const StepReport& report) {
  last_loss_ = report.loss_nats;
  loss_since_progress_ += report.loss_nats;
  ++steps_since_progress_;
  const absl::Duration now = Now();
  const bool last = trainer_->step() == trainer_->total_steps();
  if (last || now - last_progress_ >= options_.progress_interval) {
    ReportProgress(report);
    last_progress_ = now;
  }
  if (std::ranges::binary_search(config_.milestone_tokens, trainer_->tokens())) {
    RETURN_IF_ERROR(WriteMilestone());
  }
  if (now - last_checkpoint_ >= options_.checkpoint_interval) {
    WriteLatest();
    last_checkpoint_ = now;
  }
  return absl::OkStatus();
}

void Run::ReportProgress(const StepReport& report) {
  const double seconds = std::max(absl::ToDoubleSeconds(Now() - last_progress_), 1e-9);
  const auto steps = static_cast<double>(steps_since_progress_);
  reporter_.Progress(
      {.step = trainer_->step(),
       .tokens = trainer_->tokens(),
       .total_tokens = trainer_->total_steps() * config_.step_tokens(),
       .loss_nats = loss_since_progress_ / steps,
       .learning_rate = report.rate,
       .gradient_norm = report.gradient_norm,
       .tokens_per_second = steps * static_cast<double>(config_.step_tokens()) / seconds});
  loss_since_progress_ = 0;
  steps_since_progress_ = 0;
}

absl::Status Run::WriteMilestone() {
  const std::string path = PathOf(fmt::format("milestone-{}.ckpt", trainer_->tokens()));
  ASSIGN_OR_RETURN(const std::string hash, WriteCheckpoint(path, trainer_->Save()));
  reporter_.CheckpointWritten(
      {.path = path, .tokens = trainer_->tokens(), .sha256 = hash, .milestone = true});
  return absl::OkStatus();
}

void Run::WriteLatest() {
  if (!keeps_checkpoints()) return;
  const std::string path = PathOf("latest.ckpt");
  const auto hash = WriteCheckpoint(path, trainer_->Save());
  if (!hash.ok()) return reporter_.Warning(std::string(hash.status().message()));
  reporter_.CheckpointWritten({.path = path, .tokens = trainer_->tokens(), .sha256 = *hash});
}

// Training that ends at a finite loss far above that of guessing has diverged as
// well: such a loss is no measurement. Rounding after training may cost that much.
bool Run::HasRunAway(double loss_nats) const {
  const double guessing_nats = std::log(static_cast<double>(config_.model.vocabulary));
  return RoleOf(config_) != "POST_TRAINING" && loss_nats > kRunawayShare * guessing_nats;
}

Outcome Run::ReportResult() {
  const ParameterLayout& layout = trainer_->layout();
  const Schedule& schedule = trainer_->schedule();
  std::optional<Evaluation> evaluation;
  if (config_.evaluation_tokens > 0) evaluation = trainer_->Evaluate();
  const double loss = evaluation ? evaluation->loss_nats : last_loss_;
  if (HasRunAway(loss)) {
    reporter_.Diverged({.step = trainer_->step(),
                        .tokens = trainer_->tokens(),
                        .loss_nats = loss,
                        .gradient_norm = std::numeric_limits<double>::quiet_NaN()});
    return Outcome::kDiverged;
  }
  const double seconds = std::max(absl::ToDoubleSeconds(train_time_), 1e-9);
  const double step_flops = StepFlops(config_.model, config_.step_tokens());
  const auto steps = static_cast<double>(trainer_->step() - start_step_);
  FinishedEvent event{
      .config = config_,
      .hashes = trainer_->hashes(),
      .parameters = layout.block_parameters(),
      .embedding_parameters = layout.embedding_parameters(),
      .fp_tokens = schedule.fp_steps() * config_.step_tokens(),
      .qat_tokens = schedule.qat_steps() * config_.step_tokens(),
      .train_seconds = absl::ToDoubleSeconds(train_time_),
      .tokens_per_second = steps * static_cast<double>(config_.step_tokens()) / seconds,
      .flops = step_flops * static_cast<double>(schedule.total_steps()),
      .gemm_share = steps * step_flops / seconds / gemm_rate_,
      .peak_memory_bytes = PeakMemoryBytes()};
  if (evaluation) {
    event.loss_nats = evaluation->loss_nats;
    event.loss_stderr_nats = evaluation->loss_stderr_nats;
    event.evaluation_tokens = evaluation->tokens;
  }
  reporter_.Finished(event);
  return Outcome::kFinished;
}

absl::StatusOr<Outcome> PrepareAndTrain(const RunConfig& config,
                                        const RunOptions& options,
                                        const std::atomic<bool>& stop,
                                        Reporter& reporter) {
  Run run(config, options, reporter);
  RETURN_IF_ERROR(run.Prepare());
  return run.Train(stop);
}

}  // namespace

absl::StatusOr<Outcome> RunJob(const RunConfig& config,
                               const RunOptions& options,
                               const std::atomic<bool>& stop,
                               Reporter& reporter) {
  auto outcome = PrepareAndTrain(config, options, stop, reporter);
  if (!outcome.ok()) reporter.Failed(outcome.status());
  return outcome;
}

}  // namespace bitbudget::worker
