// Exports of other programs, imported by column maps. The files are tests/data/import.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ImportColumnsTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    if (server_ == nullptr) return;
    CreateStudy();
    std::filesystem::copy(BITBUDGET_SOURCE_DIR "/tests/data/import", directory_.path());
  }

  testing::Completed Import(const std::string& arguments) const {
    return Bitbudget("experiments import --study s " + arguments);
  }

  nlohmann::json Runs() const { return Json("experiments list --study s --all")["experiments"]; }

  std::string StoredCount() const {
    return Json("study show s")["experiment_count"].get<std::string>();
  }

  // Imports, and imports again: stores so many runs, then none.
  void ImportTwice(const std::string& arguments, const std::string& stored) const {
    const testing::Completed first = Import(arguments);
    EXPECT_EQ(first.status, testing::ExitStatus{}) << first.errors;
    EXPECT_EQ(first.output, stored + " stored, 0 unchanged, 0 refused; revision 1\n");
    EXPECT_THAT(Import(arguments).output,
                StartsWith("0 stored, " + stored + " unchanged, 0 refused; revision 1"));
  }
};

TEST_F(ImportColumnsTest, AnExportOfWandbIsStoredOnce) {
  ImportTwice("wandb_export.csv --columns wandb", "4");
  const nlohmann::json runs = Runs();
  EXPECT_EQ(runs[0]["parameters"], "85900000");
  EXPECT_EQ(runs[0]["fp_tokens"], "15000000000");
  EXPECT_EQ(runs[0]["qat_tokens"], "5000000000");
  EXPECT_EQ(runs[0]["loss_nats"], 3.0512);
  EXPECT_EQ(runs[0]["optimizer"], "adamw");
  EXPECT_EQ(runs[0]["note"], "k3v0q8zd");
  EXPECT_EQ(runs[0]["provenance"]["line"], "2");
  EXPECT_EQ(runs[1]["replicate"], 1);
  EXPECT_EQ(runs[3]["role"], "FULL_PRECISION");
}

TEST_F(ImportColumnsTest, SaysWhatItMakesOfTheColumns) {
  const testing::Completed completed = Import("wandb_export.csv --columns wandb");
  EXPECT_THAT(completed.errors,
              AllOf(StartsWith("wandb_export.csv, read by the column map wandb:\n"),
                    HasSubstr("  parameters    <- n_params\n"),
                    HasSubstr("  fp_tokens     <- total_tokens - qat_tokens\n"),
                    HasSubstr("  qat_tokens    <- 0 at 16 bits (1 row), total_tokens x "
                              "qat_fraction (3 rows)\n"),
                    HasSubstr("  loss_nats     <- eval/loss\n"),
                    HasSubstr("  left out: 1 row, State is crashed\n"),
                    HasSubstr("  not read: Notes, User, Tags, Created, Runtime, Sweep, batch_size, "
                              "eval/perplexity, train/loss\n"),
                    Not(HasSubstr("85900000"))));
}

TEST_F(ImportColumnsTest, ADryRunShowsTheFirstRowsAndStoresNothing) {
  const testing::Completed completed = Import("wandb_export.csv --columns wandb --dry-run");
  EXPECT_EQ(completed.output, "4 would be stored, 0 unchanged, 0 refused; nothing was changed\n");
  EXPECT_THAT(completed.errors,
              AllOf(HasSubstr("parameters    fp_tokens  qat_tokens  weight_bits  loss_nats"),
                    HasSubstr("85900000  15000000000  5000000000            4     3.0512")));
  EXPECT_EQ(StoredCount(), "0");
}

TEST_F(ImportColumnsTest, PagesOfMlflowAreStoredOnce) {
  ImportTwice("mlflow_page_1.json mlflow_page_2.json --columns mlflow", "3");
  const nlohmann::json runs = Runs();
  EXPECT_EQ(runs[0]["recipe"], "lsq");
  EXPECT_EQ(runs[0]["note"], "5f3a9c0d1e2b4a6f8c7d9e0f1a2b3c4d");
  // Without a seed a run is told by its id.
  EXPECT_EQ(runs[0]["replicate"], 0);
  EXPECT_GT(runs[1]["replicate"], 0);
  EXPECT_EQ(runs[2]["weight_bits"], 16.0);
  EXPECT_EQ(runs[0]["provenance"]["import_batch"], "mlflow_page_1.json");
}

TEST_F(ImportColumnsTest, APageOfMlflowThatIsNotTheLastIsSaidToBeOne) {
  EXPECT_THAT(Import("mlflow_page_1.json --columns mlflow").errors,
              HasSubstr("More runs follow: ask runs/search again with \"page_token\": "
                        "\"eyJvZmZzZXQiOiAzfQ==\""));
  EXPECT_THAT(Import("mlflow_page_1.json mlflow_page_2.json --columns mlflow").errors,
              Not(HasSubstr("More runs follow")));
}

TEST_F(ImportColumnsTest, MlflowIsReadFromStandardInput) {
  const testing::Completed completed =
      Bitbudget("experiments import --study s - --columns mlflow", Read("mlflow_page_2.json"));
  EXPECT_THAT(completed.output, StartsWith("1 stored")) << completed.errors;
}

TEST_F(ImportColumnsTest, ATableOfComputeSizeTokensAndLossIsStoredOnce) {
  ImportTwice("chinchilla.csv --columns chinchilla", "4");
  const nlohmann::json runs = Runs();
  EXPECT_EQ(runs[0]["fp_tokens"], "2283105023");
  EXPECT_EQ(runs[0]["role"], "FULL_PRECISION");
  // D = C / 6N and N = C / 6D.
  EXPECT_EQ(runs[2]["fp_tokens"], "3984063745");
  EXPECT_EQ(runs[3]["parameters"], "500000000");
}

TEST_F(ImportColumnsTest, AMapOfOnesOwnTellsColumnsUnitsAndRows) {
  ImportTwice("own_columns.csv --columns own_columns.json", "3");
  const nlohmann::json runs = Runs();
  EXPECT_EQ(runs[0]["parameters"], "85900000");
  EXPECT_EQ(runs[0]["fp_tokens"], "15000000000");
  EXPECT_EQ(runs[0]["schedule"], "classic");
  EXPECT_EQ(runs[0]["note"], "");
  // 4.4019 bits; a unit in the last place of 3.
  EXPECT_NEAR(runs[0]["loss_nats"], 4.4019 * 0.6931471805599453, 5e-16 * 4);
  EXPECT_EQ(runs[1]["weight_bits"], 1.58);
  EXPECT_EQ(runs[2]["weight_bits"], 16.0);
}

TEST_F(ImportColumnsTest, AWrongCellIsNamedByLineAndColumnAndRefusesAll) {
  Write("runs.csv", "params,tokens,val_loss\n86M,20B,2.5\n86M,many,2.6\n");
  const testing::Completed completed = Import("runs.csv --columns wandb");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors,
              HasSubstr("\nruns.csv:3: total_tokens: column 'tokens': 'many' is not a number"));
  EXPECT_EQ(StoredCount(), "0");
}

TEST_F(ImportColumnsTest, ARunOfMlflowThatIsRefusedIsNamedByItsId) {
  Write("runs.json",
        R"({"runs": [{"info": {"run_id": "r1"}, "data": {
            "params": [{"key": "params", "value": "86000000"}, {"key": "bits", "value": "17"},
                       {"key": "fp_tokens", "value": "5"}, {"key": "qat_tokens", "value": "5"}],
            "metrics": [{"key": "val_loss", "value": 2.5}]}},
            {"info": {"run_id": "r2"}, "data": {
            "params": [{"key": "params", "value": "86000000"}, {"key": "tokens", "value": "5"}],
            "metrics": [{"key": "val_loss", "value": "NaN"}]}}]})");
  // This side cannot read the second, the server refuses the first.
  EXPECT_THAT(Import("runs.json --columns mlflow").errors,
              HasSubstr("row 2: loss_nats: run r2: column 'metrics.val_loss': 'NaN' is not"));
  const testing::Completed skipped = Import("runs.json --columns mlflow --skip-invalid");
  EXPECT_EQ(skipped.output, "0 stored, 0 unchanged, 2 refused; revision 0\n");
  EXPECT_THAT(skipped.errors, HasSubstr("row 1: weight_bits: run r1: is 17"));
}

TEST_F(ImportColumnsTest, RunsThatContradictEachOtherAreNamed) {
  Write("runs.json",
        R"({"runs": [{"info": {"run_id": "r1"}, "data": {
            "params": [{"key": "params", "value": "86000000"}, {"key": "tokens", "value": "5"},
                       {"key": "seed", "value": "0"}],
            "metrics": [{"key": "val_loss", "value": 2.5}]}},
            {"info": {"run_id": "r2"}, "data": {
            "params": [{"key": "params", "value": "86000000"}, {"key": "tokens", "value": "5"},
                       {"key": "seed", "value": "0"}],
            "metrics": [{"key": "val_loss", "value": 2.6}]}}]})");
  EXPECT_THAT(Import("runs.json --columns mlflow").errors,
              AllOf(HasSubstr("row 2 is run r2"),
                    HasSubstr("row 2: contradicts row 1 of the same import: other loss_nats")));
}

TEST_F(ImportColumnsTest, AFileWithoutTheColumnsSaysWhichItHasAndWhatToWrite) {
  Write("runs.csv", "State,params,tokens,loss\nfinished,86M,20B,2.5\n");
  const testing::Completed completed = Import("runs.csv --columns wandb");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors,
              HasSubstr("runs.csv, no column is known to tell loss_nats (columns: State, params, "
                        "tokens, loss); name it in a column map: "));
}

TEST_F(ImportColumnsTest, AMapThatIsNoneIsRefused) {
  Write("map.json", R"({"extends": "wandb", "fields": {"los_nats": "l"}})");
  const testing::Completed completed = Import("wandb_export.csv --columns map.json");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors,
              HasSubstr("map.json: fields: unknown field 'los_nats'; did you mean 'loss_nats'?"));
}

TEST_F(ImportColumnsTest, WhatNeedsAMapIsSaidToNeedOne) {
  EXPECT_THAT(Import("wandb_export.csv").errors,
              AllOf(HasSubstr("wandb_export.csv, line 1: unknown column 'Name'"),
                    HasSubstr("--columns MAP reads those of other programs")));
  EXPECT_THAT(Import("mlflow_page_1.json").errors,
              HasSubstr("mlflow_page_1.json, line 1: is JSON: add --columns mlflow"));
}

TEST_F(ImportColumnsTest, SeveralFilesWithoutAMapAreWrongUsage) {
  const testing::Completed completed = Import("own_columns.csv chinchilla.csv");
  EXPECT_EQ(completed.status.code, 2);
  EXPECT_THAT(completed.errors, HasSubstr("several files are read with --columns only"));
}

TEST_F(ImportColumnsTest, AsJsonTheReportIsLeftOut) {
  const testing::Completed completed = Import("wandb_export.csv --columns wandb --json");
  EXPECT_EQ(completed.errors, "");
  EXPECT_EQ(nlohmann::json::parse(completed.output)["created_count"], "4");
}

}  // namespace
}  // namespace bitbudget
