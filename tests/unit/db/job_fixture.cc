#include "tests/unit/db/job_fixture.h"

#include <utility>

namespace bitbudget::db {

NewJob JobTest::Job(int seed, const std::vector<int>& dependencies) {
  NewJob job{.memory_bytes = 1'000};
  job.job.set_trainer("t");
  job.job.set_kind(v1::MEASUREMENT);
  job.job.set_max_failures(3);
  job.job.set_estimated_flops(600);
  job.job.mutable_training()->set_seed(seed);
  (*job.job.mutable_training()->mutable_options())["b"] = "2";
  (*job.job.mutable_training()->mutable_options())["a"] = "1";
  for (const int number : dependencies) job.job.add_dependencies(Name(number));
  return job;
}

std::string JobTest::Create(const NewJob& job) {
  const absl::StatusOr<v1::Job> created = jobs().CreateJob("studies/s", job, {});
  EXPECT_THAT(created, IsOk());
  return created.ok() ? created->name() : "";
}

v1::Job JobTest::Get(const std::string& name) {
  absl::StatusOr<v1::Job> job = jobs().GetJob(name);
  EXPECT_THAT(job, IsOk());
  return job.ok() ? *std::move(job) : v1::Job();
}

LeaseQuery JobTest::Worker(const std::string& name) {
  LeaseQuery query{.worker = name, .period = absl::Seconds(60)};
  query.capabilities.add_trainers("t");
  query.capabilities.set_code_version("v1");
  return query;
}

Attempt JobTest::Lease(const LeaseQuery& query) {
  const absl::StatusOr<std::optional<LeasedJob>> leased = jobs().Lease(query);
  EXPECT_THAT(leased, IsOk());
  if (!leased.ok() || !*leased) return {};
  return {.job = (*leased)->job.name(), .attempt = (*leased)->job.attempt()};
}

void JobTest::Lose(const Attempt& attempt) {
  const absl::StatusOr<std::optional<v1::Job>> lost = jobs().ExpireLease(attempt);
  ASSERT_THAT(lost, IsOk());
  EXPECT_TRUE(lost->has_value());
}

ProgressReport JobTest::Report(const Attempt& attempt, const std::vector<int64_t>& tokens) {
  ProgressReport report{.attempt = attempt};
  for (const int64_t count : tokens) {
    v1::ProgressPoint& point = report.points.emplace_back();
    point.set_tokens(count);
    point.set_loss_nats(3.5);
  }
  return report;
}

Completion JobTest::Result(const Attempt& attempt, double loss_nats, int seed) {
  return {.attempt = attempt, .experiment = QatRun(seed, loss_nats)};
}

CompletionResult JobTest::Complete(const Completion& completion) {
  absl::StatusOr<CompletionResult> result = jobs().CompleteJob(completion);
  EXPECT_THAT(result, IsOk());
  return result.ok() ? *std::move(result) : CompletionResult();
}

AttemptEnd JobTest::Fail(const Attempt& attempt, v1::JobFailure::Kind kind) {
  v1::JobFailure failure;
  failure.set_kind(kind);
  failure.set_message("no memory");
  absl::StatusOr<AttemptEnd> end = jobs().FailJob(attempt, failure);
  EXPECT_THAT(end, IsOk());
  return end.ok() ? *std::move(end) : AttemptEnd();
}

}  // namespace bitbudget::db
