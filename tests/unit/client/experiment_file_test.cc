#include "client/cli/experiment_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "client/cli/json.h"
#include "google/protobuf/util/message_differencer.h"

namespace bitbudget::cli {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kHeader[] = "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats\n";

absl::StatusOr<ParsedFile> Csv(const std::string& text) {
  std::istringstream input(text);
  return ReadCsv(input);
}

std::string ErrorOf(const std::string& text) { return std::string(Csv(text).status().message()); }

// The problems of rows as "line: field: description".
std::vector<std::string> Problems(const ParsedFile& file) {
  std::vector<std::string> problems;
  for (const RejectedRow& row : file.rejected) {
    problems.push_back(std::to_string(row.line) + ": " + row.field + ": " + row.description);
  }
  return problems;
}

TEST(ReadCsvTest, RefusesBytesThatAreNotTextByLineAndColumn) {
  const std::string rows = std::string(kHeader) + "86M,20B,10B,4,2.5\n";
  // Columns count characters: the first one here has two bytes.
  EXPECT_THAT(ErrorOf(rows + "\xC3\xA9,\xFF\n"), HasSubstr("line 3, column 3: the byte 0xFF"));
  EXPECT_THAT(ErrorOf(rows + std::string("8\0", 2)), HasSubstr("line 3, column 2: the byte 0x00"));
  EXPECT_THAT(ErrorOf("\xFF\xFEp\n"), HasSubstr("line 1, column 1: the byte 0xFF"));
}

TEST(ReadCsvTest, ReadsTheRequiredColumns) {
  const absl::StatusOr<ParsedFile> file = Csv(std::string(kHeader) + "86M,20B,10B,4,2.5\n");
  ASSERT_EQ(file.status().code(), absl::StatusCode::kOk) << file.status();
  ASSERT_EQ(file->rows.size(), 1);
  EXPECT_EQ(file->rows[0].parameters(), 86'000'000);
  EXPECT_EQ(file->rows[0].fp_tokens(), 20'000'000'000);
  EXPECT_EQ(file->rows[0].qat_tokens(), 10'000'000'000);
  EXPECT_EQ(file->rows[0].weight_bits(), 4);
  EXPECT_EQ(file->rows[0].loss_nats(), 2.5);
  EXPECT_EQ(file->rows[0].role(), v1::ROLE_UNSPECIFIED);
  EXPECT_EQ(file->rows[0].provenance().line(), 2);
}

TEST(ReadCsvTest, ReadsEveryColumnInAnyOrder) {
  const absl::StatusOr<ParsedFile> file = Csv(
      "note,loss_stderr_nats,replicate,trunk,group_size,activation_bits,schedule,optimizer,recipe,"
      "role,embedding_parameters,loss_nats,weight_bits,qat_tokens,fp_tokens,parameters\n"
      "\"a \"\"note\"\", "
      "here\",0.01,3,t1,128,8,classic,adamw,lsq,FP_THEN_QAT,1000,2.5,1.58,7,6,5\n");
  ASSERT_EQ(file.status().code(), absl::StatusCode::kOk) << file.status();
  ASSERT_EQ(file->rows.size(), 1);
  const v1::Experiment& run = file->rows[0];
  EXPECT_EQ(run.note(), "a \"note\", here");
  EXPECT_EQ(run.loss_stderr_nats(), 0.01);
  EXPECT_EQ(run.replicate(), 3);
  EXPECT_EQ(run.trunk(), "t1");
  EXPECT_EQ(run.group_size(), 128);
  EXPECT_EQ(run.activation_bits(), 8);
  EXPECT_EQ(run.schedule(), "classic");
  EXPECT_EQ(run.optimizer(), "adamw");
  EXPECT_EQ(run.recipe(), "lsq");
  EXPECT_EQ(run.role(), v1::FP_THEN_QAT);
  EXPECT_EQ(run.embedding_parameters(), 1000);
  EXPECT_EQ(run.weight_bits(), 1.58);
}

TEST(ReadCsvTest, LeavesEmptyOptionalCellsUnset) {
  const absl::StatusOr<ParsedFile> file =
      Csv("parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,activation_bits,note\n"
          "5,6,7,4,2.5,,\n");
  ASSERT_EQ(file->rows.size(), 1);
  EXPECT_FALSE(file->rows[0].has_activation_bits());
  EXPECT_EQ(file->rows[0].note(), "");
}

TEST(ReadCsvTest, TakesByteOrderMarkCarriageReturnsSpacesAndAMissingLastLineEnd) {
  const absl::StatusOr<ParsedFile> file =
      Csv("\xEF\xBB\xBFparameters, fp_tokens,qat_tokens,weight_bits,loss_nats\r\n"
          "5, 6 ,7,4,2.5\r\n8,6,7,4,2.5");
  ASSERT_EQ(file.status().code(), absl::StatusCode::kOk) << file.status();
  ASSERT_EQ(file->rows.size(), 2);
  EXPECT_EQ(file->rows[0].fp_tokens(), 6);
  EXPECT_EQ(file->rows[1].parameters(), 8);
}

TEST(ReadCsvTest, CountsLinesThroughEmptyOnesAndLineEndsInQuotes) {
  const absl::StatusOr<ParsedFile> file =
      Csv("parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,note\n"
          "\n"
          "5,6,7,4,2.5,\"two\nlines\"\n"
          "   \n"
          "5,6,7,4,x,\n");
  ASSERT_EQ(file.status().code(), absl::StatusCode::kOk) << file.status();
  ASSERT_EQ(file->rows.size(), 1);
  EXPECT_EQ(file->rows[0].provenance().line(), 3);
  EXPECT_EQ(file->rows[0].note(), "two\nlines");
  EXPECT_THAT(Problems(*file), ElementsAre(HasSubstr("6: loss_nats: 'x' is not a number")));
}

TEST(ReadCsvTest, NamesLineAndColumnOfEveryBadCell) {
  const absl::StatusOr<ParsedFile> file = Csv(std::string(kHeader) +
                                              "5,6,7,4,2.5\n"
                                              "5.5,6,,4,2.5x\n"
                                              "5,6,7,4\n"
                                              "5,6,7,4,2.5,9\n"
                                              "5,6,7,nan,2.5\n");
  ASSERT_EQ(file.status().code(), absl::StatusCode::kOk) << file.status();
  EXPECT_EQ(file->rows.size(), 1);
  EXPECT_EQ(file->rejected_row_count, 4);
  EXPECT_THAT(Problems(*file),
              ElementsAre(HasSubstr("3: parameters: '5.5' is not a whole number of parameters"),
                          HasSubstr("3: qat_tokens: is empty"),
                          HasSubstr("3: loss_nats: '2.5x' ends in 'x'"),
                          "4: : has 4 cells where the header has 5 columns",
                          "5: : has 6 cells where the header has 5 columns",
                          HasSubstr("6: weight_bits: 'nan' is not a number")));
}

TEST(ReadCsvTest, RefusesAnUnknownRole) {
  const absl::StatusOr<ParsedFile> file =
      Csv("parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,role\n5,6,7,4,2.5,teacher\n");
  EXPECT_THAT(Problems(*file), ElementsAre(HasSubstr("2: role: 'teacher' is none of")));
}

TEST(ReadCsvTest, RefusesAnUnknownColumnNamingIt) {
  EXPECT_THAT(
      ErrorOf("parameters,fp_tokens,qat_tokens,weight_bit,loss_nats\n"),
      HasSubstr("line 1: unknown column 'weight_bit'; did you mean 'weight_bits'? (columns: "));
}

TEST(ReadCsvTest, RefusesAMissingColumnNamingIt) {
  EXPECT_EQ(ErrorOf("parameters,fp_tokens,qat_tokens,weight_bits\n5,6,7,4\n"),
            "line 1: the required column 'loss_nats' is missing");
}

TEST(ReadCsvTest, RefusesAColumnThatStandsTwice) {
  EXPECT_EQ(ErrorOf("parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,parameters\n"),
            "line 1: column 'parameters' stands there twice");
}

TEST(ReadCsvTest, RefusesAnEmptyFile) {
  EXPECT_EQ(ErrorOf(""), "line 1: the file is empty; it needs a header row");
  EXPECT_EQ(ErrorOf("\n\n"), "line 1: the file is empty; it needs a header row");
}

TEST(ReadCsvTest, RefusesBrokenQuotesNamingTheLine) {
  EXPECT_THAT(ErrorOf(std::string(kHeader) + "5,6,7,4,2.5\n5,6,7,4,2\"5\n"),
              HasSubstr("line 3: a quote stands where none may be"));
  EXPECT_EQ(ErrorOf(std::string(kHeader) + "5,6,7,4,\"2.5\n6,6,7,4,2.5\n"),
            "line 2: the quote opened in this row is never closed");
}

TEST(ReadJsonLinesTest, ReadsARunALine) {
  std::istringstream input(
      "{\"parameters\": \"5\", \"fp_tokens\": 6, \"weightBits\": 4}\n\n{\"note\": \"x\"}\n");
  const ParsedFile file = ReadJsonLines(input);
  EXPECT_THAT(file.rejected, IsEmpty());
  ASSERT_EQ(file.rows.size(), 2);
  EXPECT_EQ(file.rows[0].parameters(), 5);
  EXPECT_EQ(file.rows[0].weight_bits(), 4);
  EXPECT_EQ(file.rows[1].provenance().line(), 3);
}

TEST(ReadJsonLinesTest, NamesTheLineOfAnUnreadableRun) {
  std::istringstream input("{\"parameters\": 5}\n{\"parameter\": 5}\n{\n");
  const ParsedFile file = ReadJsonLines(input);
  EXPECT_EQ(file.rows.size(), 1);
  EXPECT_EQ(file.rejected_row_count, 2);
  ASSERT_EQ(file.rejected.size(), 2);
  EXPECT_EQ(file.rejected[0].line, 2);
  EXPECT_THAT(file.rejected[0].description, HasSubstr("parameter"));
  EXPECT_EQ(file.rejected[1].line, 3);
}

v1::Experiment ComplicatedRun() {
  v1::Experiment run;
  run.set_parameters(24576);
  run.set_fp_tokens(300032);
  run.set_qat_tokens(699904);
  run.set_weight_bits(1.58);
  run.set_loss_nats(2.1234567890123456);
  run.set_role(v1::FP_THEN_QAT);
  run.set_recipe(" spaces at both ends ");
  run.set_schedule("comma, \"quotes\"\nand a line");
  run.set_activation_bits(8);
  run.set_replicate(2);
  run.mutable_provenance()->set_line(2);
  return run;
}

TEST(CsvLineTest, IsReadBackAsItWas) {
  const absl::StatusOr<ParsedFile> file = Csv(CsvHeader() + CsvLine(ComplicatedRun()));
  ASSERT_EQ(file.status().code(), absl::StatusCode::kOk) << file.status();
  ASSERT_EQ(file->rows.size(), 1) << file->rejected[0].description;
  MessageDifferencer differencer;
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(ComplicatedRun(), file->rows[0])) << difference;
}

TEST(JsonLineTest, IsReadBackAsItWas) {
  v1::Experiment run = ComplicatedRun();
  run.mutable_provenance()->set_line(1);
  std::istringstream input(ToJsonLine(run));
  const ParsedFile file = ReadJsonLines(input);
  ASSERT_EQ(file.rows.size(), 1);
  EXPECT_TRUE(MessageDifferencer::Equals(run, file.rows[0]));
}

}  // namespace
}  // namespace bitbudget::cli
