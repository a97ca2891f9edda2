#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/e2e/end_to_end.h"

namespace bitbudget {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ImportTest : public EndToEndTest {
 protected:
  void SetUp() override {
    EndToEndTest::SetUp();
    if (server_ != nullptr) CreateStudy();
  }

  testing::Completed Import(const std::string& csv, const std::string& flags = "") const {
    Write("runs.csv", csv);
    return Bitbudget("experiments import --study s runs.csv " + flags);
  }

  std::string StoredCount() const {
    return Json("study show s")["experiment_count"].get<std::string>();
  }
};

TEST_F(ImportTest, SaysHowManyRowsAreStored) {
  const testing::Completed completed =
      Import(std::string(kHeader) + "86M,20B,10B,4,2.5\n86M,30B,0,16,2.4\n");
  EXPECT_EQ(completed.status.code, 0);
  EXPECT_EQ(completed.output, "2 stored, 0 unchanged, 0 refused; revision 1\n");
  EXPECT_EQ(completed.errors, "");
}

TEST_F(ImportTest, TheSameFileAgainChangesNothingAndSaysSo) {
  const std::string csv = std::string(kHeader) + "86M,20B,10B,4,2.5\n";
  Import(csv);
  EXPECT_EQ(Import(csv).output,
            "0 stored, 1 unchanged, 0 refused; revision 1 (nothing new: every row was stored "
            "before)\n");
}

TEST_F(ImportTest, AMoreAccurateSpellingOfTheSameNumbersIsTheSameRun) {
  Import(std::string(kHeader) + "86M,20B,10B,4,2.5\n");
  EXPECT_THAT(Import(std::string(kHeader) + "86_000_000,2e10,10000000000,4.0,2.50\n").output,
              StartsWith("0 stored, 1 unchanged"));
}

TEST_F(ImportTest, AFileWithoutRowsIsSaidToHoldNone) {
  EXPECT_EQ(Import(kHeader).output,
            "0 stored, 0 unchanged, 0 refused; revision 0 (there is no row to store)\n");
}

TEST_F(ImportTest, ADryRunStoresNothing) {
  const testing::Completed completed =
      Import(std::string(kHeader) + "86M,20B,10B,4,2.5\n", "--dry-run");
  EXPECT_EQ(completed.output, "1 would be stored, 0 unchanged, 0 refused; nothing was changed\n");
  EXPECT_EQ(StoredCount(), "0");
}

TEST_F(ImportTest, ReadsStandardInput) {
  const testing::Completed completed =
      Bitbudget("experiments import --study s -", std::string(kHeader) + "86M,20B,10B,4,2.5\n");
  EXPECT_THAT(completed.output, StartsWith("1 stored"));
}

TEST_F(ImportTest, ReadsJsonLines) {
  Write("runs.jsonl",
        R"({"parameters": "5", "fp_tokens": 6, "qat_tokens": 7, "weight_bits": 2, "loss_nats": 3})"
        "\n");
  EXPECT_THAT(Output("experiments import --study s runs.jsonl"), StartsWith("1 stored"));
}

TEST_F(ImportTest, TheBatchIsTheNameOfTheFileUnlessItIsGiven) {
  Import(std::string(kHeader) + "86M,20B,10B,4,2.5\n");
  Import(std::string(kHeader) + "86M,20B,10B,2,2.6\n", "--batch second");
  const nlohmann::json runs = Json("experiments list --study s")["experiments"];
  ASSERT_EQ(runs.size(), 2);
  EXPECT_EQ(runs[0]["provenance"]["import_batch"], "runs.csv");
  EXPECT_EQ(runs[0]["provenance"]["line"], "2");
  EXPECT_EQ(runs[1]["provenance"]["import_batch"], "second");
}

TEST_F(ImportTest, AFileLargerThanOneMessageArrivesWhole) {
  std::string csv = kHeader;
  for (int row = 1; row <= 1000; ++row) csv += fmt::format("{},6,7,2,3\n", row);
  EXPECT_EQ(Import(csv).output, "1000 stored, 0 unchanged, 0 refused; revision 1\n");
}

TEST_F(ImportTest, ManyImportsAtATimeAllSucceed) {
  constexpr int kImports = 16;
  constexpr int kRows = 2000;
  std::vector<std::unique_ptr<testing::Process>> imports;
  for (int i = 0; i < kImports; ++i) {
    std::string csv = kHeader;
    for (int row = 0; row < kRows; ++row) csv += fmt::format("{},6,7,2,3\n", 1 + i * kRows + row);
    const std::string file = directory_.File(fmt::format("runs{}.csv", i));
    Write(fmt::format("runs{}.csv", i), csv);
    auto import =
        testing::Process::Start({BITBUDGET_PROGRAM, "experiments", "import", "--study", "s", file},
                                {.environment = {"BITBUDGET_SERVER=" + server_->address()}});
    ASSERT_TRUE(import.ok()) << import.status();
    imports.push_back(*std::move(import));
  }
  for (const auto& import : imports) {
    EXPECT_EQ(import->Wait(absl::Minutes(2)), testing::ExitStatus{}) << import->Errors();
  }
  EXPECT_EQ(StoredCount(), fmt::to_string(kImports * kRows));
}

// A row with one wrong cell: what is reported, with its line; nothing is stored.
struct BadRowCase {
  const char* row;
  const char* report;
};

class BadRowTest : public ImportTest, public ::testing::WithParamInterface<BadRowCase> {};

TEST_P(BadRowTest, IsReportedWithItsLineAndRefusesTheImport) {
  const testing::Completed completed =
      Import(fmt::format("{}86M,20B,10B,2,2.5\n{}\n", kHeader, GetParam().row));
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_EQ(completed.output, "");
  EXPECT_THAT(
      completed.errors,
      AllOf(StartsWith("error: "), HasSubstr(std::string("\nruns.csv:3: ") + GetParam().report)));
  EXPECT_EQ(StoredCount(), "0");
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BadRowTest,
    ::testing::Values(
        BadRowCase{"0,20B,10B,4,2.5", "parameters: is 0"},
        BadRowCase{"-1,20B,10B,4,2.5", "parameters: is -1"},
        BadRowCase{"1.1e15,20B,10B,4,2.5", "parameters: is 1100000000000000"},
        BadRowCase{"1e30,20B,10B,4,2.5", "parameters: '1e30' is beyond 64 bits"},
        BadRowCase{"86.5,20B,10B,4,2.5", "parameters: '86.5' is not a whole number"},
        BadRowCase{"86M,-1,10B,4,2.5", "fp_tokens: is -1"},
        BadRowCase{"86M,20B,1.1e17,4,2.5", "qat_tokens: is 110000000000000000"},
        BadRowCase{"86M,0,0,4,2.5", "fp_tokens: is 0, and so is qat_tokens"},
        BadRowCase{"86M,20B,10B,0.9,2.5", "weight_bits: is 0.9"},
        BadRowCase{"86M,20B,10B,16.5,2.5", "weight_bits: is 16.5"},
        BadRowCase{"86M,20B,10B,4,0", "loss_nats: is 0"},
        BadRowCase{"86M,20B,10B,4,-2.5", "loss_nats: is -2.5"},
        BadRowCase{"86M,20B,10B,4,1001", "loss_nats: is 1001"},
        BadRowCase{"86M,20B,10B,4,nan", "loss_nats: 'nan' is not a number"},
        BadRowCase{"86M,20B,10B,4,inf", "loss_nats: 'inf' is not a number"},
        BadRowCase{"86M,20B,10B,4,1e999", "loss_nats: '1e999' is beyond the range of numbers"},
        BadRowCase{"86M,20B,10B,4,2.5abc", "loss_nats: '2.5abc' ends in 'abc'"},
        BadRowCase{"86M,20B,10B,4,", "loss_nats: is empty"},
        BadRowCase{"86M,20B,10B,4", "has 4 cells where the header has 5 columns"},
        BadRowCase{"86M,20B,10B,4,2.5,6", "has 6 cells where the header has 5 columns"},
        BadRowCase{"86M,20B,10B,2,2.6",
                   "contradicts runs.csv:2 of the same import: other loss_nats"}));

TEST_F(ImportTest, EveryWrongFieldOfEveryRowIsReported) {
  const testing::Completed completed =
      Import(std::string(kHeader) + "0,20B,10B,17,2.5\n86M,20B,10B,4,2.5\n86M,20B,10B,4,-1\n");
  EXPECT_THAT(completed.errors,
              AllOf(HasSubstr("runs.csv:2: parameters: "),
                    HasSubstr("runs.csv:2: weight_bits: "),
                    HasSubstr("runs.csv:4: loss_nats: ")));
}

TEST_F(ImportTest, InvalidRowsAreSkippedOnRequestAndStillReported) {
  const testing::Completed completed = Import(std::string(kHeader) +
                                                  "86M,20B,10B,4,2.5\n"
                                                  "86M,20B,10B,17,2.5\n"
                                                  "86M,20B,10B,x,2.5\n",
                                              "--skip-invalid");
  EXPECT_EQ(completed.status.code, 0);
  EXPECT_EQ(completed.output, "1 stored, 0 unchanged, 2 refused; revision 1\n");
  EXPECT_THAT(completed.errors,
              AllOf(HasSubstr("runs.csv:3: weight_bits: is 17"),
                    HasSubstr("runs.csv:4: weight_bits: 'x' is not a number")));
}

TEST_F(ImportTest, ARunThatContradictsAStoredOneIsRefusedNamingIt) {
  Import(std::string(kHeader) + "86M,20B,10B,4,2.5\n");
  const testing::Completed completed = Import(std::string(kHeader) + "86M,20B,10B,4,2.6\n");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors,
              AllOf(HasSubstr("runs.csv:2: contradicts stored experiment studies/s/experiments/"),
                    HasSubstr("other loss_nats"),
                    HasSubstr("exclude it with a reason")));
}

TEST_F(ImportTest, AMistypedLossIsCorrectedByExcludingAndImportingAgain) {
  Import(std::string(kHeader) + "86M,20B,10B,4,25\n");
  EXPECT_EQ(Output("experiments exclude --study s --batch runs.csv --reason 'a point was missing'"),
            "1 excluded; revision 2\n");
  EXPECT_EQ(Import(std::string(kHeader) + "86M,20B,10B,4,2.5\n").output,
            "1 stored, 0 unchanged, 0 refused; revision 3\n");
}

// A file that cannot be used at all.
struct BadFileCase {
  const char* text;
  const char* error;
};

class BadFileTest : public ImportTest, public ::testing::WithParamInterface<BadFileCase> {};

TEST_P(BadFileTest, IsRefusedNamingLineAndColumn) {
  const testing::Completed completed = Import(GetParam().text, "--skip-invalid");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr(GetParam().error));
  EXPECT_EQ(StoredCount(), "0");
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BadFileTest,
    ::testing::Values(
        BadFileCase{"parameters,fp_tokens,qat_tokens,weight_bits,loss\n5,6,7,2,3\n",
                    "runs.csv, line 1: unknown column 'loss'"},
        BadFileCase{"parameters,fp_tokens,qat_tokens,weight_bits,loss_nat\n5,6,7,2,3\n",
                    "did you mean 'loss_nats'?"},
        BadFileCase{"parameters,fp_tokens,qat_tokens,weight_bits\n5,6,7,2\n",
                    "the required column 'loss_nats' is missing"},
        BadFileCase{"", "runs.csv, line 1: the file is empty"},
        BadFileCase{
            "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats\n5,6,7,2,3\n5,6,\"7,2,3\n",
            "runs.csv, line 3: the quote opened in this row is never closed"}));

TEST_F(ImportTest, AFileOfAnotherKindIsRefusedAndItsBytesReachNoTerminal) {
  const std::string junk(
      "\x7F"
      "ELF\x1B[31m,\n\xFF\0",
      14);
  for (const char* flags : {"", "--json"}) {
    const testing::Completed completed = Import(junk, flags);
    EXPECT_EQ(completed.status.code, 1);
    EXPECT_THAT(completed.errors, HasSubstr("unknown column '\\u007fELF\\u001b[31m'"));
    EXPECT_EQ(completed.errors.find_first_of("\x7F\x1B\xFF"), std::string::npos);
  }
}

TEST_F(ImportTest, AnErrorAboutAFileWhoseNameIsNotUtf8IsStillJson) {
  const testing::Completed completed = Bitbudget("experiments import --study s caf\xE9.csv --json");
  EXPECT_EQ(completed.status.code, 1);
  const nlohmann::json error = nlohmann::json::parse(completed.errors, nullptr, false);
  ASSERT_FALSE(error.is_discarded()) << completed.errors;
  EXPECT_EQ(error["error"]["message"], "cannot read caf\xEF\xBF\xBD.csv");
}

TEST_F(ImportTest, AFileThatDoesNotExistIsRefused) {
  const testing::Completed completed = Bitbudget("experiments import --study s absent.csv");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_EQ(completed.errors, "error: cannot read absent.csv\n");
}

TEST_F(ImportTest, ADirectoryIsNotAFile) {
  const testing::Completed completed = Bitbudget("experiments import --study s .");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_EQ(completed.errors, "error: cannot read .\n");
}

TEST_F(ImportTest, AStudyThatDoesNotExistIsRefused) {
  Write("runs.csv", std::string(kHeader) + "86M,20B,10B,4,2.5\n");
  const testing::Completed completed = Bitbudget("experiments import --study none runs.csv");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.errors, HasSubstr("studies/none"));
}

TEST_F(ImportTest, WithoutAStudyItIsWrongUsage) {
  EXPECT_EQ(Bitbudget("experiments import runs.csv").status.code, 2);
}

TEST_F(ImportTest, WaitingForAFitThatFailsSaysWhyAndThatRowsAreStored) {
  const testing::Completed completed =
      Import(std::string(kHeader) + "86M,20B,10B,4,2.5\n", "--wait");
  EXPECT_EQ(completed.status.code, 1);
  EXPECT_THAT(completed.output, StartsWith("1 stored"));
  EXPECT_THAT(completed.errors, HasSubstr("revision 1 of studies/s has no fit: "));
}

TEST_F(ImportTest, AsJsonTheReplyListsWhatWasRefusedHereAndThere) {
  const testing::Completed completed = Import(
      std::string(kHeader) + "86M,20B,10B,17,2.5\n86M,20B,10B,x,2.5\n", "--skip-invalid --json");
  const nlohmann::json reply = nlohmann::json::parse(completed.output);
  EXPECT_EQ(reply["rejected_count"], "2");
  ASSERT_EQ(reply["rejected_rows"].size(), 2);
  EXPECT_EQ(reply["rejected_rows"][0]["line"], "2");
  EXPECT_EQ(reply["rejected_rows"][1]["line"], "3");
  EXPECT_EQ(completed.errors, "");
}

}  // namespace
}  // namespace bitbudget
