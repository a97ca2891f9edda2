#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "client/cli/field.h"
#include "client/cli/suggest.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/text.h"

namespace bitbudget::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TableTest, AlignsNumbersRightAndTextLeft) {
  Table table({"NAME", "LOSS", "NOTE"});
  table.AddRow({"a", "2.5", "first"});
  table.AddRow({"longer", "10.25", ""});
  EXPECT_EQ(table.Aligned("> "),
            "> NAME     LOSS  NOTE\n"
            "> a         2.5  first\n"
            "> longer  10.25\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({"A", "B"});
  table.AddRow({"\xC3\xA9\xC3\xA9", "x"});
  table.AddRow({"ee", "y"});
  EXPECT_EQ(table.Aligned(), "A   B\n\xC3\xA9\xC3\xA9  x\nee  y\n");
}

TEST(TableTest, LeavesEmptyHeadingsOut) {
  Table table({"", ""});
  table.AddRow({"Law", "x"});
  EXPECT_EQ(table.Aligned(), "Law  x\n");
}

TEST(TableTest, DividesByTabsForPrograms) {
  Table table({"NAME", "NOTE"});
  table.AddRow({"a", "tab\there\nand there"});
  EXPECT_EQ(table.TabSeparated(), "NAME\tNOTE\na\ttab here and there\n");
}

TEST(PrintableTest, WritesControlCharactersOut) {
  EXPECT_EQ(Printable(std::string_view("a\0b\x1B[31m\x7F\r\xC2\x9B", 12)),
            "a\\u0000b\\u001b[31m\\u007f\\u000d\\u009b");
}

TEST(PrintableTest, ReplacesBytesThatAreNotUtf8) { EXPECT_EQ(Printable("\xFFz"), "\xEF\xBF\xBDz"); }

TEST(PrintableTest, LeavesTextLinesTabsAndBoldAsTheyAre) {
  const std::string text = "\033[1mTitle\033[0m\n  größer\t3 €\n";
  EXPECT_EQ(Printable(text), text);
}

TEST(DidYouMeanTest, NamesTheNearestCandidate) {
  const std::vector<std::string> candidates = {"fraction", "fit", "predict"};
  EXPECT_EQ(DidYouMean("fractoin", candidates), "; did you mean 'fraction'?");
  EXPECT_EQ(DidYouMean("fti", candidates), "; did you mean 'fit'?");
}

TEST(DidYouMeanTest, IsSilentWhenNothingIsNear) {
  const std::vector<std::string> candidates = {"fraction", "predict"};
  EXPECT_EQ(DidYouMean("zebra", candidates), "");
  EXPECT_EQ(DidYouMean("zebra", {}), "");
}

TEST(SetFieldTest, TakesEnumNamesInAnyCase) {
  v1::Study study;
  const auto& field = FieldOf(study, "parameter_convention");
  for (const char* text : {"NON_EMBEDDING", "non_embedding", "non-embedding", "Non-Embedding"}) {
    study.clear_parameter_convention();
    EXPECT_EQ(SetField(study, field, text).code(), absl::StatusCode::kOk);
    EXPECT_EQ(study.parameter_convention(), v1::NON_EMBEDDING) << text;
  }
}

TEST(SetFieldTest, RefusesTheUnspecifiedValueAndListsTheOthers) {
  v1::Study study;
  const absl::Status status = SetField(study, FieldOf(study, "loss_unit"), "loss_unit_unspecified");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("none of nats-per-token, nats-per-byte"));
}

TEST(SetFieldTest, RefusesNumbersBeyondTheField) {
  v1::Experiment run;
  EXPECT_EQ(std::string(SetField(run, FieldOf(run, "replicate"), "3B").message()),
            "'3B' is beyond 32 bits");
}

TEST(SetFieldTest, AddsToRepeatedFields) {
  v1::ExperimentFilter filter;
  const auto& field = FieldOf(filter, "weight_bits");
  EXPECT_EQ(SetField(filter, field, "2").code(), absl::StatusCode::kOk);
  EXPECT_EQ(SetField(filter, field, "1.58").code(), absl::StatusCode::kOk);
  EXPECT_THAT(filter.weight_bits(), ElementsAre(2, 1.58));
}

TEST(FieldTextTest, IsEmptyForAnUnsetOptionalFieldOnly) {
  v1::Experiment run;
  EXPECT_EQ(FieldText(run, FieldOf(run, "activation_bits")), "");
  EXPECT_EQ(FieldText(run, FieldOf(run, "replicate")), "0");
  run.set_activation_bits(8);
  EXPECT_EQ(FieldText(run, FieldOf(run, "activation_bits")), "8");
}

}  // namespace
}  // namespace bitbudget::cli
