#include "tests/unit/server/server_fixture.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "server/log.h"

namespace bitbudget::server::testing {
namespace {

std::string NewDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "bitbudget-server-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) std::abort();
  return path;
}

std::unique_ptr<db::Store> OpenStore(const std::string& path) {
  auto store = db::Store::Open({.path = path});
  if (!store.ok()) std::abort();
  return *std::move(store);
}

}  // namespace

std::string ReasonOf(const absl::Status& status) {
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  return details ? details->reason : "";
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  if (const std::optional<ErrorDetails> details = GetErrorDetails(status)) {
    for (const FieldViolation& violation : details->field_violations) {
      fields.push_back(violation.field);
    }
  }
  return fields;
}

v1::Study ChinchillaStudy() {
  v1::Study study;
  study.set_loss_unit(v1::NATS_PER_TOKEN);
  study.set_parameter_convention(v1::NON_EMBEDDING);
  study.set_law("chinchilla");
  study.mutable_fit_options()->set_start_count(16);
  return study;
}

v1::Experiment FullPrecisionRun(int64_t parameters, int64_t tokens) {
  const auto n = static_cast<double>(parameters);
  const auto d = static_cast<double>(tokens);
  const double wobble = 0.002 * std::sin(12.9898 * std::log(n) + 78.233 * std::log(d));
  v1::Experiment run;
  run.set_parameters(parameters);
  run.set_fp_tokens(tokens);
  run.set_weight_bits(16);
  run.set_loss_nats((1.8 + 400 * std::pow(n, -0.34) + 410 * std::pow(d, -0.28)) * std::exp(wobble));
  return run;
}

std::vector<v1::Experiment> FullPrecisionGrid() {
  std::vector<v1::Experiment> rows;
  for (int size = 0; size < 6; ++size) {
    for (int budget = 0; budget < 6; ++budget) {
      rows.push_back(FullPrecisionRun(10'000'000LL << (2 * size), 200'000'000LL << (2 * budget)));
    }
  }
  return rows;
}

Core::Core(const std::string& path)
    : store_(OpenStore(path)),
      rows(*store_),
      parts{*store_, registry, rows, deletion_mutex},
      refits(parts),
      studies(parts, refits),
      experiments(parts, refits),
      fits(parts),
      planner(*store_, registry, pool) {
  if (!refits.Start().ok()) std::abort();
}

ServerFixture::ServerFixture() : directory_(NewDirectory()) {
  ConfigureLog(LogLevel::kError, LogFormat::kText);
  Restart();
}

ServerFixture::~ServerFixture() {
  core_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void ServerFixture::Restart() {
  core_.reset();
  core_ = std::make_unique<Core>(directory_ + "/test.db");
}

std::string ServerFixture::CreateStudy(const std::string& id, const v1::Study& study) {
  v1::CreateStudyRequest request;
  request.set_study_id(id);
  *request.mutable_study() = study;
  const absl::StatusOr<v1::Study> created = core().studies.CreateStudy(call_, request);
  EXPECT_TRUE(created.ok()) << created.status();
  return "studies/" + id;
}

int64_t ServerFixture::Store(const std::string& study, const std::vector<v1::Experiment>& rows) {
  v1::BatchCreateExperimentsRequest request;
  request.set_parent(study);
  request.mutable_experiments()->Add(rows.begin(), rows.end());
  const auto stored = core().experiments.BatchCreateExperiments(call_, request);
  EXPECT_TRUE(stored.ok()) << stored.status();
  return stored.ok() ? stored->revision() : 0;
}

absl::StatusOr<StudyState> ServerFixture::Await(const std::string& study, int64_t min_revision) {
  // Shared with the callback, which outlives a wait that fails.
  const auto outcome = std::make_shared<Outcome<absl::StatusOr<StudyState>>>();
  core().registry.Await(call_, study, min_revision, [outcome](absl::StatusOr<StudyState> state) {
    outcome->Set(std::move(state));
  });
  return outcome->Get();
}

}  // namespace bitbudget::server::testing
