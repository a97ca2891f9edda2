#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Four runs: one of full precision, three quantized, one of those with a note.
class ExperimentsTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    if (server_ == nullptr) return;
    CreateStudy();
    Write("runs.csv",
          "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,schedule,replicate,note\n"
          "86M,30B,0,16,2.25,fp,0,\n"
          "86M,20B,10B,4,2.5,classic,0,\"with \"\"quotes\"\", commas\"\n"
          "86M,20B,10B,4,2.51,classic,1,\n"
          "194M,20B,10B,1.58,2.75,fused,0,\n");
    Output("experiments import --study s runs.csv");
  }

  nlohmann::json List(const std::string& flags) const {
    return Json("experiments list --study s " + flags)["experiments"];
  }

  static std::string Token(const nlohmann::json& page) {
    return page["next_page_token"].get<std::string>();
  }
};

TEST_F(ExperimentsTest, AListIsTabSeparatedWhenPiped) {
  EXPECT_EQ(
      Output("experiments list --study s --page-size 10"),
      "EXPERIMENT\tROLE\tPARAMETERS\tFP TOKENS\tQAT TOKENS\tBITS\tLOSS\tSCHEDULE\tRECIPE\tTRUNK\t"
      "REPLICATE\tBATCH\tEXCLUDED\n"
      "1\tfull precision\t86M\t30B\t0\t16\t2.2500\tfp\t\t\t0\truns.csv\t\n"
      "2\tfp then qat\t86M\t20B\t10B\t4\t2.5000\tclassic\t\t\t0\truns.csv\t\n"
      "3\tfp then qat\t86M\t20B\t10B\t4\t2.5100\tclassic\t\t\t1\truns.csv\t\n"
      "4\tfp then qat\t194M\t20B\t10B\t1.58\t2.7500\tfused\t\t\t0\truns.csv\t\n");
}

TEST_F(ExperimentsTest, FiltersChooseRows) {
  EXPECT_EQ(List("--role full-precision").size(), 1);
  EXPECT_EQ(List("--role full-precision,fp-then-qat").size(), 4);
  EXPECT_EQ(List("--weight-bits 1.58,16").size(), 2);
  EXPECT_EQ(List("--parameters 194M").size(), 1);
  EXPECT_EQ(List("--schedule classic").size(), 2);
  EXPECT_EQ(List("--batch runs.csv --min-total-tokens 30B").size(), 4);
  EXPECT_EQ(List("--max-total-tokens 1B").size(), 0);
  EXPECT_EQ(List("--exclusion excluded").size(), 0);
}

TEST_F(ExperimentsTest, RowsAreOrderedAsAsked) {
  EXPECT_EQ(List("--order-by loss --descending")[0]["loss_nats"], 2.75);
  EXPECT_EQ(List("--order-by weight-bits")[0]["weight_bits"], 1.58);
}

TEST_F(ExperimentsTest, PagesFollowEachOtherAndAllOfThemAreOneList) {
  const nlohmann::json first = Json("experiments list --study s --page-size 3");
  ASSERT_EQ(first["experiments"].size(), 3);
  const nlohmann::json second =
      Json("experiments list --study s --page-size 3 --page-token " + Token(first));
  ASSERT_EQ(second["experiments"].size(), 1);
  EXPECT_EQ(second["experiments"][0]["name"], "studies/s/experiments/4");
  EXPECT_EQ(second["next_page_token"], "");
  EXPECT_EQ(List("--page-size 3 --all").size(), 4);
}

TEST_F(ExperimentsTest, APageSaysHowToGetTheNext) {
  EXPECT_THAT(Bitbudget("experiments list --study s --page-size 3").errors,
              StartsWith("3 shown; the next page: --page-token '"));
}

TEST_F(ExperimentsTest, APageTokenOfAnotherQueryIsRefused) {
  const nlohmann::json first = Json("experiments list --study s --page-size 1");
  const testing::Completed completed =
      Bitbudget("experiments list --study s --schedule classic --page-token " + Token(first));
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("page_token"));
}

TEST_F(ExperimentsTest, AnExportIsImportedAsNoChangeInBothFormats) {
  for (const std::string format : {"csv", "jsonl"}) {
    const testing::Completed exported =
        Bitbudget("experiments export --study s --format " + format);
    EXPECT_EQ(exported.errors, "4 experiments, revision 1\n");
    Write("export." + format, exported.output);
    EXPECT_THAT(Output("experiments import --study s export." + format),
                StartsWith("0 stored, 4 unchanged, 0 refused; revision 1"));
  }
}

TEST_F(ExperimentsTest, AnExportHasEveryColumnAndExactNumbers) {
  EXPECT_EQ(
      Bitbudget("experiments export --study s --weight-bits 1.58,4 --max-total-tokens 30B").output,
      "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,embedding_parameters,role,"
      "recipe,optimizer,schedule,activation_bits,group_size,trunk,replicate,"
      "loss_stderr_nats,note\n"
      "86000000,20000000000,10000000000,4,2.5,0,FP_THEN_QAT,,,classic,,,,0,,"
      "\"with \"\"quotes\"\", commas\"\n"
      "86000000,20000000000,10000000000,4,2.51,0,FP_THEN_QAT,,,classic,,,,1,,\n"
      "194000000,20000000000,10000000000,1.58,2.75,0,FP_THEN_QAT,,,fused,,,,0,,\n");
}

TEST_F(ExperimentsTest, ExcludedRunsAreLeftOutOfAnExportUnlessAskedFor) {
  Output("experiments exclude --study s 1 --reason diverged");
  EXPECT_EQ(Bitbudget("experiments export --study s").errors, "3 experiments, revision 2\n");
  EXPECT_EQ(Bitbudget("experiments export --study s --exclusion any").errors,
            "4 experiments, revision 2\n");
}

TEST_F(ExperimentsTest, AnExclusionIsSeenAndTakenBack) {
  EXPECT_EQ(Output("experiments exclude --study s 2 3 --reason diverged"),
            "2 excluded; revision 2\n");
  const nlohmann::json excluded = List("--exclusion excluded");
  ASSERT_EQ(excluded.size(), 2);
  EXPECT_EQ(excluded[0]["exclude_reason"], "diverged");
  EXPECT_EQ(Output("experiments include --study s studies/s/experiments/2 --reason 'it had not'"),
            "1 included; revision 3\n");
}

TEST_F(ExperimentsTest, AnInclusionWhoseKeyIsTakenIsRefused) {
  Output("experiments exclude --study s 1 --reason 'wrong loss'");
  Write("right.csv",
        "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,schedule\n86M,30B,0,16,2.2,fp\n");
  Output("experiments import --study s right.csv");
  const testing::Completed completed =
      Bitbudget("experiments include --study s 1 --reason 'was right'");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("loss_nats"));
}

struct BadExperimentsCase {
  const char* arguments;
  int exit_code;
  const char* error;
};

class BadExperimentsTest : public ExperimentsTest,
                           public ::testing::WithParamInterface<BadExperimentsCase> {};

TEST_P(BadExperimentsTest, IsRefusedSayingWhy) {
  const testing::Completed completed = Bitbudget(GetParam().arguments);
  EXPECT_EQ(completed.status.code, GetParam().exit_code) << completed.output;
  EXPECT_THAT(completed.errors, HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BadExperimentsTest,
    ::testing::Values(
        BadExperimentsCase{"experiments list --study none", 1, "studies/none"},
        BadExperimentsCase{"experiments list --study s --page-size -1", 1, "page_size: is -1"},
        BadExperimentsCase{"experiments list --study s --page-token made-up", 1, "page_token"},
        BadExperimentsCase{
            "experiments list --study s --role teacher", 2, "'teacher' is none of full-precision"},
        BadExperimentsCase{
            "experiments list --study s --weight-bits two", 2, "'two' is not a number"},
        BadExperimentsCase{"experiments list", 2, "--study is required"},
        BadExperimentsCase{"experiments export --study s --format parquet", 2, "--format"},
        BadExperimentsCase{"experiments exclude --study s 1", 2, "--reason is required"},
        BadExperimentsCase{"experiments exclude --study s 1 --reason ''", 1, "reason"},
        BadExperimentsCase{
            "experiments exclude --study s --reason x", 2, "either by name or with --batch"},
        BadExperimentsCase{"experiments exclude --study s 1 --batch runs.csv --reason x",
                           2,
                           "either by name or with --batch"},
        BadExperimentsCase{
            "experiments exclude --study s 99 --reason x", 1, "studies/s/experiments/99"},
        BadExperimentsCase{"experiments exclude --study s --batch none --reason x", 1, "none"}));

}  // namespace
}  // namespace bitbudget
