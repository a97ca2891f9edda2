#include "worker/agent/trainer_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bitbudget::agent {
namespace {

using nlohmann::json;

v1::Job SmallJob() {
  v1::Job job;
  job.set_label("small");
  v1::TrainingSpec& training = *job.mutable_training();
  training.set_seed(3);
  training.mutable_model()->set_width(32);
  training.mutable_model()->set_layers(2);
  training.mutable_schedule()->set_peak_rate(0.004);
  training.mutable_schedule()->set_fp_tokens(9'000);
  return job;
}

TEST(TrainerConfigTest, FieldsThatAreUnsetAreLeftToTheTrainer) {
  EXPECT_EQ(json::parse(TrainerConfig(SmallJob(), "/data/tokens.bin", "")), json::parse(R"json({
              "label": "small", "data": "/data/tokens.bin", "seed": 3,
              "model": {"width": 32, "layers": 2},
              "schedule": {"peak_rate": 0.004, "fp_tokens": 9000}
            })json"));
}

TEST(TrainerConfigTest, FieldsThatAreSetKeepTheirNames) {
  v1::Job job = SmallJob();
  v1::TrainingSpec& training = *job.mutable_training();
  training.set_batch_sequences(4);
  training.set_evaluation_tokens(4096);
  training.set_threads(2);
  training.set_max_epochs(1.5);
  training.add_milestone_tokens(512);
  training.mutable_model()->set_head_size(16);
  training.mutable_model()->set_context(32);
  training.mutable_model()->set_feed_forward("swiglu");
  training.mutable_model()->set_hidden(64);
  training.mutable_model()->set_tied_embeddings(false);
  v1::TrainingSchedule& schedule = *training.mutable_schedule();
  schedule.set_kind("fused");
  schedule.set_qat_tokens(1'000);
  schedule.set_warmup_tokens(0);
  schedule.set_cooldown_fraction(0.25);
  schedule.set_cooldown_shape("linear");
  schedule.set_qat_peak_share(1);
  schedule.set_qat_warmup_fraction(0);
  schedule.set_moments("kept");
  training.mutable_optimizer()->set_beta2(0.95);
  training.mutable_quantization()->set_bits(2);
  training.mutable_quantization()->set_granularity("group");
  training.mutable_quantization()->set_group_size(16);
  training.mutable_quantization()->set_embeddings("at_least_4_bits");
  EXPECT_EQ(json::parse(TrainerConfig(job, "t", "/c/milestone-512.ckpt")), json::parse(R"json({
              "label": "small", "data": "t", "seed": 3, "batch_sequences": 4,
              "evaluation_tokens": 4096, "threads": 2, "max_epochs": 1.5,
              "start_checkpoint": "/c/milestone-512.ckpt", "milestone_tokens": [512],
              "model": {"width": 32, "layers": 2, "head_size": 16, "context": 32,
                        "feed_forward": "swiglu", "hidden": 64, "tied_embeddings": false},
              "schedule": {"peak_rate": 0.004, "fp_tokens": 9000, "qat_tokens": 1000,
                           "kind": "fused", "warmup_tokens": 0, "cooldown_fraction": 0.25,
                           "cooldown_shape": "linear", "qat_peak_share": 1.0,
                           "qat_warmup_fraction": 0.0, "moments": "kept"},
              "optimizer": {"beta2": 0.95},
              "quantization": {"bits": 2.0, "granularity": "group", "group_size": 16,
                               "embeddings": "at_least_4_bits"}
            })json"));
}

TEST(TrainerConfigTest, TrunkIsNotEvaluated) {
  v1::Job job = SmallJob();
  job.mutable_training()->set_evaluation_tokens(4096);
  job.set_kind(v1::TRUNK);
  EXPECT_EQ(json::parse(TrainerConfig(job, "t", ""))["evaluation_tokens"], 0);
}

}  // namespace
}  // namespace bitbudget::agent
