// laws list and show, fit run --bootstrap, fit compare, fit explain; questions put to
// published laws.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LawsTest : public EndToEndTest {};

class AnalysisTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    if (server_ != nullptr) CreateStudyWithRuns();
  }
};

TEST_F(LawsTest, ListHasALineForEveryLaw) {
  const std::string list = Output("laws list");
  for (const char* law : {"compute_optimal_qat", "unified_qat_error", "chen_w4a4", "volkova_rho"}) {
    EXPECT_THAT(list, HasSubstr(law));
  }
}

TEST_F(LawsTest, ShowTellsSourceCoefficientsAndRange) {
  EXPECT_THAT(Output("laws show chen_w4a16"),
              AllOf(HasSubstr("arXiv 2505.14302, table 1"),
                    HasSubstr("gamma_N"),
                    HasSubstr("0.3589"),
                    HasSubstr("parameters 7.4e+07 to 5.95e+08"),
                    HasSubstr("PredictLoss")));
  const testing::Completed missing = Bitbudget("laws show none");
  EXPECT_EQ(missing.status.code, 1);
  EXPECT_THAT(missing.errors, HasSubstr("laws/none"));
}

TEST_F(LawsTest, PublishedLawAnswersAQuestionWithoutAStudy) {
  const nlohmann::json answer = Json(
      "predict --published-law chen_w4a16 --parameters 594M --fp-tokens 0 --qat-tokens 100B "
      "--weight-bits 4 --group-size 128");
  // .0210 above full precision, 2.7409.
  EXPECT_NEAR(answer["loss_nats"]["value"].get<double>(), 2.7619, 1e-4);
  EXPECT_EQ(answer["provenance"]["published_law"], "laws/chen_w4a16");
  const testing::Completed refused = Bitbudget(
      "fraction --published-law chen_w4a16 --parameters 594M --total-tokens 100B --weight-bits 4");
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("apple_qat_fraction"));
}

TEST_F(LawsTest, PublishedLawFillsAGridAndCannotChooseBits) {
  EXPECT_THAT(Output("grid --published-law hoffmann --quantity loss-nats --parameters 1B "
                     "--weight-bits 16 --qat-tokens 0 --axis total_tokens=1e10,1e11"),
              StartsWith("total_tokens,loss_nats,inside_data\n10000000000,"));
  const testing::Completed refused =
      Bitbudget("bits --published-law hoffmann --memory 4GiB --flops 1e21");
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_THAT(refused.errors,
              AllOf(HasSubstr("hoffmann does not answer OptimizeBitWidth"),
                    HasSubstr("compute_optimal_qat")));
}

TEST_F(AnalysisTest, BootstrapKeepsItsDrawsWithTheFit) {
  const nlohmann::json fit = Json("fit run --study s --bootstrap --draws 20");
  EXPECT_EQ(fit["bootstrap"]["draws"].size(), 20 * fit["coefficients"].size());
  EXPECT_EQ(Json("fit replay --study s")["identical"], true);
}

TEST_F(AnalysisTest, CompareRanksTheVariantsAndShowsTheStoredComparison) {
  const std::string laws =
      "compute_optimal_qat/shared_bit_decay,compute_optimal_qat/per_bit_chinchilla";
  const std::string text = Output("fit compare --study s --laws " + laws);
  EXPECT_THAT(text,
              AllOf(StartsWith("studies/s/comparisons/1"),
                    HasSubstr("shared_bit_decay"),
                    HasSubstr("N >= "),
                    HasSubstr("4 BITS")));
  EXPECT_EQ(Output("fit compare --study s --comparison latest"), text);
  EXPECT_THAT(Output("fit comparisons --study s"),
              HasSubstr("\n1\t1\t256\t2\tcompute_optimal_qat/shared_bit_decay\t"));
}

TEST_F(AnalysisTest, ExplainTellsWhatMovesAnAnswer) {
  EXPECT_THAT(
      Output("fit explain --study s --parameters 500M --weight-bits 4 --total-tokens 20B"),
      AllOf(
          HasSubstr("Answer: 0."), HasSubstr("ANSWER WITHOUT IT"), HasSubstr("Worst determined")));
  const testing::Completed unclear =
      Bitbudget("fit explain --study s --parameters 500M --weight-bits 4");
  EXPECT_EQ(unclear.status.code, 2);
  EXPECT_THAT(unclear.errors, HasSubstr("--total-tokens"));
}

}  // namespace
}  // namespace bitbudget
