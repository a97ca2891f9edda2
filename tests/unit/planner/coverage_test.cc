// Intervals hold what they promise: a short run of bench/coverage_bench.

#include "tests/support/coverage.h"

#include <gtest/gtest.h>

#include "tests/support/truth.h"

namespace bitbudget::test_support {
namespace {

// 12 campaigns of 300 rows, 10 questions each: those of one campaign hang together,
// so that they count for some 3 independent ones. A true coverage of 90 % then shows as
// 90 +- 5 %; three of these are allowed below. The seed is fixed.
TEST(CoverageTest, NinetyPercentIntervalsHoldTheTruthAndFewQuestionsAreRefused) {
  for (const Truth& truth : OwnTruths()) {
    const CoverageReport report =
        MeasureCoverage(truth, {.row_count = 300, .study_count = 12, .seed = 4});
    EXPECT_EQ(report.unfitted_count, 0) << truth.name;
    for (const auto& [asked, coverage] : report.by_question) {
      EXPECT_GE(coverage.rate(), 0.75) << truth.name << ", " << NameOf(asked);
      EXPECT_LE(coverage.refused_share(), 0.3) << truth.name << ", " << NameOf(asked);
    }
    // Said to be best with a probability p, it is best in a share p of the cases, as far
    // as these tell.
    const BestWidthCalibration& best = report.best_width;
    EXPECT_NEAR(best.right, best.probability_sum, 0.15 * best.asked) << truth.name;
  }
}

TEST(CoverageTest, CampaignsHaveTheRowsThatTheyAreNamedBy) {
  for (const int row_count : {60, 120, 300, 800}) {
    const CampaignDesign design = CampaignOf(row_count);
    EXPECT_EQ(static_cast<int>(design.points.size()) * design.replicate_count, row_count);
  }
}

}  // namespace
}  // namespace bitbudget::test_support
