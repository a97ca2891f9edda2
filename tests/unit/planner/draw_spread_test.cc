#include "planner/draw_spread.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "planner/joint_uncertainty.h"
#include "planner/uncertainty.h"
#include "tests/support/simulated_study.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {
namespace {

constexpr int kDraws = 2000;

// Draws theta + root z of standard normal z, the same stream for every law.
fitter::FittedLaw WithDraws(fitter::FittedLaw law, double scale) {
  const auto count = static_cast<int>(law.theta.size());
  const std::vector<double> root = CovarianceRoot(count, scale);
  test_support::NormalStream stream(1);
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> z(count);
    for (double& value : z) value = stream.Normal();
    for (int i = 0; i < count; ++i) {
      double theta = law.theta[i];
      for (int j = 0; j < count; ++j) theta += root[i * count + j] * z[j];
      law.draws.push_back(theta);
    }
  }
  return law;
}

std::vector<double> AlongParameter(const fitter::FittedLaw& law, int parameter) {
  std::vector<double> gradient(law.theta.size(), 0);
  gradient[parameter] = 1;
  return gradient;
}

// 2000 draws tell their 90 % quantile within sqrt(.9 .1 / 2000) / density = 3 % of it;
// three of these.
TEST(DrawSpreadTest, SpreadOfNormalDrawsIsTheirStandardError) {
  const fitter::FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  const fitter::FittedLaw drawn = WithDraws(law, 0.01);
  for (const int parameter : {0, 5, 15}) {
    const std::vector<double> gradient = AlongParameter(law, parameter);
    const double by_covariance = *Uncertainty(law, 0.9).StandardError(gradient);
    const double by_draws = *Uncertainty(drawn, 0.9).StandardError(gradient);
    EXPECT_NEAR(by_draws, by_covariance, 0.09 * by_covariance);
  }
}

TEST(DrawSpreadTest, DrawsOfTwoLawsBelongTogetherByTheirNumber) {
  const fitter::FittedLaw law =
      WithDraws(WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01), 0.01);
  const std::vector<double> gradient = AlongParameter(law, 0);
  std::vector<double> against(law.theta.size(), 0);
  against[0] = -1;
  const DrawnGradient alike[] = {{&law, gradient}, {&law, against}};
  ASSERT_TRUE(HasDraws(alike));
  EXPECT_EQ(SpreadOfDraws(alike, 0.9), 0);
}

TEST(DrawSpreadTest, LawsWithoutDrawsOrWithOtherCountsHaveNone) {
  const fitter::FittedLaw law = WithCovariance(FittedQatLaw(OwnTruth("grows")), 0.01);
  const fitter::FittedLaw drawn = WithDraws(law, 0.01);
  fitter::FittedLaw fewer = drawn;
  fewer.draws.resize(fewer.theta.size());
  const std::vector<double> gradient = AlongParameter(law, 0);
  const DrawnGradient without[] = {{&law, gradient}};
  EXPECT_FALSE(HasDraws(without));
  const DrawnGradient unlike[] = {{&drawn, gradient}, {&fewer, gradient}};
  EXPECT_FALSE(HasDraws(unlike));
  const DrawnGradient one[] = {{&drawn, gradient}, {nullptr, {}}};
  EXPECT_TRUE(HasDraws(one));
}

}  // namespace
}  // namespace bitbudget::planner
