#include "fitter/law_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/fitter/studies.h"

namespace bitbudget::fitter {
namespace {

using ::testing::HasSubstr;

std::vector<Candidate> QatCandidates(const std::vector<std::string>& variants) {
  std::vector<Candidate> candidates;
  candidates.reserve(variants.size());
  for (const std::string& variant : variants)
    candidates.push_back({"compute_optimal_qat", variant});
  return candidates;
}

Dataset Study(double noise) {
  GridDesign design;
  design.parameters = {1e8, 2e8, 4e8, 1e9};
  design.weight_bits = {1, 2, 3, 4};
  return GridStudy(design, noise);
}

const ComparedLaw& Find(const LawComparison& comparison, const std::string& variant) {
  return *std::ranges::find_if(comparison.laws,
                               [&](const auto& law) { return law.candidate.variant == variant; });
}

TEST(LawComparisonTest, TruthExtrapolatesBetterThanALawThatLacksATerm) {
  const LawComparison comparison =
      CompareLaws(Study(0.001), {}, QatCandidates({"no_irreducible", "shared_bit_decay"})).value();
  EXPECT_EQ(comparison.laws[0].candidate.variant, "shared_bit_decay");
  EXPECT_LT(*comparison.laws[0].aicc, *comparison.laws[1].aicc);
  // Largest sizes, largest budgets, four widths.
  EXPECT_EQ(comparison.folds.size(), 6U);
  EXPECT_GT(comparison.laws[1].to_best->mean_log_ratio, 0);
}

// A law that differs only in a parameter that the truth does not need predicts as
// well: with noise, sometimes better and sometimes worse.
TEST(LawComparisonTest, EquallyGoodLawsAreTied) {
  const LawComparison comparison =
      CompareLaws(Study(0.005), {}, QatCandidates({"full", "shared_bit_decay"})).value();
  EXPECT_EQ(comparison.laws[1].standing, Standing::kTied);
  EXPECT_FALSE(comparison.laws[0].to_best.has_value());
  EXPECT_FALSE(comparison.laws[0].standing.has_value());
}

TEST(LawComparisonTest, PerBitLawHasNoScoreAtAWidthHeldOut) {
  const LawComparison comparison =
      CompareLaws(Study(0.003), {}, QatCandidates({"per_bit_chinchilla", "shared_bit_decay"}))
          .value();
  const ComparedLaw& per_bit = Find(comparison, "per_bit_chinchilla");
  for (std::size_t f = 0; f < comparison.folds.size(); ++f) {
    EXPECT_EQ(per_bit.scores[f].has_value(), comparison.folds[f].axis != "weight_bits");
  }
  EXPECT_EQ(comparison.laws[0].candidate.variant, "shared_bit_decay");
}

// Two folds have no scatter to speak of; their runs have.
TEST(LawComparisonTest, PlainlyWorseLawIsNotTiedForWantOfFolds) {
  const LawComparison comparison =
      CompareLaws(Study(0.003), {}, QatCandidates({"per_bit_chinchilla", "shared_bit_decay"}))
          .value();
  const ComparedLaw& per_bit = Find(comparison, "per_bit_chinchilla");
  ASSERT_TRUE(per_bit.to_best.has_value());
  EXPECT_EQ(per_bit.to_best->fold_count, 2);
  EXPECT_GT(per_bit.to_best->interval->lower, 0);
  EXPECT_EQ(per_bit.standing, Standing::kWorse);
}

TEST(LawComparisonTest, LargestLevelsAreHeldOut) {
  const LawComparison comparison =
      CompareLaws(Study(0.003), {}, QatCandidates({"full", "shared_bit_decay"})).value();
  const Fold& sizes = comparison.folds[0];
  EXPECT_EQ(sizes.axis, "parameters");
  EXPECT_EQ(sizes.level, 1e9);
  EXPECT_EQ(sizes.held_out_count, 51);  // 3 budgets x (4 widths x 4 fractions + FP)
  EXPECT_EQ(sizes.training_count, 153);
}

TEST(LawComparisonTest, LawsOfDifferentRunsAreComparedOnThoseInCommon) {
  const LawComparison comparison =
      CompareLaws(Study(0.003), {}, {{"chinchilla", "full"}, {"optimizer_rescaled", "full"}})
          .value();
  EXPECT_EQ(comparison.row_count, 12);
}

TEST(LawComparisonTest, VariantsOfAFamilyAreAllButTheFractionLaw) {
  const std::vector<Candidate> candidates = VariantsOf({"compute_optimal_qat"}).value();
  ASSERT_EQ(candidates.size(), 6U);
  EXPECT_EQ(candidates.front().variant, "full");
  EXPECT_EQ(candidates.back().variant, "per_bit_chinchilla");
}

TEST(LawComparisonTest, UnknownVariantIsRefusedNamingTheKnownOnes) {
  const absl::Status status = CompareLaws({}, {}, QatCandidates({"full", "fuller"})).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("candidates[1].variant: is \"fuller\""));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no_irreducible"));
}

TEST(LawComparisonTest, OneLawAloneAndOneTwiceAreRefused) {
  EXPECT_EQ(CompareLaws({}, {}, QatCandidates({"full"})).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CompareLaws({}, {}, QatCandidates({"full", "full"})).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(LawComparisonTest, NoRowsInCommonAreRefused) {
  GridDesign design;
  design.has_full_precision = false;
  const absl::Status status =
      CompareLaws(GridStudy(design), {}, {{"chinchilla", "full"}, {"compute_optimal_qat", "full"}})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(LawComparisonTest, CancelledComparisonStops) {
  FitOptions options;
  options.cancelled = [] { return true; };
  EXPECT_EQ(CompareLaws(Study(0.003), options, QatCandidates({"full", "shared_bit_decay"}))
                .status()
                .code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace bitbudget::fitter
