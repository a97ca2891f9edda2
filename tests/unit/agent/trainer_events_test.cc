#include "worker/agent/trainer_events.h"

#include <gtest/gtest.h>

#include <string>

namespace bitbudget::agent {
namespace {

template <typename Event>
Event Parse(const std::string& line) {
  const TrainerEvent event = ParseTrainerEvent(line);
  EXPECT_TRUE(std::holds_alternative<Event>(event)) << line;
  return std::holds_alternative<Event>(event) ? std::get<Event>(event) : Event();
}

TEST(TrainerEventsTest, StartSaysWhereTheRunBegins) {
  EXPECT_EQ(Parse<StartedEvent>(R"({"event":"started","start_tokens":512})").start_tokens, 512);
}

TEST(TrainerEventsTest, ProgressIsAPointOfTheCurve) {
  const auto point = Parse<v1::ProgressPoint>(
      R"({"event":"progress","step":2,"tokens":1024,"total_tokens":4096,"loss_nats":4.5,)"
      R"("learning_rate":0.001,"gradient_norm":2.0,"tokens_per_second":5000.0})");
  EXPECT_EQ(point.tokens(), 1024);
  EXPECT_EQ(point.loss_nats(), 4.5);
  EXPECT_EQ(point.learning_rate(), 0.001);
  EXPECT_EQ(point.tokens_per_second(), 5000);
}

TEST(TrainerEventsTest, MilestonesAreToldFromTheLatestCheckpoint) {
  const auto milestone = Parse<CheckpointEvent>(
      R"({"event":"checkpoint","path":"/c/m","tokens":512,"sha256":"ab","milestone":true})");
  EXPECT_TRUE(milestone.milestone);
  EXPECT_EQ(milestone.checkpoint.path(), "/c/m");
  EXPECT_EQ(milestone.checkpoint.tokens(), 512);
  EXPECT_EQ(milestone.checkpoint.sha256(), "ab");
  EXPECT_FALSE(
      Parse<CheckpointEvent>(
          R"({"event":"checkpoint","path":"/c/l","tokens":512,"sha256":"ab","milestone":false})")
          .milestone);
}

TEST(TrainerEventsTest, AResultIsAnExperiment) {
  const auto finished = Parse<FinishedEvent>(
      R"({"event":"finished","run_hash":"239a","result":{"role":"FP_THEN_QAT","recipe":"lsq",)"
      R"("optimizer":"adamw","schedule":"classic","weight_bits":1.58,"replicate":2,)"
      R"("group_size":16,"parameters":24736,"embedding_parameters":4096,"fp_tokens":900096,)"
      R"("qat_tokens":100352,"trunk":"00ff","loss_nats":2.1,"loss_stderr_nats":0.004},)"
      R"("train_seconds":2.5,"tokens_per_second":400000.0,"flops":1.5e11,"gemm_share":0.5,)"
      R"("peak_memory_bytes":50000000})");
  const v1::Experiment& run = finished.experiment;
  EXPECT_EQ(run.role(), v1::FP_THEN_QAT);
  EXPECT_EQ(run.recipe(), "lsq");
  EXPECT_EQ(run.optimizer(), "adamw");
  EXPECT_EQ(run.schedule(), "classic");
  EXPECT_EQ(run.weight_bits(), 1.58);
  EXPECT_EQ(run.replicate(), 2);
  EXPECT_EQ(run.group_size(), 16);
  EXPECT_EQ(run.parameters(), 24'736);
  EXPECT_EQ(run.embedding_parameters(), 4'096);
  EXPECT_EQ(run.fp_tokens(), 900'096);
  EXPECT_EQ(run.qat_tokens(), 100'352);
  EXPECT_EQ(run.trunk(), "00ff");
  EXPECT_EQ(run.loss_nats(), 2.1);
  EXPECT_EQ(finished.statistics.run_hash(), "239a");
  EXPECT_EQ(finished.statistics.flops(), 1.5e11);
  EXPECT_EQ(finished.statistics.peak_memory_bytes(), 50'000'000);
}

TEST(TrainerEventsTest, TheErrorOfTheCommonEvaluationTextIsNoNoiseOfTheRun) {
  EXPECT_FALSE(Parse<FinishedEvent>(
                   R"({"event":"finished","result":{"loss_nats":2.1,"loss_stderr_nats":0.004}})")
                   .experiment.has_loss_stderr_nats());
}

TEST(TrainerEventsTest, DivergenceSaysWhereAndHow) {
  EXPECT_EQ(Parse<DivergedEvent>(R"({"event":"diverged","step":3,"tokens":1536,"loss_nats":null,)"
                                 R"("gradient_norm":12.5})")
                .message,
            "diverged after 1536 tokens: loss not finite, gradient norm 12.5");
}

TEST(TrainerEventsTest, FailureKeepsCodeReasonAndMessage) {
  const auto failed = Parse<FailedEvent>(
      R"({"event":"failed","code":"DATA_LOSS","reason":"CHECKPOINT_DAMAGED","message":"m"})");
  EXPECT_EQ(failed.code, "DATA_LOSS");
  EXPECT_EQ(failed.reason, "CHECKPOINT_DAMAGED");
  EXPECT_EQ(failed.message, "m");
}

TEST(TrainerEventsTest, WarningsAndInterruptionsAreKnown) {
  EXPECT_EQ(Parse<WarningEvent>(R"({"event":"warning","message":"disk full"})").message,
            "disk full");
  EXPECT_EQ(Parse<InterruptedEvent>(R"({"event":"interrupted","tokens":512})").tokens, 512);
}

TEST(TrainerEventsTest, WhatIsNoEventIsIgnored) {
  for (const char* line : {"",
                           "Illegal instruction",
                           "[1, 2]",
                           R"({"event": 7})",
                           R"({"event":"of a later version"})"}) {
    Parse<UnknownEvent>(line);
  }
}

TEST(TrainerEventsTest, FieldsOfAnotherTypeAreLeftOut) {
  EXPECT_EQ(Parse<v1::ProgressPoint>(R"({"event":"progress","tokens":"many"})").tokens(), 0);
}

}  // namespace
}  // namespace bitbudget::agent
