// The rules about the calls that workers make.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>

#include "server/job_rules.h"
#include "server/training_shape.h"

namespace bitbudget::server {
namespace {

constexpr int kMostPoints = 1'000;
constexpr int kMostCheckpoints = 1'000;
constexpr int kMostCapabilities = 1'000;
constexpr size_t kLongestMessage = 1'000;
constexpr size_t kLongestPath = 1'000;
constexpr size_t kLongestCodeVersion = 200;
constexpr int64_t kMostTokens = 100'000'000'000'000'000;  // 1e17
constexpr double kMostSeconds = 1e9;
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kFullPrecisionBits = 16;
// Trainers take whole steps.
constexpr double kTokenTolerance = 0.01;

void Add(FieldViolations& violations, std::string_view field, std::string description) {
  violations.push_back({std::string(field), std::move(description)});
}

void CheckAttempt(FieldViolations& violations, int attempt) {
  CheckAtLeast(violations, "attempt", attempt, 1);
}

// A label that must be there.
void CheckName(FieldViolations& violations, std::string_view field, std::string_view value) {
  if (value.empty()) return Add(violations, field, "is required");
  CheckLabel(violations, field, value);
}

void CheckSeconds(FieldViolations& violations,
                  std::string_view field,
                  const google::protobuf::Duration& duration,
                  double lower,
                  double upper) {
  const double seconds = static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
  if (seconds >= lower && seconds <= upper) return;
  Add(violations, field, fmt::format("is {} s; must be {} to {} s", seconds, lower, upper));
}

template <typename Checkpoints>
void CheckCheckpoints(FieldViolations& violations, const Checkpoints& checkpoints) {
  CheckCount(violations, "checkpoints", checkpoints.size(), 0, kMostCheckpoints);
  for (int i = 0; i < std::min(checkpoints.size(), kMostCheckpoints); ++i) {
    const v1::Checkpoint& checkpoint = checkpoints[i];
    const std::string path = fmt::format("checkpoints[{}].", i);
    CheckCount(violations, path + "tokens", checkpoint.tokens(), 0, kMostTokens);
    if (checkpoint.path().empty()) Add(violations, path + "path", "is required");
    CheckText(violations, path + "path", checkpoint.path(), kLongestPath);
    CheckSha256(violations, path + "sha256", checkpoint.sha256());
  }
}

template <typename Points>
void CheckPoints(FieldViolations& violations, const Points& points) {
  CheckCount(violations, "points", points.size(), 0, kMostPoints);
  int64_t last = -1;
  for (int i = 0; i < std::min(points.size(), kMostPoints); ++i) {
    const v1::ProgressPoint& point = points[i];
    const std::string path = fmt::format("points[{}].", i);
    CheckCount(violations, path + "tokens", point.tokens(), last + 1, kMostTokens);
    CheckRange(violations, path + "loss_nats", point.loss_nats(), 0, kLargest);
    CheckRange(violations, path + "learning_rate", point.learning_rate(), 0, kLargest);
    CheckRange(violations, path + "tokens_per_second", point.tokens_per_second(), 0, kLargest);
    last = std::max(last, point.tokens());
  }
}

void CheckCapabilities(FieldViolations& violations, const v1::WorkerCapabilities& worker) {
  const std::string prefix = "capabilities.";
  CheckCount(violations, prefix + "trainers", worker.trainers_size(), 1, kMostCapabilities);
  for (int i = 0; i < std::min(worker.trainers_size(), kMostCapabilities); ++i) {
    CheckName(violations, fmt::format("{}trainers[{}]", prefix, i), worker.trainers(i));
  }
  CheckCount(violations, prefix + "data", worker.data_size(), 0, kMostCapabilities);
  for (int i = 0; i < std::min(worker.data_size(), kMostCapabilities); ++i) {
    const std::string path = fmt::format("{}data[{}].", prefix, i);
    CheckName(violations, path + "name", worker.data(i).name());
    CheckLabel(violations, path + "sha256", worker.data(i).sha256());
  }
  CheckAtLeast(violations, prefix + "memory_bytes", worker.memory_bytes(), 0);
  CheckRange(violations, prefix + "flops_per_second", worker.flops_per_second(), 0, kLargest);
  CheckText(violations, prefix + "code_version", worker.code_version(), kLongestCodeVersion);
}

void CheckTokens(FieldViolations& violations,
                 std::string_view field,
                 int64_t measured,
                 int64_t planned,
                 int64_t step_tokens) {
  const auto difference = static_cast<double>(std::abs(measured - planned));
  const double allowed = std::max(kTokenTolerance * static_cast<double>(planned),
                                  planned > 0 ? static_cast<double>(step_tokens) : 0.0);
  if (difference <= allowed) return;
  Add(violations,
      field,
      fmt::format(
          "is {}; the job has {}, and one percent or one step is allowed", measured, planned));
}

}  // namespace

FieldViolations Validate(const v1::LeaseJobRequest& request) {
  FieldViolations violations;
  if (!request.parent().empty() && request.parent() != kAllStudies) {
    CheckStudyName(violations, "parent", request.parent());
  }
  CheckName(violations, "worker", request.worker());
  CheckCapabilities(violations, request.capabilities());
  if (request.has_remaining_wall_time()) {
    CheckSeconds(violations, "remaining_wall_time", request.remaining_wall_time(), 0, kMostSeconds);
  }
  if (request.has_wait()) CheckSeconds(violations, "wait", request.wait(), 0, 60);
  if (request.has_lease()) CheckSeconds(violations, "lease", request.lease(), 5, 3'600);
  CheckRequestId(violations, request.request_id());
  return violations;
}

FieldViolations Validate(const v1::ReportProgressRequest& request) {
  FieldViolations violations;
  CheckJobName(violations, "name", request.name());
  CheckAttempt(violations, request.attempt());
  CheckPoints(violations, request.points());
  CheckCheckpoints(violations, request.checkpoints());
  return violations;
}

FieldViolations Validate(const v1::CompleteJobRequest& request) {
  FieldViolations violations;
  CheckJobName(violations, "name", request.name());
  CheckAttempt(violations, request.attempt());
  CheckPoints(violations, request.points());
  CheckCheckpoints(violations, request.checkpoints());
  const v1::RunStatistics& statistics = request.statistics();
  const std::string prefix = "statistics.";
  CheckLabel(violations, prefix + "run_hash", statistics.run_hash());
  CheckRange(violations, prefix + "train_seconds", statistics.train_seconds(), 0, kLargest);
  CheckRange(violations, prefix + "tokens_per_second", statistics.tokens_per_second(), 0, kLargest);
  CheckRange(violations, prefix + "flops", statistics.flops(), 0, kLargest);
  CheckRange(violations, prefix + "gemm_share", statistics.gemm_share(), 0, kLargest);
  CheckAtLeast(violations, prefix + "peak_memory_bytes", statistics.peak_memory_bytes(), 0);
  CheckAtLeast(violations, prefix + "reused_tokens", statistics.reused_tokens(), 0);
  return violations;
}

FieldViolations Validate(const v1::FailJobRequest& request) {
  FieldViolations violations;
  CheckJobName(violations, "name", request.name());
  CheckAttempt(violations, request.attempt());
  const v1::JobFailure& failure = request.failure();
  if (failure.kind() == v1::JobFailure::KIND_UNSPECIFIED ||
      !v1::JobFailure::Kind_IsValid(failure.kind())) {
    Add(violations, "failure.kind", "is required: TRANSIENT, INVALID or DIVERGED");
  }
  if (failure.message().empty()) Add(violations, "failure.message", "is required");
  CheckText(violations, "failure.message", failure.message(), kLongestMessage);
  return violations;
}

FieldViolations Validate(const v1::ReleaseJobRequest& request) {
  FieldViolations violations;
  CheckJobName(violations, "name", request.name());
  CheckAttempt(violations, request.attempt());
  CheckCheckpoints(violations, request.checkpoints());
  return violations;
}

FieldViolations Validate(const v1::DrainWorkerRequest& request) {
  FieldViolations violations;
  CheckName(violations, "worker", request.worker());
  return violations;
}

FieldViolations ValidateResult(const v1::Experiment& experiment, const v1::Job& job) {
  FieldViolations violations;
  const v1::TrainingSpec& training = job.training();
  const int64_t parameters = BlockParameters(training.model());
  if (experiment.parameters() != parameters) {
    Add(violations,
        "parameters",
        fmt::format("is {}; the job's model has {}", experiment.parameters(), parameters));
  }
  const double bits =
      training.quantization().has_bits() ? training.quantization().bits() : kFullPrecisionBits;
  if (experiment.weight_bits() != bits) {
    Add(violations,
        "weight_bits",
        fmt::format("is {}; the job has {}", experiment.weight_bits(), bits));
  }
  if (experiment.replicate() != training.seed()) {
    Add(violations,
        "replicate",
        fmt::format("is {}; the job has seed {}", experiment.replicate(), training.seed()));
  }
  const v1::TrainingSchedule& schedule = training.schedule();
  const int64_t step = StepTokens(training);
  CheckTokens(violations, "fp_tokens", experiment.fp_tokens(), schedule.fp_tokens(), step);
  CheckTokens(violations, "qat_tokens", experiment.qat_tokens(), schedule.qat_tokens(), step);
  return violations;
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace bitbudget::server
