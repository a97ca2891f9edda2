#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

using StudyTest = EndToEndTest;

TEST_F(StudyTest, ANewStudyHasTheDefaultsOfTheProject) {
  const nlohmann::json study = Json("study create s");
  EXPECT_EQ(study["name"], "studies/s");
  EXPECT_EQ(study["law"], "compute_optimal_qat");
  EXPECT_EQ(study["loss_unit"], "NATS_PER_TOKEN");
  EXPECT_EQ(study["parameter_convention"], "NON_EMBEDDING");
  EXPECT_EQ(study["revision"], "0");
  EXPECT_EQ(study["fit_status"]["state"], "NO_DATA");
}

TEST_F(StudyTest, FlagsDescribeAStudy) {
  const nlohmann::json study = Json(
      "study create s --law chinchilla --loss-unit nats-per-byte --title 'Small ones' --shape "
      "86M:12:768:12 --shape 194M:16:1024 --huber-delta 1e-3");
  EXPECT_EQ(study["law"], "chinchilla");
  EXPECT_EQ(study["loss_unit"], "NATS_PER_BYTE");
  EXPECT_EQ(study["display_name"], "Small ones");
  ASSERT_EQ(study["model_family"]["shapes"].size(), 2);
  EXPECT_EQ(study["model_family"]["shapes"][0]["parameters"], "86000000");
  EXPECT_EQ(study["model_family"]["shapes"][0]["attention_heads"], 12);
  EXPECT_EQ(study["fit_options"]["huber_delta"], 1e-3);
}

TEST_F(StudyTest, ADefinitionDescribesAStudyAndFlagsGoBeforeIt) {
  Write("study.json",
        R"({"displayName": "From a file", "lossUnit": "NATS_PER_BYTE", "tokenizer": "bytes"})");
  const nlohmann::json study = Json("study create s --definition study.json --tokenizer words");
  EXPECT_EQ(study["display_name"], "From a file");
  EXPECT_EQ(study["loss_unit"], "NATS_PER_BYTE");
  EXPECT_EQ(study["tokenizer"], "words");
}

TEST_F(StudyTest, ADefinitionThatIsNoStudyIsRefused) {
  Write("study.json", R"({"colour": "red"})");
  const testing::Completed completed = Bitbudget("study create s --definition study.json");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("study.json holds no study as JSON"));
}

TEST_F(StudyTest, AListHasALineForEachStudy) {
  CreateStudy();
  Output("study create t --title Another");
  EXPECT_EQ(Output("study list"),
            "STUDY\tLAW\tEXPERIMENTS\tEXCLUDED\tREVISION\tFIT\tTITLE\n"
            "s\tcompute_optimal_qat\t0\t0\t0\tno data\t\n"
            "t\tcompute_optimal_qat\t0\t0\t0\tno data\tAnother\n");
}

TEST_F(StudyTest, AnEmptyListSaysHowToBegin) {
  const testing::Completed completed = Bitbudget("study list");
  EXPECT_EQ(completed.status.code, 0);
  EXPECT_EQ(completed.errors, "no studies yet; make one: bitbudget study create NAME\n");
}

TEST_F(StudyTest, ShowingAStudyTellsWhatIsKnownOfIt) {
  Output("study create s --schedule classic");
  EXPECT_THAT(Output("study show s"), MatchesRegex(R"(studies/s
  Law          compute_optimal_qat
  Fit options  schedule=classic
  Loss         nats per token
  Parameters   non embedding
  Experiments  0, 0 excluded
  Revision     0
  Fit          no data yet
  Created      [-0-9]+ [:0-9]+ UTC
  Updated      [-0-9]+ [:0-9]+ UTC
)"));
}

TEST_F(StudyTest, AnUpdateChangesWhatItsFlagsNameAndNothingElse) {
  Output("study create s --title Old --tokenizer bytes --schedule classic");
  const nlohmann::json changed = Json("study update s --title New --seed 7");
  EXPECT_EQ(changed["display_name"], "New");
  EXPECT_EQ(changed["tokenizer"], "bytes");
  EXPECT_EQ(changed["fit_options"]["seed"], "7");
  EXPECT_EQ(changed["fit_options"]["schedule"], "classic");
}

TEST_F(StudyTest, AClearedFieldIsBackAtItsDefault) {
  Output("study create s --huber-delta 1e-3 --schedule classic");
  const nlohmann::json changed = Json("study update s --clear fit_options.huber_delta");
  EXPECT_FALSE(changed["fit_options"].contains("huber_delta"));
  EXPECT_EQ(changed["fit_options"]["schedule"], "classic");
}

TEST_F(StudyTest, ADeletedStudyIsGone) {
  CreateStudy();
  EXPECT_EQ(Output("study delete s"), "studies/s is deleted\n");
  EXPECT_EQ(Bitbudget("study show s").status.code, 1);
}

TEST_F(StudyTest, AStudyWithExperimentsIsDeletedByForceOnly) {
  CreateStudy();
  Write("runs.csv", std::string(kHeader) + "86M,20B,10B,4,2.5\n");
  Output("experiments import --study s runs.csv");
  const testing::Completed refused = Bitbudget("study delete s");
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("add --force"));
  EXPECT_EQ(Output("study delete s --force"), "studies/s is deleted\n");
}

// What a user can get wrong: arguments, exit code, what the error must say.
struct BadStudyCase {
  const char* arguments;
  int exit_code;
  const char* error;
};

class BadStudyTest : public EndToEndTest, public ::testing::WithParamInterface<BadStudyCase> {};

TEST_P(BadStudyTest, IsRefusedSayingWhy) {
  CreateStudy();
  const testing::Completed completed = Bitbudget(GetParam().arguments);
  EXPECT_EQ(completed.status.code, GetParam().exit_code) << completed.output;
  EXPECT_THAT(completed.errors, HasSubstr(GetParam().error));
  EXPECT_EQ(completed.output, "");
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BadStudyTest,
    ::testing::Values(BadStudyCase{"study create s --title other", 1, "s exists already"},
                      BadStudyCase{"study update s", 2, "--clear FIELD"},
                      BadStudyCase{"study create Upper", 1, "study_id"},
                      BadStudyCase{"study create ''", 1, "study_id"},
                      BadStudyCase{"study create x --law newton", 1, "law"},
                      BadStudyCase{"study create x --huber-delta 2", 1, "huber_delta"},
                      BadStudyCase{"study create x --starts 0", 1, "start_count"},
                      BadStudyCase{"study create x --variant fuller", 1, "variant"},
                      BadStudyCase{"study create x --shape 0:1:1", 1, "parameters"},
                      BadStudyCase{"study create x --shape 86M:12", 2, "--shape"},
                      BadStudyCase{"study create x --loss-unit bits", 2, "nats-per-token"},
                      BadStudyCase{"study create x --tokenizer \xFF", 2, "is not UTF-8 text"},
                      BadStudyCase{"study create", 2, "name is required"},
                      BadStudyCase{"study creat x", 2, "did you mean 'create'?"},
                      BadStudyCase{"study create x --titel y", 2, "did you mean '--title'?"},
                      BadStudyCase{"study create x y", 2, "takes no further argument 'y'"},
                      BadStudyCase{"study", 2, "bitbudget study needs a command: create, list,"},
                      BadStudyCase{"study show none", 1, "bitbudget study list"},
                      BadStudyCase{"study update s --clear colour", 1, "colour"},
                      BadStudyCase{"study update none --title x", 1, "studies/none"},
                      BadStudyCase{"study delete none", 1, "studies/none"},
                      BadStudyCase{"--timeout soon study list", 2, "'soon' is no time"},
                      BadStudyCase{"--server nowhere study list", 2, "is not HOST:PORT"}));

TEST_F(StudyTest, AnErrorAsJsonHasItsDetails) {
  const testing::Completed completed = Bitbudget("study show none --json");
  EXPECT_EQ(completed.status.code, 1);
  const nlohmann::json error = nlohmann::json::parse(completed.errors)["error"];
  EXPECT_EQ(error["status"], "NOT_FOUND");
  EXPECT_EQ(error["details"][0]["reason"], "STUDY_NOT_FOUND");
}

TEST_F(StudyTest, AWrongCommandLineAsJsonIsAnErrorToo) {
  const testing::Completed completed = Bitbudget("--json study shwo");
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_EQ(nlohmann::json::parse(completed.errors)["error"]["details"][0]["reason"],
            "WRONG_USAGE");
}

}  // namespace
}  // namespace bitbudget
