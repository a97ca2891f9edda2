#include "worker/run/trainer.h"

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/worker/train_fixture.h"
#include "util/error.h"

namespace bitbudget::worker {
namespace {

class TrainerTest : public TrainTest {
 protected:
  std::unique_ptr<Trainer> Make(RunConfig config) {
    if (data_ == nullptr) data_ = *TokenFile::Open(data_path());
    EXPECT_TRUE(BindToData(*data_, config).ok());
    return *Trainer::Create(config, *data_);
  }

  // The trainer at its end.
  std::unique_ptr<Trainer> Trained(const RunConfig& config) {
    auto trainer = Make(config);
    TrainTo(trainer->total_steps(), *trainer);
    return trainer;
  }

  static void TrainTo(int64_t step, Trainer& trainer) {
    while (trainer.step() < step) ASSERT_FALSE(trainer.Step().diverged());
  }

  // Entropy in nats of a validation token given the one before it.
  double BigramEntropy() {
    std::map<uint8_t, int> singles;
    std::map<std::pair<uint8_t, uint8_t>, int> pairs;
    const auto tokens = data_->validation();
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      ++singles[tokens[i]];
      ++pairs[{tokens[i], tokens[i + 1]}];
    }
    double entropy = 0;
    for (const auto& [pair, count] : pairs)
      entropy -= count * std::log(1.0 * count / singles[pair.first]);
    return entropy / static_cast<double>(tokens.size() - 1);
  }

  std::unique_ptr<TokenFile> data_;
};

// Only a model that looks two bytes back can get there.
TEST_F(TrainerTest, LearnsMoreThanBigrams) {
  RunConfig config = TinyConfig();
  config.schedule = {
      .peak_rate = 0.01, .fp_tokens = 400 * kStepTokens, .warmup_tokens = 20 * kStepTokens};
  config.quantization = {};
  const auto trainer = Trained(config);
  const Evaluation evaluation = trainer->Evaluate();
  EXPECT_LT(evaluation.loss_nats + 3 * evaluation.loss_stderr_nats, BigramEntropy());
}

TEST_F(TrainerTest, TheSameJobGivesTheSameBits) {
  const auto first = Trained(TinyConfig());
  const auto second = Trained(TinyConfig());
  EXPECT_EQ(first->state().parameters, second->state().parameters);
  EXPECT_EQ(first->Evaluate().loss_nats, second->Evaluate().loss_nats);
}

TEST_F(TrainerTest, SeedsDiffer) {
  RunConfig other = TinyConfig();
  other.seed = 1;
  EXPECT_NE(Trained(TinyConfig())->Evaluate().loss_nats, Trained(other)->Evaluate().loss_nats);
}

// Stops in the warm-up, the cooldown, at the boundary and in the QAT phase.
TEST_F(TrainerTest, AResumedRunEndsInTheSameBits) {
  const RunConfig config = TinyConfig();
  const auto whole = Trained(config);
  for (const int64_t stop : {3, 45, 60, 61, 99}) {
    auto before = Make(config);
    TrainTo(stop, *before);
    ASSERT_TRUE(WriteCheckpoint(PathOf("checkpoint"), before->Save()).ok());
    auto after = Make(config);
    ASSERT_TRUE(after->Restore(*ReadCheckpoint(PathOf("checkpoint"))).ok());
    EXPECT_EQ(after->step(), stop);
    TrainTo(after->total_steps(), *after);
    EXPECT_EQ(after->state().parameters, whole->state().parameters) << stop;
    EXPECT_EQ(after->Evaluate().loss_nats, whole->Evaluate().loss_nats) << stop;
  }
}

TEST_F(TrainerTest, ABranchFromATrunkIsTheRunAlone) {
  RunConfig trunk_config = TinyConfig();
  trunk_config.schedule.fp_tokens = 100 * kStepTokens;
  trunk_config.schedule.qat_tokens = 0;
  trunk_config.schedule.cooldown_fraction = 0;
  trunk_config.quantization = {};
  auto trunk = Make(trunk_config);
  TrainTo(30, *trunk);
  for (const ScheduleKind kind : {ScheduleKind::kClassic, ScheduleKind::kFused}) {
    RunConfig config = TinyConfig();
    config.schedule.kind = kind;
    auto branch = Make(config);
    ASSERT_TRUE(branch->Restore(trunk->Save()).ok());
    TrainTo(branch->total_steps(), *branch);
    EXPECT_EQ(branch->state().parameters, Trained(config)->state().parameters);
  }
}

TEST_F(TrainerTest, WidthsShareTheFullPrecisionPhaseWithItsCooldown) {
  RunConfig control = TinyConfig();
  control.quantization = {};
  auto first = Make(control);
  TrainTo(60, *first);
  auto branch = Make(TinyConfig());
  ASSERT_TRUE(branch->Restore(first->Save()).ok());
  TrainTo(branch->total_steps(), *branch);
  EXPECT_EQ(branch->state().parameters, Trained(TinyConfig())->state().parameters);
}

TEST_F(TrainerTest, RefusesCheckpointsOfAnotherPath) {
  const auto restore = [&](const RunConfig& from, int64_t step, const RunConfig& to) {
    auto trunk = Make(from);
    TrainTo(step, *trunk);
    return Make(to)->Restore(trunk->Save());
  };
  const RunConfig config = TinyConfig();
  RunConfig longer = config;
  longer.schedule.fp_tokens += 10 * kStepTokens;
  RunConfig other_seed = config;
  other_seed.seed = 1;
  // Steps 0 to 29 have the constant rate in both, step 35 is in the cooldown.
  EXPECT_TRUE(restore(longer, 30, config).ok());
  for (const absl::Status& status : {restore(longer, 35, config), restore(other_seed, 5, config)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(GetErrorDetails(status)->reason, "CHECKPOINT_MISMATCH");
  }
}

TEST_F(TrainerTest, AControlRunsTheScheduleWithoutTheQuantizer) {
  RunConfig config = TinyConfig();
  config.quantization = {};
  const auto control = Trained(config);
  EXPECT_EQ(control->total_steps(), 100);
  EXPECT_FALSE(control->state().quantizing);
  EXPECT_EQ(control->state().moment_steps, 40) << "fresh moments, as with the quantizer";
  config.schedule.moments = Moments::kKept;
  EXPECT_EQ(Trained(config)->state().moment_steps, 100);
}

TEST_F(TrainerTest, FewerBitsLoseMoreAndTrainingHelps) {
  const auto loss = [&](double bits, int64_t qat_steps) {
    RunConfig config = TinyConfig();
    config.schedule.fp_tokens = (300 - qat_steps) * kStepTokens;
    config.schedule.qat_tokens = qat_steps * kStepTokens;
    config.quantization.bits = bits;
    return Trained(config)->Evaluate().loss_nats;
  };
  const double full_precision = loss(16, 0);
  EXPECT_LT(full_precision, loss(4, 0));
  EXPECT_LT(loss(4, 0), loss(1, 0)) << "rounding afterwards";
  EXPECT_LT(loss(1, 100), loss(1, 0)) << "training at one bit";
}

TEST_F(TrainerTest, QuantizesEmbeddingsAndLearnsScales) {
  RunConfig config = TinyConfig();
  config.quantization.embeddings = EmbeddingBits::kAtLeastFour;
  auto trainer = Make(config);
  TrainTo(61, *trainer);
  const auto scales_begin = trainer->layout().size();
  const std::vector<float> early(trainer->state().parameters.begin() + scales_begin,
                                 trainer->state().parameters.end());
  EXPECT_EQ(early.size(), 128U + 96 + 32 + 64 + 32);
  TrainTo(100, *trainer);
  const std::vector<float> late(trainer->state().parameters.begin() + scales_begin,
                                trainer->state().parameters.end());
  EXPECT_NE(early, late);
}

TEST_F(TrainerTest, AnAbsurdRateDivergesAndLeavesTheLastState) {
  RunConfig config = TinyConfig();
  config.schedule.peak_rate = 1;
  config.schedule.warmup_tokens = 0;
  config.optimizer.weight_decay = 1e30;
  auto trainer = Make(config);
  StepReport report = {};
  while (trainer->step() < trainer->total_steps() && !report.diverged()) report = trainer->Step();
  EXPECT_TRUE(report.diverged());
  EXPECT_LT(trainer->step(), 10);
}

using CheckpointTest = TrainerTest;

TEST_F(CheckpointTest, NoticesAFlippedBitAMissingEndAndOtherFiles) {
  auto trainer = Make(TinyConfig());
  TrainTo(2, *trainer);
  ASSERT_TRUE(WriteCheckpoint(PathOf("good"), trainer->Save()).ok());
  const std::string whole = ReadFile("good");
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  WriteFile("flipped", flipped);
  WriteFile("cut", whole.substr(0, whole.size() / 2));
  WriteFile("empty", "");
  WriteFile("other", std::string(1000, 'x'));
  for (const char* name : {"flipped", "cut", "empty", "other"}) {
    EXPECT_EQ(ReadCheckpoint(PathOf(name)).status().code(), absl::StatusCode::kDataLoss) << name;
  }
  EXPECT_EQ(ReadCheckpoint(PathOf("absent")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace bitbudget::worker
