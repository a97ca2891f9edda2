#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class FitTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    if (server_ != nullptr) CreateStudyWithRuns();
  }
};

TEST_F(FitTest, AnImportThatWaitsNamesTheFitOfItsRows) {
  Write("more.csv",
        "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,schedule\n"
        "86M,20B,10B,4,3.1,classic\n");
  const testing::Completed completed = Bitbudget("experiments import --study s more.csv --wait");
  EXPECT_EQ(completed.status.code, 0);
  EXPECT_THAT(completed.errors, StartsWith("fitted: studies/s/fits/"));
  EXPECT_EQ(Json("fit show --study s")["revision"], "2");
}

TEST_F(FitTest, ShowingAFitTellsWhatItIsAndHowGood) {
  const std::string text = Output("fit show --study s");
  EXPECT_THAT(text, StartsWith("studies/s/fits/"));
  EXPECT_THAT(text,
              AllOf(HasSubstr("  Law            compute_optimal_qat\n"),
                    HasSubstr("  Rung           "),
                    HasSubstr("  Formula        "),
                    HasSubstr(fmt::format("  Rows fitted    {}\n", kSimulatedRunCount)),
                    HasSubstr("  Rows left out  none\n"),
                    HasSubstr("\nCoefficients\n"),
                    HasSubstr("\nNoise, in log loss\n"),
                    HasSubstr("\nLadder, richest first\n")));
}

TEST_F(FitTest, AsJsonAFitHasTheFieldsThatScriptsRelyOn) {
  const nlohmann::json fit = Json("fit show --study s");
  for (const char* field : {"objective",
                            "termination",
                            "agreeing_start_count",
                            "start_count",
                            "residual_rms",
                            "experiment_count"}) {
    EXPECT_TRUE(fit.contains(field)) << field;
  }
  ASSERT_FALSE(fit["coefficients"].empty());
  for (const nlohmann::json& coefficient : fit["coefficients"]) {
    EXPECT_TRUE(coefficient["name"].is_string());
    EXPECT_TRUE(coefficient["value"].is_number());
    EXPECT_TRUE(coefficient["at_bound"].is_boolean());
  }
  EXPECT_EQ(fit["experiment_count"], fmt::to_string(kSimulatedRunCount));
  EXPECT_EQ(fit["termination"], "CONVERGED");
}

TEST_F(FitTest, AFitWithAnotherOptionKeepsTheStudysOthersAndDoesNotBecomeCurrent) {
  Output("study update s --seed 7");
  Output("fit run --study s");
  const std::string current = Json("fit show --study s")["name"];
  const nlohmann::json own = Json("fit run --study s --huber-delta 1e-3 --wait");
  EXPECT_EQ(own["huber_delta"], 1e-3);
  EXPECT_EQ(own["inputs"]["options"]["seed"], "7");
  EXPECT_EQ(own["standard_options"], false);
  EXPECT_EQ(Json("fit show --study s")["name"], current);
}

TEST_F(FitTest, ACertainFitIsNamedByIdOrInFull) {
  const std::string name = Json("fit show --study s")["name"];
  const std::string id = name.substr(name.rfind('/') + 1);
  EXPECT_EQ(Json("fit show --fit " + name)["name"], name);
  EXPECT_EQ(Json("fit show --study s --fit " + id)["name"], name);
}

TEST_F(FitTest, AReplayIsIdenticalInEveryBit) {
  const std::string name = Json("fit show --study s")["name"];
  EXPECT_EQ(Output("fit replay --study s"),
            name + ": computed again from its inputs, identical in every bit\n");
  EXPECT_EQ(Json("fit replay --study s")["identical"], true);
}

TEST_F(FitTest, AListHasALineForEachFitNewestFirst) {
  Output("fit run --study s --seed 3");
  EXPECT_THAT(
      Output("fit list --study s"),
      MatchesRegex("FIT\tREVISION\tLAW\tRUNG\tROWS\tRESIDUAL RMS\tOBJECTIVE\tOPTIONS\tMADE\n"
                   "[^\t]+\t1\tcompute_optimal_qat\t[a-z_]+\t256\t[^\t]+\t[^\t]+\tits own\t"
                   "[-0-9]+ [:0-9]+ UTC\n"
                   "[^\t]+\t1\tcompute_optimal_qat\t[a-z_]+\t256\t[^\t]+\t[^\t]+\tthe "
                   "study's\t[-0-9]+ [:0-9]+ UTC\n"));
}

TEST_F(FitTest, APredictionHasTheFieldsThatScriptsRelyOn) {
  const nlohmann::json answer =
      Json("predict --study s --parameters 194M --fp-tokens 10B --qat-tokens 6B --weight-bits 2");
  EXPECT_LT(answer["loss_nats"]["lower"], answer["loss_nats"]["value"]);
  EXPECT_GT(answer["loss_nats"]["upper"], answer["loss_nats"]["value"]);
  EXPECT_EQ(answer["provenance"]["law"], "compute_optimal_qat");
  EXPECT_EQ(answer["provenance"]["revision"], "1");
  EXPECT_EQ(answer["provenance"]["published_law"], "");
  EXPECT_THAT(answer["provenance"]["fit"].get<std::string>(), StartsWith("studies/s/fits/"));
  EXPECT_EQ(answer["provenance"]["extrapolation"]["inside_data"], true);
}

TEST_F(FitTest, APredictionOpensWithOneSentence) {
  EXPECT_THAT(
      Output("predict --study s --parameters 194M --fp-tokens 10B --qat-tokens 6B --weight-bits 2"),
      MatchesRegex("Expect a loss of [.0-9]+ nats at 2 bits: 194M parameters, 10B tokens in "
                   "full precision and 6B with QAT\\.\n\n(.|\n)*90 % interval(.|\n)*From "
                   "compute_optimal_qat \\([a-z_]+\\), fit studies/s/fits/[^,]+, revision "
                   "1\\.\n(.|\n)*"));
}

TEST_F(FitTest, AFractionHasTheFieldsThatScriptsRelyOn) {
  const nlohmann::json answer =
      Json("fraction --study s --parameters 194M --total-tokens 16B --weight-bits 2");
  const double fraction = answer["qat_fraction"]["value"];
  EXPECT_GT(fraction, 0);
  EXPECT_LT(fraction, 1);
  EXPECT_LE(answer["flat_range"]["lower"], fraction);
  EXPECT_GE(answer["flat_range"]["upper"], fraction);
  EXPECT_EQ(answer["caller_split"]["qat_fraction"], .1);
  EXPECT_EQ(answer["wasted_token_fraction"], answer["caller_split"]["wasted_token_fraction"]);
  EXPECT_TRUE(answer["loss_nats"]["value"].is_number());
}

TEST_F(FitTest, TheSameBudgetInTokensAndInFlopsHasTheSameAnswer) {
  const nlohmann::json tokens =
      Json("fraction --study s --parameters 194M --total-tokens 16B --weight-bits 2");
  // 6 FLOPs a parameter and token: 6 * 194e6 * 16e9.
  const nlohmann::json flops =
      Json("fraction --study s --parameters 194M --flops 18.624EFLOP --weight-bits 2");
  EXPECT_EQ(tokens["qat_fraction"], flops["qat_fraction"]);
}

TEST_F(FitTest, AFractionOpensWithWhatToDo) {
  EXPECT_THAT(Output("fraction --study s --parameters 194M --total-tokens 16B --weight-bits 2 "
                     "--caller-fraction 30%"),
              AllOf(MatchesRegex("Spend [.0-9]+ % of the tokens on QAT: [.0-9A-Z]+ in full "
                                 "precision, then [.0-9A-Z]+ with QAT; expected loss [.0-9]+ "
                                 "nats\\.\n(.|\n)*"),
                    HasSubstr("Loss with 30 % QAT"),
                    Not(HasSubstr("Outside the data"))));
}

TEST_F(FitTest, AQuestionFarOutsideTheDataIsFlaggedPlainly) {
  EXPECT_THAT(Output("fraction --study s --parameters 7.59B --total-tokens 16B --weight-bits 2"),
              HasSubstr("Outside the data: parameters 7.59B is 10 times above the largest "
                        "(measured: 86M to 759M).\n"));
}

TEST_F(FitTest, ACheckpointIsToldWhatTheBudgetAdds) {
  EXPECT_THAT(Output("fraction --study s --parameters 194M --fixed-fp-tokens 10B --total-tokens "
                     "16B --weight-bits 2"),
              StartsWith("The budget adds 6B QAT tokens to the checkpoint of 10B tokens"));
}

TEST_F(FitTest, AQuestionMayAskForARevisionOrACertainFit) {
  const std::string fit = Json("fit show --study s")["name"];
  const std::string question = " --parameters 194M --total-tokens 16B --weight-bits 2";
  const std::string by_revision = "fraction --study s --min-revision 1" + question;
  const std::string by_fit = "fraction --fit " + fit + question;
  EXPECT_EQ(Json(by_revision)["qat_fraction"], Json(by_fit)["qat_fraction"]);
}

TEST_F(FitTest, AGridIsCsv) {
  const testing::Completed grid = Bitbudget(
      "grid --study s --quantity optimal-qat-fraction --parameters 194M --axis "
      "total_tokens=4B:256B:4:log --axis weight_bits=1,2 --intervals");
  EXPECT_EQ(grid.status.code, 0) << grid.errors;
  EXPECT_THAT(grid.output,
              MatchesRegex("total_tokens,weight_bits,optimal_qat_fraction,lower,upper,inside_data\n"
                           "(4000000000,1,0\\.[0-9]+,0\\.[0-9]+,0\\.[0-9]+,true\n)"
                           "(4000000000,2,0\\.[0-9]+,0\\.[0-9]+,0\\.[0-9]+,true\n)"
                           "([.0-9]+,[12],0\\.[0-9]+,0\\.[0-9]+,0\\.[0-9]+,(true|false)\n){6}"));
  EXPECT_THAT(grid.errors, StartsWith("From compute_optimal_qat"));
}

struct BadQuestionCase {
  std::string arguments;
  int exit_code;
  const char* error;
};

class BadQuestionTest : public EndToEndTest,
                        public ::testing::WithParamInterface<BadQuestionCase> {};

TEST_P(BadQuestionTest, IsRefusedNamingTheField) {
  CreateStudy();
  const testing::Completed completed = Bitbudget(GetParam().arguments);
  EXPECT_EQ(completed.status.code, GetParam().exit_code) << completed.output;
  EXPECT_THAT(completed.errors, HasSubstr(GetParam().error));
  EXPECT_EQ(completed.output, "");
}

// A question about 86M parameters, 4B tokens, 2 bits, with some flags changed.
std::string Fraction(const std::string& flags) {
  std::string arguments = "fraction --study s " + flags;
  const auto add_unless_given = [&](const std::string& flag, const std::string& value) {
    if (flags.find(flag) == std::string::npos) arguments += " " + flag + " " + value;
  };
  add_unless_given("--parameters", "86M");
  add_unless_given("--weight-bits", "2");
  add_unless_given("--total-tokens", "4B");
  return arguments;
}

INSTANTIATE_TEST_SUITE_P(
    Fractions,
    BadQuestionTest,
    ::testing::Values(
        BadQuestionCase{Fraction(""), 1, "import measured runs"},
        BadQuestionCase{Fraction("--parameters 0"), 1, "parameters: is 0"},
        BadQuestionCase{Fraction("--parameters -5"), 1, "parameters: is -5"},
        BadQuestionCase{Fraction("--parameters 86X"), 2, "--parameters: '86X' ends in 'X'"},
        BadQuestionCase{Fraction("--parameters 8.5"), 2, "is not a whole number"},
        BadQuestionCase{Fraction("--total-tokens 1"), 1, "total_tokens: is 1"},
        BadQuestionCase{Fraction("--total-tokens 1e19"), 2, "is beyond 64 bits"},
        BadQuestionCase{Fraction("--flops 1e21"), 2, "--total-tokens excludes --flops"},
        BadQuestionCase{Fraction("--weight-bits 0.5"), 1, "weight_bits: is 0.5"},
        BadQuestionCase{Fraction("--weight-bits 16"), 1, "weight_bits: is 16"},
        BadQuestionCase{Fraction("--weight-bits 17"), 1, "weight_bits: is 17"},
        BadQuestionCase{Fraction("--weight-bits nan"), 2, "'nan' is not a number"},
        BadQuestionCase{Fraction("--caller-fraction 0"), 1, "caller_fraction: is 0"},
        BadQuestionCase{Fraction("--caller-fraction 1"), 1, "caller_fraction: is 1"},
        BadQuestionCase{Fraction("--confidence 1"), 1, "confidence_level: is 1"},
        BadQuestionCase{Fraction("--confidence 0"), 1, "confidence_level: is 0"},
        BadQuestionCase{Fraction("--loss-tolerance 0"), 1, "loss_tolerance_nats: is 0"},
        BadQuestionCase{Fraction("--qat-token-cost 0"), 1, "qat_token_cost: is 0"},
        BadQuestionCase{Fraction("--target-loss 2"), 2, "--fixed-fp-tokens"},
        BadQuestionCase{Fraction("--fixed-fp-tokens 5B"), 1, "fixed_fp_tokens: is 5000000000"},
        BadQuestionCase{Fraction("--min-revision -1"), 1, "min_revision: is -1"},
        BadQuestionCase{Fraction("--min-revision 99"), 1, "min_revision: is 99"},
        BadQuestionCase{Fraction("--fit none"), 1, "studies/s/fits/none"}));

INSTANTIATE_TEST_SUITE_P(
    Others,
    BadQuestionTest,
    ::testing::Values(
        BadQuestionCase{
            "fraction --parameters 86M --weight-bits 2 --total-tokens 4B", 2, "say which law"},
        BadQuestionCase{"fraction --study none --parameters 86M --weight-bits 2 --total-tokens 4B",
                        1,
                        "studies/none"},
        BadQuestionCase{"fraction --study s", 2, "--parameters is required"},
        BadQuestionCase{
            "fraction --study s --parameters 86M --weight-bits 2", 2, "--total-tokens or --flops"},
        BadQuestionCase{"fraction --study s --parameters 86M --weight-bits 2 --fixed-fp-tokens 1B",
                        2,
                        "--target-loss"},
        BadQuestionCase{"predict --study s --parameters 86M --fp-tokens 1B --weight-bits 2",
                        2,
                        "needs --qat-tokens"},
        BadQuestionCase{
            "grid --study s --quantity loss-nats --axis weight_bits=1,2",
            2,
            "needs --parameters, two of --total-tokens, --fp-tokens, --qat-tokens, --qat-fraction"},
        BadQuestionCase{"grid --study s --quantity wasted-token-fraction --axis parameters=1e8,2e8",
                        2,
                        "needs --weight-bits, --total-tokens, --qat-fraction"},
        BadQuestionCase{"predict --study s --fit studies/t/fits/1 --parameters 86M --fp-tokens 1B "
                        "--qat-tokens 1B --weight-bits 2",
                        2,
                        "--fit studies/t/fits/1 is a fit of studies/t, not of --study studies/s"},
        BadQuestionCase{"fit show --fit a/b", 2, "is neither FIT nor studies/NAME/fits/FIT"},
        BadQuestionCase{"predict --study s --parameters 86M --fp-tokens 0 --weight-bits 16",
                        1,
                        "fp_tokens: is 0"},
        BadQuestionCase{"predict --published-law chen_w4a16 --parameters 86M --fp-tokens 1B "
                        "--qat-tokens 1B --weight-bits 4 --group-size 32",
                        1,
                        "fp_tokens: is 1e+09 at 4 bits"},
        BadQuestionCase{"predict --study s --published-law hoffmann --parameters 86M "
                        "--fp-tokens 1B --weight-bits 16",
                        2,
                        "leave --study and --fit away"},
        BadQuestionCase{
            "predict --study s --parameters 86M --fp-tokens 1B --qat-tokens 1B --weight-bits 16",
            1,
            "qat_tokens: is 1000000000"},
        BadQuestionCase{"grid --study s --quantity loss-nats --axis bits=1,2",
                        2,
                        "'bits' is none of parameters"},
        BadQuestionCase{"grid --study s --quantity loss --axis weight_bits=1",
                        2,
                        "'loss' is none of loss-nats"},
        BadQuestionCase{
            "fit show --study s", 1, "studies/s has no fit: the study has no experiments"},
        BadQuestionCase{"fit replay --study s", 1, "the study has no experiments"},
        BadQuestionCase{"fit show --fit 1", 2, "add --study NAME"},
        BadQuestionCase{"fit run --study s", 1, "experiments"},
        BadQuestionCase{"fit run --study none", 1, "studies/none"},
        BadQuestionCase{"fit run --study s --huber-delta 0", 1, "huber_delta: is 0"},
        BadQuestionCase{"fit replay --study s --fit 9", 1, "studies/s/fits/9"}));

}  // namespace
}  // namespace bitbudget
