// What tests of the store share: a database in a directory of its own, a clock
// that stands still, and short ways to say what is stored.

#ifndef BITBUDGET_TESTS_UNIT_DB_STORE_FIXTURE_H_
#define BITBUDGET_TESTS_UNIT_DB_STORE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "db/store.h"
#include "util/clock.h"
#include "util/error.h"

namespace bitbudget::db {

// A clock that moves when told to.
class ManualClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  absl::Duration Steady() const override { return now_ - absl::UnixEpoch(); }
  void Advance(absl::Duration duration) { now_ += duration; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

// A new directory, removed in the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string File(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// A full-precision-then-QAT run that differs from others in `replicate`.
v1::Experiment QatRun(int replicate, double loss_nats = 3.25);

// A batch of such runs with replicates from `first` on.
std::vector<v1::Experiment> QatRuns(int first, int count);

// The reason of an error made by MakeError; empty for any other.
std::string ReasonOf(const absl::Status& status);

inline const absl::Status& StatusIn(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusIn(const absl::StatusOr<T>& result) {
  return result.status();
}

// Matches a Status or StatusOr that is OK.
MATCHER(IsOk, "is OK") {
  *result_listener << StatusIn(arg).ToString();
  return StatusIn(arg).ok();
}

// Matches a Status or StatusOr by code and reason.
MATCHER_P2(FailsWith, code, reason, "") {
  *result_listener << StatusIn(arg).ToString() << ", reason " << ReasonOf(StatusIn(arg));
  return StatusIn(arg).code() == code && ReasonOf(StatusIn(arg)) == reason;
}

// A store with one study, "studies/s".
class StoreTest : public testing::Test {
 protected:
  StoreTest();

  StoreOptions Options() const;
  // Opens the database; fails the test if that is refused.
  void Open();
  void Close() { store_.reset(); }
  void Reopen();

  // A study with all required fields.
  static v1::Study StudyFields();
  // The batch of `rows` for "studies/s"; protected by `request_id` unless empty.
  static InsertBatch Batch(std::vector<v1::Experiment> rows, const std::string& request_id = "");
  // Stores `rows` and returns the result; fails the test if that is refused.
  InsertResult Insert(std::vector<v1::Experiment> rows);
  absl::StatusOr<ExclusionResult> Exclude(const std::vector<std::string>& names);
  absl::StatusOr<ExclusionResult> Include(const std::vector<std::string>& names);
  // The rows for fitting at `revision`, each as "row:loss" or "row:loss x" if
  // excluded.
  std::vector<std::string> RowsAt(int64_t revision);
  // Runs SQL on the closed or open file, as a program outside would.
  void ExecuteSql(const std::string& sql);
  int64_t QueryNumber(const std::string& sql);

  TemporaryDirectory directory_;
  ManualClock clock_;
  const std::string path_ = directory_.File("test.db");
  std::unique_ptr<Store> store_;
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_TESTS_UNIT_DB_STORE_FIXTURE_H_
