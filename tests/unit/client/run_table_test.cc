#include "client/cli/run_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace bitbudget::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Table {
  absl::StatusOr<RunTable> end;
  std::vector<TableRow> rows;
};

template <typename Read>
Table ReadWith(Read read, const std::string& text) {
  std::istringstream input(text);
  std::vector<TableRow> rows;
  absl::StatusOr<RunTable> end =
      read(input, [&](const std::vector<std::string>&, TableRow row) { rows.push_back(row); });
  return {std::move(end), std::move(rows)};
}

Table Mlflow(const std::string& text) { return ReadWith(ReadMlflowRuns, text); }
Table Csv(const std::string& text) { return ReadWith(ReadCsvTable, text); }

constexpr char kRun[] =
    R"({"info": {"run_id": "r1", "status": "FINISHED", "start_time": 17, "nested": {"a": 1}},
        "data": {"metrics": [{"key": "val_loss", "value": 2.5, "step": 3}],
                 "params": [{"key": "n", "value": "86M"}],
                 "tags": [{"key": "t", "value": "x"}]}})";

TEST(RunTableTest, AnMlflowRunIsARowUnderTheNamesOfSearchRuns) {
  const Table table =
      Mlflow(std::string("{\"runs\": [") + kRun + "], \"next_page_token\": \"p2\"}");
  ASSERT_EQ(table.end.status().code(), absl::StatusCode::kOk) << table.end.status();
  EXPECT_THAT(
      table.end->columns,
      ElementsAre(
          "nested", "run_id", "start_time", "status", "params.n", "metrics.val_loss", "tags.t"));
  EXPECT_EQ(table.end->next_page_token, "p2");
  ASSERT_EQ(table.rows.size(), 1);
  EXPECT_EQ(table.rows[0].place, "run r1");
  EXPECT_EQ(table.rows[0].line, 0);
  EXPECT_THAT(table.rows[0].cells, ElementsAre("", "r1", "17", "FINISHED", "86M", "2.5", "x"));
}

TEST(RunTableTest, ColumnsOfLaterRunsComeAfterThoseOfEarlierOnes) {
  const Table table = Mlflow(
      R"([{"info": {"run_id": "a"}, "data": {"params": [{"key": "x", "value": "1"}]}},
          {"info": {"run_id": "b"}, "data": {"params": [{"key": "y", "value": "2"}]}}])");
  ASSERT_EQ(table.end.status().code(), absl::StatusCode::kOk) << table.end.status();
  EXPECT_THAT(table.end->columns, ElementsAre("run_id", "params.x", "params.y"));
  EXPECT_THAT(table.rows[0].cells, ElementsAre("a", "1"));
  EXPECT_THAT(table.rows[1].cells, ElementsAre("b", "", "2"));
}

TEST(RunTableTest, AReplyWithoutRunsHasNone) {
  for (const char* text : {"{}", R"({"runs": []})", "[]"}) {
    const Table table = Mlflow(text);
    EXPECT_EQ(table.end.status().code(), absl::StatusCode::kOk) << table.end.status();
    EXPECT_THAT(table.rows, IsEmpty());
  }
}

TEST(RunTableTest, WhatIsNoRunIsARowWithAProblem) {
  const Table table = Mlflow(R"({"runs": [{"id": 3}]})");
  ASSERT_EQ(table.rows.size(), 1);
  EXPECT_EQ(table.rows[0].place, "run number 1");
  EXPECT_THAT(table.rows[0].problem, HasSubstr("no \"info\""));
}

TEST(RunTableTest, OtherJsonIsRefused) {
  EXPECT_THAT(std::string(Mlflow(R"({"error_code": "X"})").end.status().message()),
              HasSubstr("no runs of MLflow"));
  EXPECT_THAT(std::string(Mlflow("{\"runs\": [\n{]").end.status().message()),
              HasSubstr("no JSON: "));
}

TEST(RunTableTest, ACsvRowKnowsItsLineAlsoBehindCellsOfSeveralLines) {
  const Table table = Csv("a,b\n1,\"x\ny\"\n\n2,z\n");
  ASSERT_EQ(table.end.status().code(), absl::StatusCode::kOk) << table.end.status();
  EXPECT_THAT(table.end->columns, ElementsAre("a", "b"));
  ASSERT_EQ(table.rows.size(), 2);
  EXPECT_THAT(table.rows[0].cells, ElementsAre("1", "x\ny"));
  EXPECT_EQ(table.rows[1].line, 5);
  EXPECT_EQ(table.rows[1].place, "line 5");
}

TEST(RunTableTest, ACsvRowOfAnotherWidthHasAProblem) {
  const Table table = Csv("a,b\n1\n");
  ASSERT_EQ(table.rows.size(), 1);
  EXPECT_EQ(table.rows[0].problem, "has 1 cells where the header has 2 columns");
}

TEST(RunTableTest, AnEmptyCsvFileIsRefused) {
  EXPECT_EQ(Csv("").end.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RunTableTest, JsonIsToldByItsFirstCharacterWhichStays) {
  for (const char* text : {"{}", "[1]"}) {
    std::istringstream input(text);
    EXPECT_TRUE(LooksLikeJson(input));
    EXPECT_EQ(input.get(), text[0]);
  }
  for (const char* text : {"", "a,b", "\"a\",\"b\""}) {
    std::istringstream input(text);
    EXPECT_FALSE(LooksLikeJson(input));
    EXPECT_TRUE(input.good());
  }
}

}  // namespace
}  // namespace bitbudget::cli
