// Refits studies as their data change.
//
// One thread fits one study at a time; changes that arrive meanwhile are one
// refit of the newest revision. A refit starts warm from the fit before it, and
// from scratch when the options changed, when fitter::NeedsColdSearch says so, and
// the first time after a start. The fit is stored with all its inputs, then
// published. No lock is held while fitting. Thread-safe.

#ifndef BITBUDGET_SERVER_REFIT_SCHEDULER_H_
#define BITBUDGET_SERVER_REFIT_SCHEDULER_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "bitbudget/v1/study.pb.h"
#include "db/store.h"
#include "server/compute_fit.h"
#include "server/row_cache.h"
#include "server/snapshots.h"

namespace bitbudget::server {

// The parts that fits are made with; all borrowed, all outlive the user.
struct FitParts {
  db::Store& store;
  SnapshotRegistry& registry;
  RowCache& rows;
  // Held shared while something is stored for a study that must still be the
  // same one, exclusively while a study is deleted.
  std::shared_mutex& deletion_mutex;
};

// Stores a fit of the study that had `generation` and, if it has the study's own
// options, publishes it. Returns the stored fit. NOT_FOUND if the study has been
// deleted since.
absl::StatusOr<v1::Fit> StoreAndPublish(const FitParts& parts,
                                        const std::string& study,
                                        int64_t generation,
                                        const v1::Fit& fit,
                                        const db::RequestKey& request);

class RefitScheduler {
 public:
  explicit RefitScheduler(const FitParts& parts) : parts_(parts) {}
  // Stops.
  ~RefitScheduler();

  RefitScheduler(const RefitScheduler&) = delete;
  RefitScheduler& operator=(const RefitScheduler&) = delete;

  // Makes all stored studies known to the registry, publishes their last fits,
  // schedules those whose data have moved on, and starts working. Call once. A
  // fit that cannot be loaded is computed again.
  absl::Status Start();

  // Tells that the data of a study have a newer revision. Returns at once.
  void Schedule(const std::string& study);

  // Tells that a study is gone: stops its refit.
  void Forget(const std::string& study);

  // Cancels the refit under way and ends the thread. May be called again.
  void Stop();

  // Refits begun since the start, for tests and logs.
  int64_t refit_count() const { return refit_count_.load(); }

 private:
  // The fit from which the next one starts.
  struct Previous {
    int64_t generation = 0;
    fitter::FitResult result;
    std::string law;
    v1::FitOptions options;
    v1::ParameterConvention convention = v1::NON_EMBEDDING;
    int64_t row_count_at_cold_search = 0;
  };

  void Run();
  // Waits for the next study; nullopt once stopped.
  std::optional<std::string> NextStudy();
  // Makes those studies pending whose time to be tried again has come. Called with
  // mutex_ held.
  void TakeDueRetries();
  // Refits one study, and records a failure.
  void Refit(const std::string& study);
  absl::Status TryRefit(const std::string& name, const StudyState& state, int64_t* revision);
  absl::Status FitAndPublish(const StudyState& state, const v1::Study& study);
  // Computes a fit, warm if that will do.
  absl::StatusOr<ComputedFit> Compute(const std::string& name,
                                      int64_t generation,
                                      const v1::Study& study,
                                      const FittingRows& rows);
  // A task that starts from the fit before; nullopt if none is comparable.
  std::optional<FitTask> WarmTask(const Previous* previous, const FitTask& cold) const;
  absl::Status LoadStudy(const v1::Study& study);

  const FitParts parts_;
  std::map<std::string, Previous> previous_;  // of the thread alone
  std::atomic<int64_t> refit_count_ = 0;
  // True tells the refit under way to give up.
  std::atomic<bool> is_cancelled_ = false;

  std::mutex mutex_;  // guards what follows, down to the thread
  std::condition_variable has_news_;
  std::deque<std::string> pending_;
  // Studies to try again after a fault of the machine, and when.
  std::map<std::string, std::chrono::steady_clock::time_point> retries_;
  std::string running_;
  bool is_stopped_ = false;
  std::thread thread_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_REFIT_SCHEDULER_H_
