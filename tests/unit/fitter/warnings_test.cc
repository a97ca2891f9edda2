#include "fitter/warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitbudget::fitter {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

FitResult WithFractionMisfit(double logit_stddev, std::optional<double> published_logit_rms) {
  FitResult result;
  result.fraction_misfit = {.optimum_count = 9,
                            .logit_rms = 0.9,
                            .p_value = 1e-9,
                            .logit_stddev = logit_stddev,
                            .published_logit_rms = published_logit_rms};
  return result;
}

TEST(WarningsTest, PublishedLawThatIsNearerIsNamed) {
  EXPECT_THAT(FindWarnings(WithFractionMisfit(0.8, 0.5), {}),
              Contains(HasSubstr("apple_qat_fraction, fitted to none of these runs, is nearer to "
                                 "those fractions: off by 0.5 in logit f (rms) where this law is "
                                 "off by 0.9")));
}

TEST(WarningsTest, PublishedLawThatIsFartherOrUndefinedIsNot) {
  EXPECT_THAT(FindWarnings(WithFractionMisfit(0.8, 1.2), {}),
              Not(Contains(HasSubstr("apple_qat_fraction"))));
  EXPECT_THAT(FindWarnings(WithFractionMisfit(0.8, std::nullopt), {}),
              Not(Contains(HasSubstr("apple_qat_fraction"))));
}

TEST(WarningsTest, LawWhoseFractionsAreOffByNoMoreThanNoiseNamesNoOther) {
  EXPECT_THAT(FindWarnings(WithFractionMisfit(0, 0.5), {}),
              Not(Contains(HasSubstr("apple_qat_fraction"))));
}

}  // namespace
}  // namespace bitbudget::fitter
