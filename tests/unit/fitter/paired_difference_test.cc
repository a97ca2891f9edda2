#include "fitter/paired_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "tests/support/simulated_study.h"

namespace bitbudget::fitter {
namespace {

using test_support::NormalStream;
using ::testing::ElementsAre;

using Scores = std::vector<std::optional<FoldScore>>;

FoldScore ScoreOf(std::vector<double> errors) {
  double squares = 0;
  for (const double error : errors) squares += error * error;
  return {.rms = std::sqrt(squares / static_cast<double>(errors.size())),
          .errors = std::move(errors)};
}

// Folds of four runs with errors of one size each.
Scores FoldsOf(const std::vector<double>& sizes) {
  Scores scores;
  for (const double size : sizes) scores.emplace_back(ScoreOf({size, -size, size, -size}));
  return scores;
}

std::vector<std::vector<int>> CellsFor(std::size_t fold_count) {
  return std::vector<std::vector<int>>(fold_count, {0, 1, 2, 3});
}

PairedDifference Compare(const Scores& law, const Scores& other) {
  return ComparePaired(law, other, CellsFor(law.size())).value();
}

TEST(PairedDifferenceTest, ThreeFoldsAreComparedByTheirScatter) {
  const PairedDifference difference = Compare(FoldsOf({2, 4, 8}), FoldsOf({1, 1, 1}));
  EXPECT_NEAR(difference.mean_log_ratio, std::log(4), 1e-12);
  // Student's t of two degrees of freedom at .95: 2.91999; standard error ln 2 / sqrt 3.
  EXPECT_NEAR(
      difference.interval->upper - std::log(4), 2.919986 * std::log(2) / std::sqrt(3), 1e-6);
  EXPECT_EQ(difference.fold_count, 3);
  EXPECT_EQ(StandingOf(difference), Standing::kWorse);
}

TEST(PairedDifferenceTest, FoldsThatGoBothWaysAreTied) {
  const PairedDifference difference = Compare(FoldsOf({1.1, 0.9, 1.05}), FoldsOf({1, 1, 1}));
  EXPECT_EQ(StandingOf(difference), Standing::kTied);
}

// An interval from a tenth to ten times the error is no tie: nothing is known.
TEST(PairedDifferenceTest, WideIntervalIsNoTie) {
  const PairedDifference difference = Compare(FoldsOf({9, 0.2, 2}), FoldsOf({1, 1, 1}));
  EXPECT_LT(difference.interval->lower, 0);
  EXPECT_EQ(StandingOf(difference), Standing::kTooFewFolds);
}

TEST(PairedDifferenceTest, RunsTellTwoFoldsApart) {
  const PairedDifference difference = Compare(FoldsOf({9, 50}), FoldsOf({1, 1}));
  EXPECT_EQ(difference.fold_count, 2);
  EXPECT_EQ(StandingOf(difference), Standing::kWorse);
}

TEST(PairedDifferenceTest, TwoFoldsNeverMakeATie) {
  const PairedDifference difference =
      Compare({ScoreOf({1, 1.2, 0.8, 1}), ScoreOf({1, 1, 1.1, 0.9})}, FoldsOf({1, 1}));
  EXPECT_LT(difference.interval->lower, 0);
  EXPECT_EQ(StandingOf(difference), Standing::kTooFewFolds);
}

TEST(PairedDifferenceTest, OneCellTellsNothing) {
  const auto difference = ComparePaired(FoldsOf({9}), FoldsOf({1}), {{{0, 0, 0, 0}}});
  EXPECT_FALSE(difference->interval.has_value());
  EXPECT_EQ(StandingOf(*difference), Standing::kTooFewFolds);
}

TEST(PairedDifferenceTest, FoldsWithoutAScoreDoNotCount) {
  Scores law = FoldsOf({2, 2, 2});
  law[1].reset();
  EXPECT_EQ(Compare(law, FoldsOf({1, 1, 1})).fold_count, 2);
  EXPECT_FALSE(ComparePaired({{std::nullopt}}, FoldsOf({1}), CellsFor(1)).has_value());
}

// With two folds of equally good laws the 90 % interval from their runs holds 0.
TEST(PairedDifferenceTest, IntervalOfRunsHoldsEquality) {
  NormalStream noise(3);
  constexpr int kDraws = 1000;
  constexpr int kRuns = 40;
  int held = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto draw_errors = [&] {
      std::vector<double> errors(kRuns);
      for (double& error : errors) error = noise.Normal();
      return ScoreOf(errors);
    };
    std::vector<int> cells(kRuns);
    for (int i = 0; i < kRuns; ++i) cells[i] = i;
    const Scores law = {draw_errors(), draw_errors()};
    const Scores other = {draw_errors(), draw_errors()};
    const auto difference = ComparePaired(law, other, std::vector{cells, cells});
    held += difference->interval->lower <= 0 && difference->interval->upper >= 0;
  }
  // Three standard errors of a share of 1,000 are 2.8 %; squares of 40 normal errors are
  // still a little skew.
  EXPECT_NEAR(held / double(kDraws), 0.9, 0.028 + 0.02);
}

TEST(PairedDifferenceTest, RunsOfOneSizeBudgetAndWidthAreOneCell) {
  Dataset data;
  for (const double fraction : {0.1, 0.5}) {
    for (const double bits : {2.0, 4.0}) {
      data.rows.push_back({.point = test_support::RunAtFraction(1e8, 1e10, bits, fraction)});
    }
  }
  EXPECT_THAT(CellsOf(data), ElementsAre(0, 1, 0, 1));
}

}  // namespace
}  // namespace bitbudget::fitter
