#include "util/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "util/codes.h"

namespace bitbudget {
namespace {

TEST(ErrorTest, DetailsSurviveTheStatus) {
  const ErrorDetails details = {.reason = "EXAMPLE",
                                .metadata = {{"study", "studies/micro"}},
                                .field_violations = {{"loss_nats", "-1 is not greater than 0"}},
                                .missing_axes = {{"weight_bits", 1, 3, {4}}},
                                .explanation = "measure two more widths",
                                .conflicts = {{.index = 2,
                                               .line = 4,
                                               .existing_experiment = "studies/a/experiments/1",
                                               .differing_fields = {"loss_nats"}},
                                              {.index = 3, .earlier_index = 0, .earlier_line = 2}},
                                .rejected_rows = {{7, 9, "weight_bits", "17 is above 16"}},
                                .resource_type = "study",
                                .resource_name = "studies/micro",
                                .retry_delay_seconds = 0.5};
  const absl::Status status = MakeError(absl::StatusCode::kAborted, "no", details);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(GetErrorDetails(status), details);
}

TEST(ErrorTest, PlainStatusHasNoDetails) {
  EXPECT_EQ(GetErrorDetails(absl::InternalError("x")), std::nullopt);
}

TEST(ErrorTest, BytesThatAreNoUtf8DoNotBreakAnError) {
  const absl::Status status = InvalidField("recipe", "\xff is no UTF-8");
  EXPECT_EQ(GetErrorDetails(status)->field_violations[0].description, "\xEF\xBF\xBD is no UTF-8");
}

TEST(ErrorTest, SeveralFieldsAreCountedInTheMessage) {
  const absl::Status status = InvalidFields({{"a", "bad"}, {"b", "worse"}});
  EXPECT_EQ(status.message(), "a: bad (and 1 more)");
}

TEST(ErrorTest, MissingAxisIsNamedInTheMessage) {
  const absl::Status status =
      DataCannotAnswer({{"weight_bits", 1, 3, {4}}}, "Measure more widths.");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("weight_bits has 1 level, needs 3"));
}

TEST(ErrorTest, TooFewRunsAreCounted) {
  const absl::Status status = DataCannotAnswer({{"experiments", 0, 27, {}}}, "Measure some.");
  EXPECT_EQ(status.message(),
            "the data cannot answer this; 0 experiments, 27 needed. Measure some.");
}

TEST(CodesTest, TableIsInTheOrderOfTheNumbers) {
  ASSERT_EQ(AllCodes().size(), 17);
  for (size_t i = 0; i < AllCodes().size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(AllCodes()[i].code), i);
    EXPECT_EQ(&CodeRowOf(AllCodes()[i].code), &AllCodes()[i]);
  }
}

TEST(CodesTest, NumberOutsideTheTableIsUnknown) {
  EXPECT_EQ(CodeRowOf(static_cast<absl::StatusCode>(99)).grpc_name, "UNKNOWN");
}

}  // namespace
}  // namespace bitbudget
