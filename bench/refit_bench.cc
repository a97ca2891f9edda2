// What it takes until one new row is in the current fit.
//
// 797 simulated rows are stored and fitted; then rows come one at a time. Timed
// from before the row is stored until a fit that covers it is published, beside
// one warm fit of as many rows and one durable commit, all three in turns.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "db/store.h"
#include "fitter/fit.h"
#include "server/convert.h"
#include "server/experiment_service.h"
#include "server/refit_scheduler.h"
#include "server/row_cache.h"
#include "server/snapshots.h"
#include "server/study_service.h"
#include "tests/support/simulated_study.h"
#include "tests/support/truth.h"
#include "util/clock.h"

namespace bitbudget::server {
namespace {

constexpr int kTurns = 15;
constexpr char kStudy[] = "studies/bench";

[[noreturn]] void Fail(const absl::Status& status) {
  fmt::print(stderr, "refit_bench: {}\n", std::string(status.message()));
  std::exit(1);
}

template <typename T>
T OrFail(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(value.status());
  return *std::move(value);
}

v1::Experiment ToExperiment(const fitter::Observation& row, int replicate) {
  v1::Experiment run;
  run.set_parameters(static_cast<int64_t>(row.point.parameters));
  run.set_fp_tokens(static_cast<int64_t>(row.point.fp_tokens));
  run.set_qat_tokens(static_cast<int64_t>(row.point.qat_tokens));
  run.set_weight_bits(row.point.weight_bits);
  run.set_loss_nats(row.loss_nats);
  run.set_replicate(replicate);
  return run;
}

double TimeMs(const std::function<void()>& work) {
  const absl::Duration begin = Clock::System()->Steady();
  work();
  return absl::ToDoubleMilliseconds(Clock::System()->Steady() - begin);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The server's core on a database of its own.
class Bench {
 public:
  explicit Bench(const std::string& directory)
      : store_(OrFail(db::Store::Open({.path = directory + "/bench.db"}))) {
    if (const absl::Status status = refits_.Start(); !status.ok()) Fail(status);
    v1::CreateStudyRequest request;
    request.set_study_id("bench");
    request.mutable_study()->set_loss_unit(v1::NATS_PER_TOKEN);
    request.mutable_study()->set_parameter_convention(v1::NON_EMBEDDING);
    request.mutable_study()->set_law("compute_optimal_qat");
    OrFail(studies_.CreateStudy({}, request));
    // For commits that no refit follows.
    request.set_study_id("commits");
    OrFail(studies_.CreateStudy({}, request));
  }

  void StoreAndAwaitFit(const std::vector<v1::Experiment>& rows) {
    v1::BatchCreateExperimentsRequest request;
    request.set_parent(kStudy);
    request.mutable_experiments()->Add(rows.begin(), rows.end());
    const int64_t revision = OrFail(experiments_.BatchCreateExperiments({}, request)).revision();
    std::promise<void> published;
    absl::Status outcome;
    registry_.Await({}, kStudy, revision, [&](const absl::StatusOr<StudyState>& state) {
      outcome = state.status();
      published.set_value();
    });
    published.get_future().wait();
    if (!outcome.ok()) Fail(outcome);
  }

  void Commit(const v1::Experiment& row) {
    OrFail(store_->InsertExperiments({.study = "studies/commits", .experiments = {row}}));
  }

  bool LastFitWasWarm() {
    return !OrFail(store_->GetFit(std::string(kStudy) + "/fits/latest"))
                .inputs()
                .warm_starts()
                .empty();
  }

 private:
  std::unique_ptr<db::Store> store_;
  SnapshotRegistry registry_{4};
  RowCache rows_{*store_};
  std::shared_mutex deletion_mutex_;
  const FitParts parts_{*store_, registry_, rows_, deletion_mutex_};
  RefitScheduler refits_{parts_};
  StudyService studies_{parts_, refits_};
  ExperimentService experiments_{parts_, refits_};
};

void Run(const std::string& directory) {
  const test_support::Truth truth = test_support::OwnTruths().front();
  fitter::Dataset data = test_support::SimulateStudy(truth.coefficients, {.seed = 1});
  const fitter::Dataset more = test_support::SimulateStudy(truth.coefficients, {.seed = 2});
  std::vector<v1::Experiment> rows;
  for (const fitter::Observation& row : data.rows) rows.push_back(ToExperiment(row, 0));
  Bench bench(directory);
  bench.StoreAndAwaitFit(rows);
  const fitter::FitOptions options;
  const fitter::FitResult cold = OrFail(fitter::FitLaw(data, options));
  const std::vector<fitter::Start> warm = {{cold.variant, cold.law->theta}};

  std::vector<double> refit_ms;
  std::vector<double> fit_ms;
  std::vector<double> commit_ms;
  int warm_count = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    const v1::Experiment row = ToExperiment(more.rows[static_cast<size_t>(turn) * 7], 1);
    refit_ms.push_back(TimeMs([&] { bench.StoreAndAwaitFit({row}); }));
    warm_count += bench.LastFitWasWarm() ? 1 : 0;
    data.rows.push_back(more.rows[static_cast<size_t>(turn) * 7]);
    fit_ms.push_back(TimeMs([&] { OrFail(fitter::FitLaw(data, options, warm)); }));
    commit_ms.push_back(TimeMs([&] { bench.Commit(row); }));
  }
  fmt::print("{} rows and one more, medians of {} turns, {} of them warm\n",
             rows.size(),
             kTurns,
             warm_count);
  fmt::print("stored to published {:8.2f} ms\n", Median(refit_ms));
  fmt::print("one warm fit        {:8.2f} ms\n", Median(fit_ms));
  fmt::print("one durable commit  {:8.2f} ms\n", Median(commit_ms));
  fmt::print("ratio to their sum  {:8.2f}\n",
             Median(refit_ms) / (Median(fit_ms) + Median(commit_ms)));
}

}  // namespace
}  // namespace bitbudget::server

int main() {
  std::string directory =
      (std::filesystem::temp_directory_path() / "bitbudget-bench-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return 1;
  bitbudget::server::Run(directory);
  std::filesystem::remove_all(directory);
  return 0;
}
