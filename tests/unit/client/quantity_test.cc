#include "client/cli/quantity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitbudget::cli {
namespace {

using ::testing::HasSubstr;

struct CountCase {
  const char* text;
  Unit unit;
  int64_t value;
};

class CountTest : public ::testing::TestWithParam<CountCase> {};

TEST_P(CountTest, IsReadExactly) {
  const absl::StatusOr<int64_t> value = ParseCount(GetParam().text, GetParam().unit);
  ASSERT_EQ(value.status().code(), absl::StatusCode::kOk) << value.status();
  EXPECT_EQ(*value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Quantities,
    CountTest,
    ::testing::Values(
        CountCase{"0", Unit::kTokens, 0},
        CountCase{"512", Unit::kNone, 512},
        CountCase{"2.2B", Unit::kParameters, 2'200'000'000},
        CountCase{"2.2b", Unit::kParameters, 2'200'000'000},
        CountCase{"2.2G", Unit::kParameters, 2'200'000'000},
        CountCase{"86M", Unit::kParameters, 86'000'000},
        CountCase{"24.6k", Unit::kParameters, 24'600},
        CountCase{"24.6K", Unit::kParameters, 24'600},
        CountCase{"24.576k", Unit::kParameters, 24'576},
        CountCase{"86Mparams", Unit::kParameters, 86'000'000},
        CountCase{"30Btok", Unit::kTokens, 30'000'000'000},
        CountCase{"30 B tokens", Unit::kTokens, 30'000'000'000},
        CountCase{"1.4T", Unit::kTokens, 1'400'000'000'000},
        CountCase{"7tok", Unit::kTokens, 7},
        CountCase{"1Ttok", Unit::kTokens, 1'000'000'000'000},
        CountCase{"1e9", Unit::kTokens, 1'000'000'000},
        CountCase{"1E9", Unit::kTokens, 1'000'000'000},
        CountCase{"1e+9", Unit::kTokens, 1'000'000'000},
        CountCase{"2500e-2", Unit::kNone, 25},
        CountCase{"1.5e3k", Unit::kNone, 1'500'000},
        CountCase{"1_000_000", Unit::kTokens, 1'000'000},
        CountCase{"300032.0", Unit::kTokens, 300'032},
        CountCase{".5k", Unit::kNone, 500},
        CountCase{"007", Unit::kNone, 7},
        CountCase{"-3", Unit::kNone, -3},
        CountCase{"+3", Unit::kNone, 3},
        CountCase{"4.611686018427387905E", Unit::kNone, 4'611'686'018'427'387'905},
        CountCase{"9223372036854775807", Unit::kNone, std::numeric_limits<int64_t>::max()}));

struct BadCase {
  const char* text;
  Unit unit;
  const char* problem;
};

class BadCountTest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadCountTest, IsRefusedWithAnExample) {
  const absl::StatusOr<int64_t> value = ParseCount(GetParam().text, GetParam().unit);
  ASSERT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(value.status().message()), HasSubstr(GetParam().problem));
  EXPECT_THAT(std::string(value.status().message()), HasSubstr("write for example"));
}

INSTANTIATE_TEST_SUITE_P(
    Quantities,
    BadCountTest,
    ::testing::Values(BadCase{"", Unit::kTokens, "is not a number"},
                      BadCase{"lots", Unit::kTokens, "is not a number"},
                      BadCase{"B", Unit::kTokens, "is not a number"},
                      BadCase{".", Unit::kTokens, "is not a number"},
                      BadCase{"-", Unit::kTokens, "is not a number"},
                      BadCase{"nan", Unit::kTokens, "is not a number"},
                      BadCase{"inf", Unit::kTokens, "is not a number"},
                      BadCase{"12abc", Unit::kTokens, "ends in 'abc'"},
                      BadCase{"1,000,000", Unit::kTokens, "ends in ',000,000'"},
                      BadCase{"1__0", Unit::kTokens, "ends in '__0'"},
                      BadCase{"10_", Unit::kTokens, "ends in '_'"},
                      BadCase{"1.2.3", Unit::kTokens, "ends in '.3'"},
                      BadCase{"2.2X", Unit::kParameters, "ends in 'X'"},
                      BadCase{"2BB", Unit::kParameters, "ends in 'BB'"},
                      BadCase{"30Btok", Unit::kParameters, "ends in 'Btok'"},
                      BadCase{"30%", Unit::kTokens, "ends in '%'"},
                      BadCase{"0x10", Unit::kTokens, "ends in 'x10'"},
                      BadCase{"1.5", Unit::kParameters, "is not a whole number of parameters"},
                      BadCase{"1e-3", Unit::kTokens, "is not a whole number of tokens"},
                      BadCase{"1.2345k", Unit::kNone, "is not a whole number;"},
                      BadCase{"9223372036854775808", Unit::kNone, "is beyond 64 bits"},
                      BadCase{"1e19", Unit::kTokens, "is beyond 64 bits"},
                      BadCase{"1e9999", Unit::kTokens, "is beyond 64 bits"},
                      BadCase{"1e99999", Unit::kTokens, "ends in 'e99999'"}));

TEST(ParseRealTest, ReadsEveryFormToTheNearestDouble) {
  EXPECT_EQ(*ParseReal("1.58", Unit::kNone), 1.58);
  EXPECT_EQ(*ParseReal("1e21FLOP", Unit::kFlops), 1e21);
  EXPECT_EQ(*ParseReal("1e21FLOPs", Unit::kFlops), 1e21);
  EXPECT_EQ(*ParseReal("2ZFLOP", Unit::kFlops), 2e21);
  EXPECT_EQ(*ParseReal("3EFLOP", Unit::kFlops), 3e18);
  EXPECT_EQ(*ParseReal("0.1", Unit::kShare), 0.1);
  EXPECT_EQ(*ParseReal("10%", Unit::kShare), 0.1);
  EXPECT_EQ(*ParseReal("-2.5e-3", Unit::kNone), -2.5e-3);
  EXPECT_EQ(*ParseReal("2.3456789012345678", Unit::kNone), 2.3456789012345678);
}

TEST(ParseRealTest, RefusesWhatIsNoFiniteNumber) {
  for (const char* text : {"nan", "inf", "-inf", "1e400", "1e9999", "", "x", "0.1.2", "10%%"}) {
    EXPECT_EQ(ParseReal(text, Unit::kShare).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(FormatQuantityTest, WritesThreeDigitsAndALetter) {
  EXPECT_EQ(FormatQuantity(0), "0");
  EXPECT_EQ(FormatQuantity(512), "512");
  EXPECT_EQ(FormatQuantity(999), "999");
  EXPECT_EQ(FormatQuantity(1000), "1k");
  EXPECT_EQ(FormatQuantity(24576), "24.6k");
  EXPECT_EQ(FormatQuantity(86e6), "86M");
  EXPECT_EQ(FormatQuantity(2.2e9), "2.2B");
  EXPECT_EQ(FormatQuantity(1.4e12), "1.4T");
  EXPECT_EQ(FormatQuantity(1e21), "1e+21");
  EXPECT_EQ(FormatQuantity(-5000), "-5k");
  EXPECT_EQ(FormatQuantity(0.25), "0.25");
  EXPECT_EQ(FormatQuantity(std::nan("")), "nan");
}

TEST(FormatQuantityTest, RoundsIntoTheNextLetterNotToFourDigits) {
  EXPECT_EQ(FormatQuantity(999.4), "999");
  EXPECT_EQ(FormatQuantity(999.6), "1k");
  EXPECT_EQ(FormatQuantity(999.6e6), "1B");
}

TEST(FormatQuantityTest, IsReadBackToThreeDigits) {
  for (double value : {1.0, 24576.0, 86e6, 2.2e9, 1.4e12, 9.99e14}) {
    // Three significant digits: half a unit of the third is at most .5 %.
    EXPECT_NEAR(*ParseReal(FormatQuantity(value), Unit::kNone), value, .005 * value);
  }
}

}  // namespace
}  // namespace bitbudget::cli
