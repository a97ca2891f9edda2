#include "worker/run/config.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/unit/worker/train_fixture.h"
#include "util/error.h"

namespace bitbudget::worker {
namespace {

using nlohmann::json;

json GoodJson() {
  return json::parse(R"({
    "data": "tokens.bin",
    "model": {"width": 32, "layers": 2},
    "schedule": {"peak_rate": 0.0045, "fp_tokens": 900000, "qat_tokens": 100000},
    "quantization": {"bits": 2}
  })");
}

std::string ErrorOf(const json& document) {
  return std::string(ParseRunConfig(document.dump()).status().message());
}

// The error after one field is set to another value.
std::string ErrorWith(const std::string& pointer, const json& value) {
  json document = GoodJson();
  document[json::json_pointer(pointer)] = value;
  return ErrorOf(document);
}

TEST(ParseRunConfig, FillsInWhatIsLeftOut) {
  const auto config = ParseRunConfig(GoodJson().dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->model.hidden, 128);
  EXPECT_EQ(config->model.context, 64);
  EXPECT_EQ(config->batch_sequences, 8);
  EXPECT_EQ(config->step_tokens(), 512);
  EXPECT_EQ(config->optimizer, AdamWOptions());
  EXPECT_EQ(config->quantization.granularity, Granularity::kRow);
}

TEST(ParseRunConfig, ReadsEveryField) {
  json document = GoodJson();
  document.merge_patch(json::parse(R"({
    "label": "x", "seed": 3, "batch_sequences": 4, "threads": 2, "evaluation_tokens": 1000,
    "max_epochs": 2.5, "start_checkpoint": "trunk.ckpt", "milestone_tokens": [25600, 51200],
    "model": {"head_size": 32, "context": 128, "feed_forward": "swiglu", "hidden": 96,
              "tied_embeddings": false},
    "schedule": {"kind": "fused", "warmup_tokens": 1024, "cooldown_fraction": 0.25,
                 "cooldown_shape": "linear", "qat_peak_share": 0.5, "qat_warmup_fraction": 0.1,
                 "moments": "kept", "name": "long decay"},
    "optimizer": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-7, "weight_decay": 0,
                  "clip_norm": 2, "name": "adamw .8"},
    "quantization": {"bits": 1.58, "granularity": "group", "group_size": 16,
                     "embeddings": "at_least_4_bits"}
  })"));
  const auto config = ParseRunConfig(document.dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->label, "x");
  EXPECT_EQ(config->seed, 3);
  EXPECT_EQ(config->batch_sequences, 4);
  EXPECT_EQ(config->threads, 2);
  EXPECT_EQ(config->evaluation_tokens, 1000);
  EXPECT_EQ(config->max_epochs, 2.5);
  EXPECT_EQ(config->start_checkpoint, "trunk.ckpt");
  EXPECT_THAT(config->milestone_tokens, testing::ElementsAre(25600, 51200));
  EXPECT_EQ(config->model,
            (ModelShape{.vocabulary = 256,
                        .width = 32,
                        .layers = 2,
                        .head_size = 32,
                        .hidden = 96,
                        .context = 128,
                        .feed_forward = FeedForward::kSwiglu,
                        .tied_embeddings = false}));
  EXPECT_EQ(config->schedule,
            (ScheduleOptions{.kind = ScheduleKind::kFused,
                             .peak_rate = 0.0045,
                             .fp_tokens = 900000,
                             .qat_tokens = 100000,
                             .warmup_tokens = 1024,
                             .cooldown_fraction = 0.25,
                             .cooldown_shape = CooldownShape::kLinear,
                             .qat_peak_share = 0.5,
                             .qat_warmup_fraction = 0.1,
                             .moments = Moments::kKept}));
  EXPECT_EQ(config->optimizer,
            (AdamWOptions{
                .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-7, .weight_decay = 0, .clip_norm = 2}));
  EXPECT_EQ(config->schedule_name, "long decay");
  EXPECT_EQ(config->optimizer_name, "adamw .8");
  EXPECT_EQ(config->quantization,
            (Quantization{.bits = 1.58,
                          .granularity = Granularity::kGroup,
                          .group_size = 16,
                          .embeddings = EmbeddingBits::kAtLeastFour}));
}

TEST(ParseRunConfig, WholeNumberMayHaveAnExponent) {
  json changed = GoodJson();
  changed["schedule"]["fp_tokens"] = 9e5;
  changed["milestone_tokens"] = {5.12e4};
  const auto config = ParseRunConfig(changed.dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->schedule.fp_tokens, 900000);
  EXPECT_EQ(config->milestone_tokens, std::vector<int64_t>{51200});
}

TEST(ParseRunConfig, NamesTheFieldAndTheRuleItBreaks) {
  EXPECT_EQ(ErrorWith("/sede", 1), "sede: there is no such field");
  EXPECT_EQ(ErrorWith("/model/depth", 1), "model.depth: there is no such field");
  EXPECT_EQ(ErrorWith("/model", 1), "model: no object");
  EXPECT_EQ(ErrorWith("/model/width", "32"), "model.width: \"32\" is no whole number of 64 bits");
  EXPECT_EQ(ErrorWith("/model/width", 32.5), "model.width: 32.5 is no whole number of 64 bits");
  EXPECT_EQ(ErrorWith("/schedule/fp_tokens", 1e19),
            "schedule.fp_tokens: 1e+19 is no whole number of 64 bits");
  EXPECT_EQ(ErrorWith("/milestone_tokens", {uint64_t{1} << 63}),
            "milestone_tokens: 9223372036854775808 in it is no whole number of 64 bits");
  EXPECT_EQ(ErrorWith("/model/width", 24),
            "model.width: 24 is not a multiple of "
            "model.head_size, 16");
  EXPECT_EQ(ErrorWith("/model/feed_forward", "relu"),
            "model.feed_forward: \"relu\" is none of: gelu, swiglu");
  EXPECT_EQ(ErrorWith("/seed", -1), "seed: -1 is outside 0 to 2147483648");
  EXPECT_EQ(ErrorWith("/threads", 5000000000), "threads: 5000000000 is too large");
  EXPECT_EQ(ErrorWith("/schedule/peak_rate", 2),
            "schedule.peak_rate: 2 is not above 0 and at most 1");
  EXPECT_EQ(ErrorWith("/optimizer/beta2", 1), "optimizer.beta2: is outside 0 to below 1");
  EXPECT_EQ(ErrorWith("/quantization/bits", 2.5),
            "quantization.bits: no quantizer has 2.5 bits; there are 1, 1.58, 2, 3, 4, 5, 6, 7 "
            "and 8");
  EXPECT_EQ(ErrorWith("/quantization/group_size", 16),
            "quantization.group_size: goes with granularity \"group\" only");
  EXPECT_EQ(ErrorWith("/milestone_tokens", {500}),
            "milestone_tokens: 500 is not above 0, at most 999936 and a multiple of the 512 "
            "tokens of a step");
  EXPECT_EQ(ErrorOf(json::array()), "config: no object");
  EXPECT_EQ(std::string(ParseRunConfig("{").status().message()), "config: is no JSON");
}

TEST(ParseRunConfig, RequiresWhatHasNoDefault) {
  for (const char* pointer : {"/data", "/model/width", "/model/layers", "/schedule/peak_rate"}) {
    json document = GoodJson();
    document = document.patch({{{"op", "remove"}, {"path", pointer}}});
    EXPECT_THAT(ErrorOf(document), testing::EndsWith(": is required")) << pointer;
  }
}

RunConfig Good() { return *ParseRunConfig(GoodJson().dump()); }

TEST(ScheduleName, IsTheGivenOneForRunsWithQatAlone) {
  RunConfig config = Good();
  EXPECT_EQ(ScheduleName(config), "classic");
  config.schedule_name = "full re-warm-up";
  EXPECT_EQ(ScheduleName(config), "full re-warm-up");
  config.schedule.qat_tokens = 0;
  EXPECT_EQ(ScheduleName(config), "fp");
}

TEST(HashRun, EachStageCoversWhatDecidesIt) {
  const RunHashes base = HashRun(Good(), "data");
  const auto changed = [&](auto change) {
    RunConfig config = Good();
    change(config);
    const RunHashes hashes = HashRun(config, "data");
    return std::vector<bool>{
        hashes.trunk != base.trunk, hashes.fp != base.fp, hashes.run != base.run};
  };
  const std::vector<bool> all = {true, true, true};
  const std::vector<bool> from_fp = {false, true, true};
  const std::vector<bool> run_only = {false, false, true};
  const std::vector<bool> none = {false, false, false};
  EXPECT_EQ(changed([](RunConfig& c) { c.schedule_name = "x"; }), none);
  EXPECT_EQ(changed([](RunConfig& c) { c.optimizer_name = "x"; }), none);
  EXPECT_EQ(changed([](RunConfig& c) { c.seed = 1; }), all);
  EXPECT_EQ(changed([](RunConfig& c) { c.threads = 2; }), all);
  EXPECT_EQ(changed([](RunConfig& c) { c.model.tied_embeddings = false; }), all);
  EXPECT_EQ(changed([](RunConfig& c) { c.optimizer.beta2 = 0.95; }), all);
  EXPECT_EQ(changed([](RunConfig& c) { c.schedule.peak_rate = 0.01; }), all);
  EXPECT_EQ(changed([](RunConfig& c) { c.schedule.fp_tokens += 512; }), from_fp);
  EXPECT_EQ(changed([](RunConfig& c) { c.schedule.cooldown_fraction = 0.2; }), from_fp);
  EXPECT_EQ(changed([](RunConfig& c) { c.schedule.qat_tokens += 512; }), run_only);
  EXPECT_EQ(changed([](RunConfig& c) { c.schedule.moments = Moments::kKept; }), run_only);
  EXPECT_EQ(changed([](RunConfig& c) { c.quantization.bits = 3; }), run_only);
  EXPECT_EQ(changed([](RunConfig& c) { c.evaluation_tokens = 100; }), run_only);
  EXPECT_EQ(changed([](RunConfig& c) { c.label = "x"; }), none);
  EXPECT_EQ(changed([](RunConfig& c) { c.data_path = "elsewhere"; }), none);
  EXPECT_NE(HashRun(Good(), "other").trunk, base.trunk);
}

TEST(RoleOf, FollowsFromBitsAndTokens) {
  const auto role = [](int64_t fp_tokens, int64_t qat_tokens, double bits) {
    RunConfig config = Good();
    config.schedule.fp_tokens = fp_tokens;
    config.schedule.qat_tokens = qat_tokens;
    config.quantization.bits = bits;
    return RoleOf(config);
  };
  EXPECT_EQ(role(10, 0, 16), "FULL_PRECISION");
  EXPECT_EQ(role(10, 10, 2), "FP_THEN_QAT");
  EXPECT_EQ(role(0, 10, 2), "QAT_FROM_SCRATCH");
  EXPECT_EQ(role(10, 0, 2), "POST_TRAINING");
  EXPECT_EQ(role(10, 10, 16), "CONTROL");
}

using BindToDataTest = TrainTest;

TEST_F(BindToDataTest, RefusesToRepeatTheDataUnlessAllowed) {
  const auto data = *TokenFile::Open(data_path());
  RunConfig config = TinyConfig();
  config.schedule.fp_tokens = 100000;
  const absl::Status status = BindToData(*data, config);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetErrorDetails(status)->reason, "DATA_TOO_SHORT");
  config.max_epochs = 2;
  EXPECT_TRUE(BindToData(*data, config).ok());
}

TEST_F(BindToDataTest, RefusesDataTooShortToValidate) {
  const auto data = *TokenFile::Open(data_path());
  RunConfig config = TinyConfig();
  config.batch_sequences = 128;
  config.max_epochs = 100;
  EXPECT_EQ(BindToData(*data, config).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace bitbudget::worker
