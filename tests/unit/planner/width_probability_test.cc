// How sure a width is the best, and which ones tie with it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/simulated_study.h"
#include "tests/unit/planner/test_laws.h"
#include "tests/unit/planner/width_questions.h"

namespace bitbudget::planner {
namespace {

TEST(WidthProbabilityTest, SharesAddUpAndFavourTheFirst) {
  const BitWidthAnswer answer = *OptimizeBitWidth(WithCovariance(Grows(), 0.02), kQuestion);
  double sum = 0;
  double most = 0;
  for (const WidthCandidate& candidate : answer.candidates) {
    sum += *candidate.probability_best;
    most = std::max(most, *candidate.probability_best);
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_EQ(answer.candidates.front().probability_best, most);
  EXPECT_EQ(answer.draw_count, 1000);
}

TEST(WidthProbabilityTest, SameSeedSameShares) {
  const FittedLaw law = WithCovariance(Grows(), 0.05);
  const auto shares = [&](uint64_t seed) {
    BitWidthQuestion question = kQuestion;
    question.seed = seed;
    std::vector<double> shares;
    const BitWidthAnswer answer = *OptimizeBitWidth(law, question);
    for (const auto& candidate : answer.candidates) shares.push_back(*candidate.probability_best);
    return shares;
  };
  EXPECT_EQ(shares(1), shares(1));
  EXPECT_NE(shares(1), shares(2));
}

TEST(WidthProbabilityTest, DrawsOfTheFitGoBeforeItsCovariance) {
  FittedLaw law = WithCovariance(Grows(), 0.02);
  BitWidthQuestion question = kQuestion;
  question.weight_bits = {2, 4};
  const double best = OptimizeBitWidth(law, question)->candidates[0].weight_bits;
  // One draw in four in which a large floor grows with the bits, or falls: as the
  // other width would have it.
  const size_t size = law.theta.size();
  for (int i = 0; i < 4; ++i) law.draws.insert(law.draws.end(), law.theta.begin(), law.theta.end());
  law.draws[3 * size + *law.law.FindParameter("theta")] += 8;
  law.draws[3 * size + *law.law.FindParameter("kappa")] = best == 4 ? -3 : 3;
  const BitWidthAnswer answer = *OptimizeBitWidth(law, question);
  EXPECT_EQ(*answer.candidates[0].probability_best, 0.75);
}

TEST(WidthProbabilityTest, CertainLawHasNone) {
  EXPECT_FALSE(OptimizeBitWidth(Grows(), kQuestion)->candidates.front().probability_best);
}

// Two widths of equal loss, of which one draw in two favours either.
TEST(WidthProbabilityTest, EqualPlansShareEvenly) {
  FittedLaw law = WithCovariance(Grows(), 0.02);
  law.misfit.loss_stddev = 1;  // drowns all else
  BitWidthQuestion question = kQuestion;
  question.weight_bits = {2, 4};
  question.draw_count = 10'000;
  const BitWidthAnswer answer = *OptimizeBitWidth(law, question);
  // Three standard errors of a half in 10,000 draws, and a loss ratio of some
  // percent against a noise of e.
  EXPECT_NEAR(*answer.candidates[0].probability_best, 0.5, 0.03);
  EXPECT_TRUE(answer.candidates[1].is_tie);
}

TEST(WidthTieTest, SmallDifferencesAreTies) {
  BitWidthQuestion question = kQuestion;
  question.loss_tolerance_nats = 10;
  for (const WidthCandidate& candidate : Candidates(Grows(), question)) {
    EXPECT_TRUE(candidate.is_tie);
  }
  question.loss_tolerance_nats = 1e-9;
  for (const WidthCandidate& candidate : Candidates(Grows(), question)) {
    EXPECT_FALSE(candidate.is_tie);
  }
}

TEST(WidthTieTest, RunnerUpCostsTheDifferenceOfLosses) {
  const BitWidthAnswer answer = *OptimizeBitWidth(WithCovariance(Grows(), 0.01), kQuestion);
  const WidthCandidate& second = answer.candidates[1];
  EXPECT_NEAR(second.excess_loss_nats.value,
              second.loss_nats.value - answer.candidates[0].loss_nats.value,
              1e-14);
  EXPECT_LT(second.excess_loss_nats.interval->lower, second.excess_loss_nats.value);
  EXPECT_GT(second.excess_loss_nats.interval->upper, second.excess_loss_nats.value);
  EXPECT_EQ(answer.candidates[0].excess_loss_nats.value, 0);
}

// Share of draws of theta in which the difference of two plans lies inside its
// interval, which shares the errors of both.
TEST(WidthTieTest, IntervalOfTheDifferenceCoversDraws) {
  FittedLaw law = Grows();
  const int size = law.law.parameter_count();
  const std::vector<double> root = CovarianceRoot(size, 0.02);
  SetCovariance(root, &law);
  law.degrees_of_freedom = 1e6;
  const BitWidthAnswer answer = *OptimizeBitWidth(law, kQuestion);
  const auto run = [&](int i) {
    const WidthCandidate& c = answer.candidates[i];
    return RunPoint{c.parameters, c.fp_tokens, c.qat_tokens, c.weight_bits};
  };
  const Interval interval = *answer.candidates[1].excess_loss_nats.interval;
  test_support::NormalStream random(5);
  constexpr int kDraws = 4000;
  int inside = 0;
  std::vector<double> z(size);
  for (int draw = 0; draw < kDraws; ++draw) {
    for (double& entry : z) entry = random.Normal();
    std::vector<double> theta = law.theta;
    for (int i = 0; i < size; ++i) {
      for (int k = 0; k <= i; ++k) theta[i] += root[i * size + k] * z[k];
    }
    const double difference = std::exp(fitter::LogLoss(law.law, theta, run(1))) -
                              std::exp(fitter::LogLoss(law.law, theta, run(0)));
    inside += difference >= interval.lower && difference <= interval.upper ? 1 : 0;
  }
  // Three standard errors of .9 in 4000 draws are .014; curvature adds below .01.
  EXPECT_NEAR(inside / static_cast<double>(kDraws), 0.9, 0.024);
}

// The inverses.

}  // namespace
}  // namespace bitbudget::planner
