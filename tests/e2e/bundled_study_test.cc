// The bundled studies, asked as the quickstart asks them.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kCampaign[] = BITBUDGET_SOURCE_DIR "/data/micro_campaign/";
constexpr char kPrototype[] = BITBUDGET_SOURCE_DIR "/data/micro_prototype/";

class BundledStudyTest : public EndToEndTest {
 protected:
  // Creates the study "micro" from the rows that `keep` accepts, by their cells, and
  // waits for the fit.
  template <typename Keep>
  void Load(const std::string& folder, const Keep& keep) const {
    std::ifstream file(folder + "experiments.csv");
    std::string line;
    std::getline(file, line);
    std::string kept = line + "\n";
    while (std::getline(file, line)) {
      std::istringstream cells(line);
      std::string parameters;
      std::string fp_tokens;
      std::string qat_tokens;
      std::string weight_bits;
      std::getline(cells, parameters, ',');
      std::getline(cells, fp_tokens, ',');
      std::getline(cells, qat_tokens, ',');
      std::getline(cells, weight_bits, ',');
      if (keep(parameters, weight_bits)) kept += line + "\n";
    }
    Write("kept.csv", kept);
    Output(fmt::format("study create micro --definition {}study.json", folder));
    Output("experiments import --study micro kept.csv --wait");
  }

  void LoadAll(const std::string& folder) const {
    Load(folder, [](const std::string&, const std::string&) { return true; });
  }

  nlohmann::json Fraction(const std::string& total_tokens, int weight_bits) const {
    return Json(
        fmt::format("fraction --study micro --parameters 55536 --total-tokens {} "
                    "--weight-bits {}",
                    total_tokens,
                    weight_bits));
  }
};

class EachBundledStudyTest : public BundledStudyTest,
                             public ::testing::WithParamInterface<const char*> {};

TEST_P(EachBundledStudyTest, FractionGrowsWithTheBudgetAndFallsWithTheBits) {
  LoadAll(GetParam());
  double before = 0;
  for (const char* budget : {"1M", "4M", "16M"}) {
    const double at_two_bits = Fraction(budget, 2)["qat_fraction"]["value"];
    EXPECT_GT(at_two_bits, before) << budget;
    EXPECT_GT(double{Fraction(budget, 1)["qat_fraction"]["value"]}, at_two_bits) << budget;
    EXPECT_LT(double{Fraction(budget, 4)["qat_fraction"]["value"]}, at_two_bits) << budget;
    before = at_two_bits;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachBundledStudyTest, ::testing::Values(kCampaign, kPrototype));

TEST_F(BundledStudyTest, LossesAreAnsweredInsideTheData) {
  LoadAll(kCampaign);
  const nlohmann::json answer = Fraction("4M", 2);
  const nlohmann::json& loss = answer["loss_nats"];
  // Three seeds measured 1.556 to 1.593 nats over the splits.
  EXPECT_LT(double{loss["lower"]}, 1.556);
  EXPECT_GT(double{loss["upper"]}, 1.564);
  EXPECT_LT(double{loss["upper"]} - double{loss["lower"]}, 0.15);
}

// Three seeds measured 1.5636 nats with 12 % QAT, 1.5607 with 25 % and 1.5649 with 45 %.
TEST_F(BundledStudyTest, RunsAtTheVeryPlaceSpeakForThemselves) {
  LoadAll(kCampaign);
  const nlohmann::json measured = Fraction("4M", 2)["measured_optimum"];
  EXPECT_EQ(measured["bound"], "EXACT");
  EXPECT_GT(double{measured["qat_fraction"]}, 0.12);
  EXPECT_LT(double{measured["qat_fraction"]}, 0.45);
  EXPECT_GT(double{measured["standard_error"]}, 0);
  EXPECT_EQ(Fraction("16M", 1)["measured_optimum"]["bound"], "AT_LEAST");
  EXPECT_FALSE(Fraction("3M", 2).contains("measured_optimum"));
  EXPECT_FALSE(Json("fraction --study micro --parameters 55536 --total-tokens 4M --weight-bits 2 "
                    "--qat-token-cost 1.5")
                   .contains("measured_optimum"));
  EXPECT_THAT(Output("fraction --study micro --parameters 55.5k --total-tokens 4M "
                     "--weight-bits 2"),
              HasSubstr("by the runs there alone"));
}

TEST_F(BundledStudyTest, ControlsAndOtherSchedulesAreLeftOut) {
  LoadAll(kCampaign);
  const nlohmann::json fit = Json("fit show --study micro");
  EXPECT_EQ(fit["experiment_count"], "904");
  EXPECT_THAT(fit["rows_left_out"],
              Contains(nlohmann::json({{"reason", "ROLE_CONTROL"}, {"count", "280"}})));
  EXPECT_THAT(fit["rows_left_out"],
              Contains(nlohmann::json({{"reason", "OTHER_SCHEDULE"}, {"count", "288"}})));
  EXPECT_THAT(fit["rows_left_out"],
              Contains(nlohmann::json({{"reason", "OTHER_OPTIMIZER"}, {"count", "68"}})));
}

TEST_F(BundledStudyTest, OneWidthIsAnsweredByTheFractionLawWithoutLosses) {
  Load(kPrototype, [](const std::string&, const std::string& weight_bits) {
    return weight_bits == "4" || weight_bits == "16";
  });
  const nlohmann::json answer = Fraction("4M", 4);
  EXPECT_EQ(answer["provenance"]["variant"], "per_bit_chinchilla");
  EXPECT_GT(double{answer["qat_fraction"]["value"]}, 0.05);
  EXPECT_LT(double{answer["qat_fraction"]["value"]}, 0.5);
  EXPECT_FALSE(answer.contains("loss_nats"));
  EXPECT_THAT(answer["provenance"]["warnings"].dump(), HasSubstr("f = exp(-a / ln S)"));
}

}  // namespace
}  // namespace bitbudget
