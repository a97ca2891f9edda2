// The names that bitbudget-train gives to its results, known beforehand. The closed
// loop (tests/worker) holds them against the trainer itself.

#include "server/expected_run.h"

#include <gtest/gtest.h>

namespace bitbudget::server {
namespace {

// 900 + 100 steps at 2 bits.
v1::TrainingSpec Training() {
  v1::TrainingSpec training;
  training.set_seed(3);
  training.mutable_model()->set_width(32);
  training.mutable_model()->set_layers(2);
  training.mutable_schedule()->set_peak_rate(0.004);
  training.mutable_schedule()->set_fp_tokens(460'800);
  training.mutable_schedule()->set_qat_tokens(51'200);
  training.mutable_quantization()->set_bits(2);
  return training;
}

TEST(ExpectedRunTest, ARunIsNamedByItsNaturalKey) {
  const v1::Experiment run = ExpectedRun(Training());
  EXPECT_EQ(run.role(), v1::FP_THEN_QAT);
  EXPECT_EQ(run.recipe(), "learned-log-scale");
  EXPECT_EQ(run.optimizer(), "adamw");
  EXPECT_EQ(run.schedule(), "classic");
  EXPECT_EQ(run.parameters(), 24'736);
  EXPECT_EQ(run.fp_tokens(), 460'800);
  EXPECT_EQ(run.qat_tokens(), 51'200);
  EXPECT_EQ(run.weight_bits(), 2);
  EXPECT_FALSE(run.has_group_size());
  EXPECT_EQ(run.replicate(), 3);
}

TEST(ExpectedRunTest, ARunWithoutQuantizerHasNoRecipe) {
  v1::TrainingSpec training = Training();
  training.mutable_quantization()->set_bits(16);
  training.mutable_quantization()->set_granularity("group");
  training.mutable_quantization()->set_group_size(16);
  const v1::Experiment run = ExpectedRun(training);
  EXPECT_EQ(run.role(), v1::CONTROL);
  EXPECT_EQ(run.recipe(), "none");
  EXPECT_FALSE(run.has_group_size());
}

TEST(ExpectedRunTest, ARunWithoutQatHasTheScheduleFp) {
  v1::TrainingSpec training = Training();
  training.mutable_schedule()->clear_qat_tokens();
  training.mutable_schedule()->set_name("mine");
  EXPECT_EQ(ExpectedRun(training).role(), v1::POST_TRAINING);
  EXPECT_EQ(ExpectedRun(training).schedule(), "fp");
  training.clear_quantization();
  EXPECT_EQ(ExpectedRun(training).role(), v1::FULL_PRECISION);
}

TEST(ExpectedRunTest, WhatDiffersFromTheDefaultsIsInTheNames) {
  v1::TrainingSpec training = Training();
  training.mutable_schedule()->set_name("mine");
  training.mutable_optimizer()->set_name("adamw-slow");
  training.mutable_quantization()->set_granularity("group");
  training.mutable_quantization()->set_group_size(16);
  training.mutable_quantization()->set_embeddings("at_least_4_bits");
  const v1::Experiment run = ExpectedRun(training);
  EXPECT_EQ(run.schedule(), "mine");
  EXPECT_EQ(run.optimizer(), "adamw-slow");
  EXPECT_EQ(run.recipe(), "learned-log-scale-group-embeddings");
  EXPECT_EQ(run.group_size(), 16);
}

}  // namespace
}  // namespace bitbudget::server
