#include "client/cli/error_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bitbudget::cli {
namespace {

TEST(ErrorTextTest, SaysAMessageThatNamesItsFieldOnce) {
  EXPECT_EQ(ErrorText(InvalidField("loss_nats", "-1 is not greater than 0")),
            "error: loss_nats: -1 is not greater than 0\n");
}

TEST(ErrorTextTest, ListsTheFieldsThatTheMessageDoesNotName) {
  const absl::Status error = MakeError(
      absl::StatusCode::kInvalidArgument,
      "2 fields are wrong",
      {.reason = "INVALID_FIELD",
       .field_violations = {{"parameters", "0 is below 1"}, {"weight_bits", "17 is above 16"}}});
  EXPECT_EQ(ErrorText(error),
            "error: 2 fields are wrong\n"
            "  parameters: 0 is below 1\n"
            "  weight_bits: 17 is above 16\n");
}

TEST(ErrorTextTest, NamesRejectedRowsByFileAndLine) {
  const absl::Status error =
      MakeError(absl::StatusCode::kInvalidArgument,
                "2 rows are wrong",
                {.reason = "INVALID_ROWS",
                 .rejected_rows = {{3, 5, "loss_nats", "0 is not greater than 0"},
                                   {4, 0, "", "has no tokens"}}});
  EXPECT_EQ(ErrorText(error, "runs.csv"),
            "error: 2 rows are wrong\n"
            "runs.csv:5: loss_nats: 0 is not greater than 0\n"
            "row 5: has no tokens\n");
}

TEST(ErrorTextTest, SaysOfAConflictWhatDiffersAndWhatToDo) {
  const absl::Status error =
      MakeError(absl::StatusCode::kAlreadyExists,
                "3 rows contradict others",
                {.reason = "EXPERIMENT_CONFLICT",
                 .conflicts = {{0, 2, "studies/s/experiments/e", {"loss_nats", "trunk"}, {}},
                               {2, 4, "", {"loss_nats"}, 1, 3},
                               {5, 0, "", {"note"}, 1}}});
  EXPECT_EQ(ErrorText(error, "runs.csv"),
            "error: 3 rows contradict others\n"
            "runs.csv:2: contradicts stored experiment studies/s/experiments/e: other loss_nats, "
            "trunk\n"
            "runs.csv:4: contradicts runs.csv:3 of the same import: other loss_nats\n"
            "row 6: contradicts row 2 of the same import: other note\n"
            "  to correct a stored run: exclude it with a reason, then import again\n");
}

TEST(ErrorTextTest, NamesTheLevelsOfAnAxisThatIsTooPoor) {
  EXPECT_EQ(
      ErrorText(DataCannotAnswer({{"weight_bits", 1, 2, {4}}}, "Measure another width.")),
      std::string("error: ") +
          std::string(
              DataCannotAnswer({{"weight_bits", 1, 2, {4}}}, "Measure another width.").message()) +
          "\n  weight_bits: measured 4; 2 levels are needed\n");
}

TEST(ErrorTextTest, ShowsTheCodeOfAnErrorWithoutAMessage) {
  EXPECT_EQ(ErrorText(absl::Status(absl::StatusCode::kInternal, "")), "error: INTERNAL\n");
}

TEST(ErrorTextTest, SaysHowToWaitLonger) {
  EXPECT_EQ(ErrorText(absl::DeadlineExceededError("too slow")),
            "error: too slow\n  allow more with --timeout, for example --timeout 5m\n");
}

TEST(ErrorJsonTest, CarriesStatusMessageAndTypedDetails) {
  const nlohmann::json json =
      nlohmann::json::parse(ErrorJson(InvalidField("loss_nats", "is negative")))["error"];
  EXPECT_EQ(json["status"], "INVALID_ARGUMENT");
  EXPECT_EQ(json["code"], 3);
  EXPECT_EQ(json["message"], "loss_nats: is negative");
  ASSERT_EQ(json["details"].size(), 2);
  EXPECT_EQ(json["details"][0]["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(json["details"][0]["reason"], "INVALID_FIELD");
  EXPECT_EQ(json["details"][1]["field_violations"][0]["field"], "loss_nats");
}

TEST(ErrorJsonTest, BytesThatAreNotUtf8AreReplaced) {
  const absl::Status error = MakeError(absl::StatusCode::kInvalidArgument,
                                       "unknown column '\xFF\x1B'",
                                       {.reason = "UNREADABLE_FILE", .explanation = "\xFE"});
  const nlohmann::json json = nlohmann::json::parse(ErrorJson(error))["error"];
  EXPECT_EQ(json["message"], "unknown column '\xEF\xBF\xBD\x1B'");
  EXPECT_EQ(json["details"][1]["explanation"], "\xEF\xBF\xBD");
}

TEST(ExitCodeTest, TellsRefusalWrongUsageAndAbsentServerApart) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("commit failed")), 1);
  EXPECT_EQ(ExitCodeOf(InvalidField("study", "is empty")), 1);
  EXPECT_EQ(ExitCodeOf(WrongUsage("no law")), 2);
  EXPECT_EQ(ExitCodeOf(MakeError(
                absl::StatusCode::kUnavailable, "cannot reach", {.reason = "SERVER_UNREACHABLE"})),
            3);
}

}  // namespace
}  // namespace bitbudget::cli
