// The current fit of every study, for questions to read, and those who wait for
// one that covers a revision.
//
// A snapshot is immutable and shared: readers copy a pointer under a short
// mutex and never wait for a fit. Who waits holds no thread: it leaves a function
// behind. Thread-safe.

#ifndef BITBUDGET_SERVER_SNAPSHOTS_H_
#define BITBUDGET_SERVER_SNAPSHOTS_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/fit.pb.h"
#include "server/call_context.h"
#include "server/change_feed.h"
#include "server/convert_fit.h"

namespace bitbudget::server {

// A stored fit, ready to answer.
struct FitSnapshot {
  v1::Fit fit;  // without its inputs and its draws
  AnsweringLaw law;
};

// Builds the snapshot of a stored fit. Errors as ToAnsweringLaw.
absl::StatusOr<std::shared_ptr<const FitSnapshot>> MakeSnapshot(v1::Fit fit);

// Where a study stands at one moment.
struct StudyState {
  // Distinguishes studies that had the same name one after the other.
  int64_t generation = 0;
  int64_t revision = 0;  // newest revision known
  // Current fit; null if there is none. Shared with questions that are being
  // answered from it.
  std::shared_ptr<const FitSnapshot> snapshot;
  // Newest revision whose refit ended without a fit, and why; 0 if there is
  // none.
  int64_t failed_revision = 0;
  absl::Status failure;

  int64_t covered_revision() const { return snapshot ? snapshot->fit.revision() : 0; }
  // True if the newest revision could not be fitted.
  bool has_failed() const {
    return failed_revision == revision && covered_revision() < revision && !failure.ok();
  }
};

class SnapshotRegistry {
 public:
  // Called once, with the state that satisfies the wait or the reason why none
  // will.
  using Ready = std::function<void(absl::StatusOr<StudyState>)>;

  // At most `waiter_limit` wait at a time.
  explicit SnapshotRegistry(int waiter_limit);
  // Drains.
  ~SnapshotRegistry();

  SnapshotRegistry(const SnapshotRegistry&) = delete;
  SnapshotRegistry& operator=(const SnapshotRegistry&) = delete;

  // Makes a study known; no effect if it is.
  void AddStudy(const std::string& study, int64_t revision);
  // Forgets it. Those who wait for it get NOT_FOUND.
  void RemoveStudy(const std::string& study);
  // Raises the newest revision known; never lowers it.
  void AdvanceRevision(const std::string& study, int64_t revision);

  // Makes `snapshot` the current fit unless the current one covers a higher
  // revision. No effect if the study is not of `generation` any more.
  void Publish(const std::string& study,
               int64_t generation,
               std::shared_ptr<const FitSnapshot> snapshot);
  // Records that the refit of `revision` failed. No effect as above.
  void RecordFailure(const std::string& study,
                     int64_t generation,
                     int64_t revision,
                     const absl::Status& failure);

  // NOT_FOUND if there is no such study.
  absl::StatusOr<StudyState> Find(const std::string& study) const;

  // The state of the study if it has a fit that covers `min_revision` (0: any
  // fit); nullopt if one may come.
  //
  // Errors:
  // - NOT_FOUND: no such study. OUT_OF_RANGE: it has no such revision.
  // - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: it has no fit, or the newest
  //   revision could not be fitted; says why and what to do.
  // - UNAVAILABLE, DATA_LOSS, INTERNAL: a fault of the machine, not of the data,
  //   kept the newest revision from being fitted, with the details of that fault.
  absl::StatusOr<std::optional<StudyState>> FindCovering(const std::string& study,
                                                         int64_t min_revision) const;

  // Calls `ready` as soon as FindCovering has an answer, on the thread that
  // brings it; on this thread if it has one now. Further errors:
  // - DEADLINE_EXCEEDED, REFIT_NOT_READY: the deadline of `call`, or 60 s, passed.
  // - CANCELLED: `call` was cancelled.
  // - RESOURCE_EXHAUSTED, TOO_MANY_WAITING; UNAVAILABLE, SHUTTING_DOWN.
  void Await(const CallContext& call, const std::string& study, int64_t min_revision, Ready ready);

  // Tells of every change of what Find returns for a study; borrows this.
  std::shared_ptr<ChangeFeed::Subscription> Watch(ChangeFeed::Interest interest) {
    return feed_.Subscribe(std::move(interest));
  }

  // Ends all waits with UNAVAILABLE and refuses further ones; ends all watches.
  void Drain();

 private:
  struct Waiter {
    std::string study;
    int64_t min_revision = 0;
    absl::Time deadline;
    std::function<bool()> cancelled;
    Ready ready;
  };
  // A wait that has ended, to be told so outside the mutex.
  struct Ended {
    Ready ready;
    absl::StatusOr<StudyState> result;
  };

  // Those whose names end in Locked, and those that take waits out, are called with mutex_ held.
  absl::StatusOr<std::optional<StudyState>> FindCoveringLocked(const std::string& study,
                                                               int64_t min_revision) const;
  // Takes the waits that have an answer out of the list.
  std::vector<Ended> TakeAnswered(const std::string& study);
  std::vector<Ended> TakeExpired();
  static void Tell(std::vector<Ended> ended);
  // Ends waits whose deadline has passed or whose call is gone.
  void WatchDeadlines();

  // Tells those who watch that a study has changed.
  void Announce(const std::string& study);

  ChangeFeed feed_;
  const int waiter_limit_;
  mutable std::mutex mutex_;  // guards what follows, down to the thread
  std::condition_variable has_news_;
  std::unordered_map<std::string, StudyState> studies_;
  std::list<Waiter> waiters_;
  int64_t last_generation_ = 0;
  bool is_draining_ = false;
  std::thread deadline_thread_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_SNAPSHOTS_H_
