#include "server/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "server/call_gate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(60);
// How soon a call that was cancelled stops waiting.
constexpr std::chrono::milliseconds kCancellationPoll(50);

absl::Status TooManyWaiting(int limit) {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   fmt::format("{} calls wait for a refit already, the most that may; ask again "
                               "later or without min_revision",
                               limit),
                   {.reason = "TOO_MANY_WAITING", .retry_delay_seconds = 1});
}

absl::Status WaitedTooLong(const std::string& study, int64_t min_revision) {
  return MakeError(absl::StatusCode::kDeadlineExceeded,
                   fmt::format("no fit of {} covered revision {} in time; ask again with a later "
                               "deadline, or without min_revision for the fit of an earlier one",
                               study,
                               min_revision),
                   {.reason = "REFIT_NOT_READY"});
}

// True if the machine failed rather than the data: the storage, a bug.
bool IsFault(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
         code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kInternal ||
         code == absl::StatusCode::kUnknown;
}

// A failed refit as the answer to a question: what the data lack, or what broke.
absl::Status RefitFailed(const StudyState& state) {
  const std::optional<ErrorDetails> details = GetErrorDetails(state.failure);
  if (details && details->reason == "DATA_CANNOT_ANSWER") return state.failure;
  const std::string explanation = fmt::format("The refit of revision {} failed: {}",
                                              state.failed_revision,
                                              std::string(state.failure.message()));
  if (!IsFault(state.failure.code())) return DataCannotAnswer({}, explanation);
  return MakeError(
      state.failure.code(), explanation, details.value_or(ErrorDetails{.reason = "INTERNAL"}));
}

absl::Status NoFitYet(const std::string& study, const StudyState& state) {
  if (state.revision == 0) {
    return DataCannotAnswer({{.axis = "experiments", .level_count = 0, .needed_level_count = 1}},
                            fmt::format("{} has no experiments; import measured runs", study));
  }
  return DataCannotAnswer(
      {},
      fmt::format(
          "The first fit of {} is still being computed; pass min_revision {} to wait for it",
          study,
          state.revision));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const FitSnapshot>> MakeSnapshot(v1::Fit fit) {
  auto snapshot = std::make_shared<FitSnapshot>();
  ASSIGN_OR_RETURN(snapshot->law, ToAnsweringLaw(fit));
  fit.clear_inputs();
  fit.clear_bootstrap();
  snapshot->fit = std::move(fit);
  return snapshot;
}

SnapshotRegistry::SnapshotRegistry(int waiter_limit)
    : waiter_limit_(waiter_limit), deadline_thread_([this] { WatchDeadlines(); }) {}

SnapshotRegistry::~SnapshotRegistry() {
  Drain();
  deadline_thread_.join();
}

void SnapshotRegistry::AddStudy(const std::string& study, int64_t revision) {
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = studies_.try_emplace(study);
  if (!is_new) return;
  entry->second.generation = ++last_generation_;
  entry->second.revision = revision;
}

void SnapshotRegistry::RemoveStudy(const std::string& study) {
  std::vector<Ended> ended;
  {
    const std::lock_guard lock(mutex_);
    studies_.erase(study);
    ended = TakeAnswered(study);
  }
  Announce(study);
  Tell(std::move(ended));
}

void SnapshotRegistry::AdvanceRevision(const std::string& study, int64_t revision) {
  {
    const std::lock_guard lock(mutex_);
    const auto entry = studies_.find(study);
    if (entry == studies_.end()) return;
    entry->second.revision = std::max(entry->second.revision, revision);
  }
  Announce(study);
}

void SnapshotRegistry::Publish(const std::string& study,
                               int64_t generation,
                               std::shared_ptr<const FitSnapshot> snapshot) {
  std::vector<Ended> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = studies_.find(study);
    if (entry == studies_.end() || entry->second.generation != generation) return;
    StudyState& state = entry->second;
    if (snapshot->fit.revision() < state.covered_revision()) return;
    state.revision = std::max(state.revision, snapshot->fit.revision());
    state.snapshot = std::move(snapshot);
    ended = TakeAnswered(study);
  }
  Announce(study);
  Tell(std::move(ended));
}

void SnapshotRegistry::RecordFailure(const std::string& study,
                                     int64_t generation,
                                     int64_t revision,
                                     const absl::Status& failure) {
  std::vector<Ended> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = studies_.find(study);
    if (entry == studies_.end() || entry->second.generation != generation) return;
    StudyState& state = entry->second;
    state.revision = std::max(state.revision, revision);
    state.failed_revision = revision;
    state.failure = failure;
    ended = TakeAnswered(study);
  }
  Announce(study);
  Tell(std::move(ended));
}

absl::StatusOr<StudyState> SnapshotRegistry::Find(const std::string& study) const {
  const std::lock_guard lock(mutex_);
  const auto entry = studies_.find(study);
  if (entry == studies_.end()) return NotFound("study", study);
  return entry->second;
}

absl::StatusOr<std::optional<StudyState>> SnapshotRegistry::FindCovering(
    const std::string& study, int64_t min_revision) const {
  const std::lock_guard lock(mutex_);
  return FindCoveringLocked(study, min_revision);
}

absl::StatusOr<std::optional<StudyState>> SnapshotRegistry::FindCoveringLocked(
    const std::string& study, int64_t min_revision) const {
  const auto entry = studies_.find(study);
  if (entry == studies_.end()) return NotFound("study", study);
  const StudyState& state = entry->second;
  if (min_revision > state.revision) {
    return OutOfRangeField(
        "source.min_revision",
        fmt::format("is {}; the newest revision of {} is {}", min_revision, study, state.revision));
  }
  if (state.snapshot && state.covered_revision() >= min_revision) return std::optional(state);
  if (state.has_failed()) return RefitFailed(state);
  if (min_revision == 0) return NoFitYet(study, state);
  return std::optional<StudyState>();
}

void SnapshotRegistry::Await(const CallContext& call,
                             const std::string& study,
                             int64_t min_revision,
                             Ready ready) {
  absl::StatusOr<StudyState> result;
  {
    const std::lock_guard lock(mutex_);
    absl::StatusOr<std::optional<StudyState>> found = FindCoveringLocked(study, min_revision);
    if (!found.ok()) {
      result = found.status();
    } else if (*found) {
      result = **found;
    } else if (is_draining_) {
      result = ShuttingDown();
    } else if (static_cast<int>(waiters_.size()) >= waiter_limit_) {
      result = TooManyWaiting(waiter_limit_);
    } else {
      const absl::Time deadline = std::min(call.deadline, absl::Now() + kLongestWait);
      waiters_.push_back({study, min_revision, deadline, call.cancelled, std::move(ready)});
      has_news_.notify_all();
      return;
    }
  }
  ready(std::move(result));
}

void SnapshotRegistry::Announce(const std::string& study) { feed_.Publish({study + "/fits"}); }

void SnapshotRegistry::Drain() {
  feed_.Drain();
  std::vector<Ended> ended;
  {
    const std::lock_guard lock(mutex_);
    is_draining_ = true;
    for (Waiter& waiter : waiters_) ended.push_back({std::move(waiter.ready), ShuttingDown()});
    waiters_.clear();
    has_news_.notify_all();
  }
  Tell(std::move(ended));
}

std::vector<SnapshotRegistry::Ended> SnapshotRegistry::TakeAnswered(const std::string& study) {
  std::vector<Ended> ended;
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto current = waiter++;
    if (current->study != study) continue;
    absl::StatusOr<std::optional<StudyState>> found =
        FindCoveringLocked(study, current->min_revision);
    if (found.ok() && !*found) continue;
    ended.push_back({std::move(current->ready),
                     found.ok() ? absl::StatusOr<StudyState>(**found) : found.status()});
    waiters_.erase(current);
  }
  return ended;
}

std::vector<SnapshotRegistry::Ended> SnapshotRegistry::TakeExpired() {
  std::vector<Ended> ended;
  const absl::Time now = absl::Now();
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto current = waiter++;
    const bool is_late = current->deadline <= now;
    if (!is_late && !current->cancelled()) continue;
    ended.push_back({std::move(current->ready),
                     is_late ? WaitedTooLong(current->study, current->min_revision)
                             : absl::CancelledError("the caller is gone")});
    waiters_.erase(current);
  }
  return ended;
}

void SnapshotRegistry::Tell(std::vector<Ended> ended) {
  for (Ended& end : ended) end.ready(std::move(end.result));
}

void SnapshotRegistry::WatchDeadlines() {
  std::unique_lock lock(mutex_);
  for (;;) {
    has_news_.wait(lock, [this] { return is_draining_ || !waiters_.empty(); });
    if (has_news_.wait_for(lock, kCancellationPoll, [this] { return is_draining_; })) return;
    std::vector<Ended> ended = TakeExpired();
    lock.unlock();
    Tell(std::move(ended));
    lock.lock();
  }
}

}  // namespace bitbudget::server
