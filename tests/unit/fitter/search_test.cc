#include "fitter/search.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fitter/identification.h"
#include "fitter/minimize.h"
#include "fitter/noise.h"
#include "fitter/objective.h"
#include "tests/unit/fitter/studies.h"

namespace bitbudget::fitter {
namespace {

struct Problem {
  explicit Problem(const Dataset& data, const Law& of = QatLadder()[0])
      : law(of), design(law, MeasurementsOf(data)), freedom(FindFreedom(design)) {}

  SearchResult Search(const SearchOptions& options = {},
                      const std::vector<Eigen::VectorXd>& warm_starts = {}) const {
    return fitter::Search(design, freedom.parameters, options, warm_starts).value();
  }

  Law law;
  Design design;
  DesignFreedom freedom;
};

std::vector<double> TrueTheta(const Law& law, const test_support::QatLawCoefficients& c) {
  std::vector<double> theta = {c.alpha,
                               c.beta,
                               c.gamma,
                               c.zeta,
                               c.eta,
                               c.theta,
                               c.kappa,
                               c.phi,
                               c.chi,
                               c.psi,
                               c.omega,
                               c.lambda,
                               c.mu,
                               c.nu,
                               c.xi,
                               c.rho};
  for (int j = 0; j < law.parameter_count(); ++j) {
    if (law.parameters[j].is_log_coefficient) theta[j] = std::log(theta[j]);
  }
  return theta;
}

// Residuals at the least delta, 1e-6, are squares; a decrement of 1e-20 (the
// absolute tolerance) leaves log losses right to 1e-10 and parameters to 1e-7.
TEST(SearchTest, ExactLossesGiveTheTruthBack) {
  const Problem problem(GridStudy({}));
  const SearchResult result = problem.Search();
  const std::vector<double> theta = problem.design.Uncentred(result.centred);
  const std::vector<double> truth = TrueTheta(problem.law, OwnTruth("grows").coefficients);
  for (int j = 0; j < problem.law.parameter_count(); ++j) {
    EXPECT_NEAR(theta[j], truth[j], 1e-6) << problem.law.parameters[j].name;
  }
  EXPECT_EQ(result.report.termination, Termination::kConverged);
}

TEST(SearchTest, GradientVanishesAtTheOptimum) {
  const Problem problem(GridStudy({}, 0.003));
  const SearchResult result = problem.Search();
  const Derivatives derivatives = Objective(problem.design, result.report.huber_delta)
                                      .Differentiate(result.centred, Curvature::kGaussNewton);
  // Newton's step lowers the objective by less than 1e-9 of itself, see Minimum:
  // |g_j| <= sqrt(2 * 1e-9 F H_jj).
  for (int j = 0; j < problem.design.parameter_count(); ++j) {
    if (result.centred[j] <= problem.design.lower()[j]) {
      EXPECT_GE(derivatives.gradient[j], 0);
      continue;
    }
    const double bound = std::sqrt(2e-9 * result.report.objective * derivatives.hessian(j, j));
    EXPECT_LE(std::abs(derivatives.gradient[j]), bound) << problem.law.parameters[j].name;
  }
}

TEST(SearchTest, DefaultDeltaIsProportionalToTheRobustScale) {
  const Problem problem(GridStudy({}, 0.003));
  const SearchResult result = problem.Search();
  const Eigen::ArrayXd residuals =
      Objective(problem.design, kLeastSquares).Residuals(result.centred);
  const double scale = RobustScale({residuals.data(), std::size_t(residuals.size())});
  // Three digits, and the last refinement moves the scale by less than 1 %.
  EXPECT_NEAR(result.report.huber_delta, 1.345 * scale, 0.02 * scale);
}

TEST(SearchTest, DemandedDeltaIsTaken) {
  const Problem problem(GridStudy({}, 0.003));
  EXPECT_EQ(problem.Search({.huber_delta = 1e-3}).report.huber_delta, 1e-3);
}

TEST(SearchTest, SameSeedGivesTheSameBits) {
  const Problem problem(GridStudy({}, 0.003));
  const SearchResult first = problem.Search({.seed = 5});
  const SearchResult second = problem.Search({.seed = 5});
  EXPECT_EQ(first.centred, second.centred);
  EXPECT_EQ(first.report.objective, second.report.objective);
}

TEST(SearchTest, EverySeedFindsTheSameOptimum) {
  const Problem problem(GridStudy({}, 0.003));
  const double objective = problem.Search({.seed = 0}).report.objective;
  for (int64_t seed = 1; seed < 6; ++seed) {
    EXPECT_NEAR(problem.Search({.seed = seed}).report.objective, objective, 1e-9 * objective);
  }
}

TEST(SearchTest, WarmStartReachesTheOptimumOfAColdSearch) {
  const Problem problem(GridStudy({}, 0.003));
  const SearchResult cold = problem.Search();
  const Eigen::VectorXd nearby =
      cold.centred + 0.02 * Eigen::VectorXd::Ones(problem.design.parameter_count());
  const SearchResult warm = problem.Search({}, {nearby});
  EXPECT_EQ(warm.report.huber_delta, cold.report.huber_delta);
  EXPECT_NEAR(warm.report.objective, cold.report.objective, 1e-9 * cold.report.objective);
  EXPECT_EQ(warm.report.start_count, 1);
}

TEST(SearchTest, ScaleOfTheLossesMovesOnlyTheCoefficients) {
  Dataset data = GridStudy({}, 0.003);
  const Problem problem(data);
  for (Observation& row : data.rows) row.loss_nats *= 1.7;
  const Problem scaled(data);
  const std::vector<double> theta = problem.design.Uncentred(problem.Search().centred);
  const std::vector<double> moved = scaled.design.Uncentred(scaled.Search().centred);
  for (int j = 0; j < problem.law.parameter_count(); ++j) {
    const double shift = problem.law.parameters[j].is_log_coefficient ? std::log(1.7) : 0;
    EXPECT_NEAR(moved[j], theta[j] + shift, 1e-5) << problem.law.parameters[j].name;
  }
}

TEST(SearchTest, SinglePolishedStartIsFollowedByOthers) {
  const Problem problem(GridStudy({}, 0.003));
  const SearchReport report = problem.Search({.polish_count = 1}).report;
  EXPECT_GE(report.polished_start_count, 2);
  EXPECT_GE(report.agreeing_start_count, 2);
}

TEST(SearchTest, HeldParametersStayWhereTheyAreHeld) {
  Problem problem(GridStudy({}, 0.003));
  const int mu = *problem.law.FindParameter("mu");
  problem.freedom.parameters.is_held[mu] = true;
  problem.freedom.parameters.held_at[mu] = 0.25;
  EXPECT_EQ(problem.Search().centred[mu], 0.25);
}

TEST(SearchTest, CancelledSearchSaysSo) {
  const Problem problem(GridStudy({}, 0.003));
  int polls = 0;
  const auto result = fitter::Search(
      problem.design, problem.freedom.parameters, {.cancelled = [&] { return ++polls > 100; }}, {});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
}

TEST(MinimizeTest, CancelledDescentIsNotConverged) {
  const Problem problem(GridStudy({}, 0.003));
  const Minimum minimum = Minimize(problem.design,
                                   problem.freedom.parameters.is_held,
                                   Eigen::VectorXd::Constant(16, 0.3),
                                   kLeastSquares,
                                   [] { return true; });
  EXPECT_FALSE(minimum.converged);
}

TEST(MinimizeTest, DescentEndsOnABoundThatHoldsIt) {
  test_support::QatLawCoefficients truth = OwnTruth("grows").coefficients;
  truth.rho = 0;
  int at_bound_count = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const Dataset data = test_support::SimulateRuns(
        truth, GridDesign().Points(), {.seed = seed, .run_stddev = 0.003, .outlier_share = 0});
    const Problem of_seed(data);
    const SearchResult result = of_seed.Search();
    EXPECT_EQ(result.report.termination, Termination::kConverged);
    const int rho = *of_seed.law.FindParameter("rho");
    if (result.centred[rho] == 0) ++at_bound_count;
  }
  // An estimate centred on the bound rests there in half of the cases; none in 6
  // has probability 2^-6.
  EXPECT_GE(at_bound_count, 1);
}

}  // namespace
}  // namespace bitbudget::fitter
