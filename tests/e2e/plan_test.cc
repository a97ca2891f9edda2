// Bits, full precision, waste and plans from the command line, over the real server.

#include <gmock/gmock.h>

#include <cmath>
#include <string>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class PlanTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    CreateStudyWithRuns();
  }

  // Refused with exit code 1 and this in the message.
  void ExpectRefused(const std::string& arguments, const std::string& message) const {
    const testing::Completed refused = Bitbudget(arguments);
    EXPECT_EQ(refused.status.code, 1) << arguments;
    EXPECT_THAT(refused.errors, HasSubstr(message)) << arguments;
    EXPECT_EQ(refused.output, "");
  }
};

double Value(const nlohmann::json& estimate) { return estimate["value"]; }

TEST_F(PlanTest, BitsHaveTheNamesThatScriptsRelyOn) {
  const nlohmann::json answer = Json("bits --study s --memory 256MiB --flops 1e20");
  ASSERT_EQ(answer["candidates"].size(), 3);
  double probability = 0;
  for (const nlohmann::json& candidate : answer["candidates"]) {
    EXPECT_TRUE(candidate["weight_bits"].is_number());
    EXPECT_TRUE(candidate["parameters"].is_number());
    EXPECT_GT(Value(candidate["qat_fraction"]), 0);
    EXPECT_GT(Value(candidate["loss_nats"]), 0);
    EXPECT_LE(double{candidate["memory"]["total_bytes"]}, 256.0 * 1024 * 1024 * (1 + 1e-9));
    probability += double{candidate["probability_best"]};
  }
  EXPECT_NEAR(probability, 1, 1e-9);
  EXPECT_EQ(answer["provenance"]["fit"], "studies/s/fits/1");
  EXPECT_EQ(answer["memory_model"]["vocabulary"], "32000");
}

TEST_F(PlanTest, BitsOfAFitAreThoseOfItsStudy) {
  const std::string question = "bits --memory 256MiB --total-tokens 10B --draws 0 ";
  nlohmann::json of_study = Json(question + "--study s");
  nlohmann::json of_fit = Json(question + "--study s --fit 1");
  EXPECT_EQ(of_study["candidates"], of_fit["candidates"]);
}

TEST_F(PlanTest, LeastMemoryInvertsTheBestLoss) {
  const nlohmann::json forward =
      Json("bits --study s --memory 64MiB --flops 1e22 --weight-bits 4 --draws 0");
  ASSERT_EQ(forward["candidates"][0]["size_limit"], "MEMORY");
  const nlohmann::json inverse = Json(
      "bits --study s --objective least-memory --flops 1e22 --weight-bits 4 --draws 0 "
      "--target-loss " +
      forward["candidates"][0]["loss_nats"]["value"].dump());
  EXPECT_NEAR(
      Value(inverse["candidates"][0]["needed_memory_bytes"]) / (64.0 * 1024 * 1024), 1, 1e-6);
}

TEST_F(PlanTest, ComparesWithBothLawsOfFullPrecision) {
  const nlohmann::json answer =
      Json("compare-fp --study s --parameters 300M --total-tokens 10B --weight-bits 4");
  const nlohmann::json& width = answer["widths"][0];
  EXPECT_GT(Value(width["same_law"]["reference"]["loss_difference_nats"]), 0);
  EXPECT_TRUE(
      width["full_precision_law"]["reference"]["loss_difference_nats"]["lower"].is_number());
  EXPECT_LT(double{width["equal_memory"]["parameters"]}, 300e6);
}

TEST_F(PlanTest, WasteIsThatOfTheFractionCommand) {
  const nlohmann::json waste = Json(
      "waste --study s --fraction 0.1 --parameters 300M --weight-bits 2 --total-tokens 10B "
      "--device h100-sxm --price 2");
  const nlohmann::json fraction =
      Json("fraction --study s --parameters 300M --weight-bits 2 --total-tokens 10B");
  EXPECT_NEAR(
      Value(waste["wasted_token_fraction"]), Value(fraction["wasted_token_fraction"]), 1e-12);
  EXPECT_TRUE(waste["model_implied"]);
  EXPECT_GT(Value(waste["budgets"][0]["wasted_money"]), 0);
}

TEST_F(PlanTest, WasteOverARangeHasEveryBudget) {
  const nlohmann::json waste =
      Json("waste --study s --parameters 300M --weight-bits 2 --range 2B:20B:5");
  EXPECT_EQ(waste["budgets"].size(), 5);
}

TEST_F(PlanTest, PlanIsTextJsonAndADocument) {
  const std::string question =
      "plan --study s --parameters 300M --device-hours 20 --device h100-sxm --price 2 ";
  const nlohmann::json plan = Json(question);
  EXPECT_NEAR(double{plan["cost"]["device_hours"]}, 20, 1e-6);
  EXPECT_EQ(plan["alternatives"].size(), 2);
  EXPECT_THAT(Output(question), StartsWith("Asked for: 20 device hours, 300M parameters.\n"));
  const std::string document = Output(question + "--markdown");
  EXPECT_THAT(document, StartsWith("# Training plan\n"));
  for (const char* section :
       {"## Schedule", "## Memory", "## Widths compared", "## Where this comes from"}) {
    EXPECT_THAT(document, HasSubstr(section));
  }
  EXPECT_EQ(Bitbudget(question + "--markdown --json").status.code, 2);
}

TEST_F(PlanTest, CheckpointIsPlannedToItsTarget) {
  const nlohmann::json plan = Json(
      "plan --study s --parameters 300M --fixed-fp-tokens 10B --weight-bits 4 --total-tokens 12B");
  EXPECT_NEAR(double{plan["plan"]["qat_tokens"]}, 2e9, 1);
  const nlohmann::json target =
      Json("plan --study s --parameters 300M --fixed-fp-tokens 10B --weight-bits 4 --target-loss " +
           plan["plan"]["loss_nats"]["value"].dump());
  EXPECT_NEAR(double{target["plan"]["qat_tokens"]} / 2e9, 1, 1e-6);
}

TEST_F(PlanTest, DevicesAreListed) { EXPECT_THAT(Output("devices"), HasSubstr("h100-sxm")); }

TEST_F(PlanTest, BadQuestionsAreNamedPrecisely) {
  ExpectRefused("bits --study s --memory 1kB --flops 1e20", "memory_bytes");
  ExpectRefused("bits --study s --memory 1GiB --flops 1", "compute_flops");
  ExpectRefused("bits --study s --parameters 300M --flops 1e9", "compute_flops");
  ExpectRefused("bits --study s --memory 1GiB --flops 1e20 --weight-bits 8", "weight_bits");
  ExpectRefused("bits --study s --parameters 7B --flops 1e20 --layers 2 --width 64",
                "memory_model.layers");
  ExpectRefused("bits --study s --objective least-compute --memory 1GiB --target-loss 0.1",
                "target_loss_nats");
  ExpectRefused(
      "waste --study s --parameters 300M --weight-bits 2 --total-tokens 10B --price -1 "
      "--device h100-sxm",
      "hardware.price_per_device_hour");
  ExpectRefused(
      "waste --study s --parameters 300M --weight-bits 2 --total-tokens 10B "
      "--device abacus",
      "h100-sxm");
  ExpectRefused("plan --study s --parameters 300M --money 100 --device h100-sxm",
                "hardware.price_per_device_hour");
}

TEST_F(PlanTest, MissingBudgetIsWrongUsageAndNamesTheFlags) {
  for (const char* command : {"bits --study s --memory 1GiB",
                              "compare-fp --study s --parameters 300M",
                              "waste --study s --parameters 300M --weight-bits 2",
                              "plan --study s --parameters 300M"}) {
    const testing::Completed refused = Bitbudget(command);
    EXPECT_EQ(refused.status.code, 2) << command;
    EXPECT_THAT(refused.errors, HasSubstr("--total-tokens")) << command;
  }
}

TEST_F(PlanTest, WrongUsageIsToldBeforeAnyCall) {
  EXPECT_EQ(Bitbudget("bits --study s --memory 4G --flops 1e20").status.code, 2);
  EXPECT_EQ(Bitbudget("bits --study s --flops 1e20 --total-tokens 1B").status.code, 2);
  EXPECT_EQ(
      Bitbudget("waste --study s --parameters 1M --weight-bits 2 --range 1:2").status.code, 2);
}

}  // namespace
}  // namespace bitbudget
