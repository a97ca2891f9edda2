// The server's core on a database of its own, as tests see it.

#ifndef BITBUDGET_TESTS_UNIT_SERVER_SERVER_FIXTURE_H_
#define BITBUDGET_TESTS_UNIT_SERVER_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "db/store.h"
#include "server/experiment_service.h"
#include "server/fit_service.h"
#include "server/planner_service.h"
#include "server/refit_scheduler.h"
#include "server/row_cache.h"
#include "server/snapshots.h"
#include "server/study_service.h"
#include "util/error.h"

namespace bitbudget::server::testing {

// What tests wait for at most; only a failure takes that long.
inline constexpr std::chrono::seconds kPatience(30);

// A result that another thread brings; waited for and read once. From the
// standard library: thread sanitizer does not see into Abseil's.
template <typename T>
class Outcome {
 public:
  void Set(T value) { promise_.set_value(std::move(value)); }
  bool IsThere() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  // DEADLINE_EXCEEDED if the test has lost its patience.
  T Get() {
    if (future_.wait_for(kPatience) != std::future_status::ready) {
      return absl::DeadlineExceededError("nothing came");
    }
    return future_.get();
  }

 private:
  std::promise<T> promise_;
  std::future<T> future_ = promise_.get_future();
};

// The reason of an error made by MakeError; empty for any other status.
std::string ReasonOf(const absl::Status& status);

// The paths of its field violations, in their order.
std::vector<std::string> FieldsOf(const absl::Status& status);

// A valid study that asks for Chinchilla's law, which is quick to fit.
v1::Study ChinchillaStudy();

// A valid full-precision run with the loss of
// L = 1.8 + 400 / N^.34 + 410 / D^.28, off by a little that differs from run to
// run.
v1::Experiment FullPrecisionRun(int64_t parameters, int64_t tokens);

// 6 sizes by 6 budgets of such runs: enough to identify the law.
std::vector<v1::Experiment> FullPrecisionGrid();

// All the parts of the core; `Restart` is a stop and a start on the same file.
class Core {
 public:
  explicit Core(const std::string& path);

  db::Store& store() { return *store_; }

 private:
  std::unique_ptr<db::Store> store_;

 public:
  SnapshotRegistry registry{16};
  RowCache rows;
  std::shared_mutex deletion_mutex;
  FitParts parts;
  RefitScheduler refits;
  StudyService studies;
  ExperimentService experiments;
  FitService fits;
  WorkerPool pool{2, 64};
  PlannerService planner;
};

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture();
  ~ServerFixture() override;

  Core& core() { return *core_; }
  // Stops everything and starts it again on the same database.
  void Restart();

  // "studies/{id}", created.
  std::string CreateStudy(const std::string& id, const v1::Study& study = ChinchillaStudy());
  // Stores rows; returns the revision.
  int64_t Store(const std::string& study, const std::vector<v1::Experiment>& rows);
  // Waits until a fit covers the revision, or the refit has failed.
  absl::StatusOr<StudyState> Await(const std::string& study, int64_t min_revision);

  const CallContext call_;

 private:
  std::string directory_;
  std::unique_ptr<Core> core_;
};

}  // namespace bitbudget::server::testing

#endif  // BITBUDGET_TESTS_UNIT_SERVER_SERVER_FIXTURE_H_
