// What may be ordered, and how it is stored.

#include "tests/unit/server/job_service_fixture.h"

namespace bitbudget::server {
namespace {

using testing::FieldsOf;
using testing::JobServiceTest;

TEST_F(JobServiceTest, CreatedJobSaysWhatItIs) {
  const v1::Job job = Create();
  EXPECT_EQ(job.trainer(), "bitbudget-train");
  EXPECT_EQ(job.kind(), v1::MEASUREMENT);
  EXPECT_EQ(job.max_failures(), 3);
  EXPECT_EQ(job.label(), "24.7k parameters, 1M tokens, 16 bits, seed 0");
  EXPECT_EQ(job.estimated_flops(), 6.0 * 24'736 * 1'000'000);
}

TEST_F(JobServiceTest, HashCoversWhatDecidesTheResultAndNothingElse) {
  v1::CreateJobRequest request = Request();
  const std::string hash = Create(request).training_hash();
  request.mutable_job()->set_priority(3);
  request.mutable_job()->mutable_training()->set_batch_sequences(8);  // the default
  request.mutable_job()->mutable_training()->add_milestone_tokens(512'000);
  EXPECT_EQ(Create(request).training_hash(), hash);
  request.mutable_job()->mutable_training()->set_seed(1);
  EXPECT_NE(Create(request).training_hash(), hash);
}

TEST_F(JobServiceTest, AllViolationsAreNamedAtOnce) {
  v1::CreateJobRequest request = Request();
  v1::TrainingSpec& training = *request.mutable_job()->mutable_training();
  training.mutable_model()->set_parameters(5);
  training.mutable_schedule()->set_peak_rate(2);
  training.set_data_sha256("xyz");
  request.mutable_job()->set_priority(1'001);
  EXPECT_EQ(FieldsOf(jobs().CreateJob(call_, request).status()),
            (std::vector<std::string>{"job.priority",
                                      "job.training.data_sha256",
                                      "job.training.model.parameters",
                                      "job.training.schedule.peak_rate"}));
}

TEST_F(JobServiceTest, WhatTheBundledTrainerCannotDoIsRefused) {
  v1::CreateJobRequest request = Request();
  v1::TrainingSpec& training = *request.mutable_job()->mutable_training();
  training.mutable_quantization()->set_bits(2.5);
  training.mutable_model()->set_width(40);
  EXPECT_EQ(
      FieldsOf(jobs().CreateJob(call_, request).status()),
      (std::vector<std::string>{"job.training.model.width", "job.training.quantization.bits"}));
  request.mutable_job()->set_trainer("another");
  EXPECT_TRUE(jobs().CreateJob(call_, request).ok());
}

TEST_F(JobServiceTest, StartMustBeAMilestoneOfADependency) {
  v1::CreateJobRequest trunk = Request();
  trunk.mutable_job()->set_kind(v1::TRUNK);
  trunk.mutable_job()->mutable_training()->add_milestone_tokens(512'000);
  const std::string name = Create(trunk).name();
  v1::CreateJobRequest branch = Request();
  branch.mutable_job()->set_start_job(name);
  branch.mutable_job()->set_start_tokens(500'000);
  EXPECT_EQ(FieldsOf(jobs().CreateJob(call_, branch).status()),
            std::vector<std::string>{"job.start_job"});
  branch.mutable_job()->add_dependencies(name);
  EXPECT_EQ(FieldsOf(jobs().CreateJob(call_, branch).status()),
            std::vector<std::string>{"job.start_tokens"});
  branch.mutable_job()->set_start_tokens(512'000);
  EXPECT_EQ(Create(branch).estimated_flops(), 6.0 * 24'736 * 488'000);
}

}  // namespace
}  // namespace bitbudget::server
