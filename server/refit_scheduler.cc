#include "server/refit_scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "server/convert.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/resource_names.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr int kStudiesAPage = 1'000;
// A full disk may have room again soon; nothing is gained by asking sooner.
constexpr std::chrono::seconds kRetryDelay(5);

bool MayPass(const absl::Status& failure) {
  return failure.code() == absl::StatusCode::kUnavailable;
}

}  // namespace

absl::StatusOr<v1::Fit> StoreAndPublish(const FitParts& parts,
                                        const std::string& study,
                                        int64_t generation,
                                        const v1::Fit& fit,
                                        const db::RequestKey& request) {
  const std::shared_lock lock(parts.deletion_mutex);
  ASSIGN_OR_RETURN(const StudyState state, parts.registry.Find(study));
  if (state.generation != generation) return NotFound("study", study);
  ASSIGN_OR_RETURN(v1::Fit stored, parts.store.InsertFit(study, fit, request));
  if (stored.standard_options()) {
    ASSIGN_OR_RETURN(auto snapshot, MakeSnapshot(stored));
    parts.registry.Publish(study, generation, std::move(snapshot));
  }
  return stored;
}

RefitScheduler::~RefitScheduler() { Stop(); }

absl::Status RefitScheduler::Start() {
  db::PageRequest page{.size = kStudiesAPage};
  do {
    ASSIGN_OR_RETURN(db::StudyPage studies, parts_.store.ListStudies(page));
    for (const v1::Study& study : studies.studies) RETURN_IF_ERROR(LoadStudy(study));
    page.token = studies.next_page_token;
  } while (!page.token.empty());
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

absl::Status RefitScheduler::LoadStudy(const v1::Study& study) {
  parts_.registry.AddStudy(study.name(), study.revision());
  ASSIGN_OR_RETURN(const StudyState state, parts_.registry.Find(study.name()));
  absl::StatusOr<v1::Fit> fit =
      parts_.store.GetFit(FormatFitName({study.name(), std::string(kLatestFitId)}));
  absl::Status loaded = fit.status();
  if (fit.ok()) {
    auto snapshot = MakeSnapshot(*std::move(fit));
    loaded = snapshot.status();
    if (snapshot.ok()) {
      parts_.registry.Publish(study.name(), state.generation, *std::move(snapshot));
    }
  }
  if (!loaded.ok() && loaded.code() != absl::StatusCode::kNotFound) {
    Log(LogLevel::kWarning,
        "fit not loaded",
        {{"study", study.name()}, {"error", std::string(loaded.message())}});
  }
  Schedule(study.name());
  return absl::OkStatus();
}

void RefitScheduler::Schedule(const std::string& study) {
  const std::lock_guard lock(mutex_);
  if (std::find(pending_.begin(), pending_.end(), study) != pending_.end()) return;
  pending_.push_back(study);
  has_news_.notify_all();
}

void RefitScheduler::Forget(const std::string& study) {
  const std::lock_guard lock(mutex_);
  std::erase(pending_, study);
  retries_.erase(study);
  if (running_ == study) is_cancelled_ = true;
}

void RefitScheduler::Stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    is_cancelled_ = true;
    has_news_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void RefitScheduler::Run() {
  while (const std::optional<std::string> study = NextStudy()) Refit(*study);
}

std::optional<std::string> RefitScheduler::NextStudy() {
  std::unique_lock lock(mutex_);
  running_.clear();
  for (;;) {
    TakeDueRetries();
    if (is_stopped_) return std::nullopt;
    if (!pending_.empty()) break;
    if (retries_.empty()) {
      has_news_.wait(lock);
    } else {
      has_news_.wait_for(lock, kRetryDelay);
    }
  }
  running_ = std::move(pending_.front());
  pending_.pop_front();
  retries_.erase(running_);
  is_cancelled_ = false;
  return running_;
}

void RefitScheduler::TakeDueRetries() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(retries_, [this, now](const auto& retry) {
    if (retry.second > now) return false;
    pending_.push_back(retry.first);
    return true;
  });
}

void RefitScheduler::Refit(const std::string& study) {
  const absl::StatusOr<StudyState> state = parts_.registry.Find(study);
  if (!state.ok()) {
    previous_.erase(study);
    parts_.rows.Forget(study);
    return;
  }
  int64_t revision = state->revision;
  const absl::Status outcome = TryRefit(study, *state, &revision);
  if (outcome.ok() || outcome.code() == absl::StatusCode::kCancelled ||
      outcome.code() == absl::StatusCode::kNotFound) {
    return;
  }
  Log(LogLevel::kWarning,
      "refit failed",
      {{"study", study},
       {"revision", std::to_string(revision)},
       {"error", std::string(outcome.message())}});
  parts_.registry.RecordFailure(study, state->generation, revision, outcome);
  if (!MayPass(outcome)) return;
  const std::lock_guard lock(mutex_);
  retries_[study] = std::chrono::steady_clock::now() + kRetryDelay;
}

absl::Status RefitScheduler::TryRefit(const std::string& name,
                                      const StudyState& state,
                                      int64_t* revision) {
  ASSIGN_OR_RETURN(const v1::Study study, parts_.store.GetStudy(name));
  *revision = study.revision();
  if (study.revision() == 0 || state.covered_revision() >= study.revision()) {
    return absl::OkStatus();
  }
  const absl::Duration begin = Clock::System()->Steady();
  const absl::Status outcome = FitAndPublish(state, study);
  Metrics::Process().EndRefit(outcome.code(), Clock::System()->Steady() - begin);
  return outcome;
}

absl::Status RefitScheduler::FitAndPublish(const StudyState& state, const v1::Study& study) {
  ASSIGN_OR_RETURN(const auto rows,
                   parts_.rows.Rows({.study = study.name(),
                                     .generation = state.generation,
                                     .convention = study.parameter_convention(),
                                     .revision = study.revision()}));
  ASSIGN_OR_RETURN(ComputedFit computed, Compute(study.name(), state.generation, study, *rows));
  computed.fit.set_standard_options(true);
  ASSIGN_OR_RETURN(const v1::Fit stored,
                   StoreAndPublish(parts_, study.name(), state.generation, computed.fit, {}));
  Log(LogLevel::kInfo,
      "refit",
      {{"fit", stored.name()},
       {"revision", std::to_string(study.revision())},
       {"rows", std::to_string(stored.experiment_count())},
       {"variant", stored.variant()},
       {"warm", stored.inputs().warm_starts().empty() ? "false" : "true"},
       {"seconds", fmt::format("{:.4f}", stored.compute_seconds())}});
  return absl::OkStatus();
}

absl::StatusOr<ComputedFit> RefitScheduler::Compute(const std::string& name,
                                                    int64_t generation,
                                                    const v1::Study& study,
                                                    const FittingRows& rows) {
  ++refit_count_;
  const auto cancelled = [this] { return is_cancelled_.load(std::memory_order_relaxed); };
  const FitTask cold{.law = study.law(),
                     .options = study.fit_options(),
                     .convention = study.parameter_convention(),
                     .rows = &rows};
  const auto found = previous_.find(name);
  const Previous* previous =
      found != previous_.end() && found->second.generation == generation ? &found->second : nullptr;
  const auto row_count = static_cast<int64_t>(rows.data.rows.size());

  if (const std::optional<FitTask> task = WarmTask(previous, cold)) {
    ASSIGN_OR_RETURN(ComputedFit warm, ComputeFit(*task, cancelled));
    const int64_t at_cold_search = previous->row_count_at_cold_search;
    if (!fitter::NeedsColdSearch(previous->result, warm.result, row_count - at_cold_search)) {
      found->second.result = warm.result;
      return warm;
    }
  }
  ASSIGN_OR_RETURN(ComputedFit computed, ComputeFit(cold, cancelled));
  previous_[name] = {.generation = generation,
                     .result = computed.result,
                     .law = cold.law,
                     .options = cold.options,
                     .convention = cold.convention,
                     .row_count_at_cold_search = row_count};
  return computed;
}

std::optional<FitTask> RefitScheduler::WarmTask(const Previous* previous,
                                                const FitTask& cold) const {
  if (previous == nullptr || !previous->result.law || previous->law != cold.law ||
      previous->convention != cold.convention ||
      !AreSameOptions(previous->options, cold.options, cold.law)) {
    return std::nullopt;
  }
  FitTask warm = cold;
  warm.warm_starts = {{.variant = previous->result.variant, .theta = previous->result.law->theta}};
  return warm;
}

}  // namespace bitbudget::server
