#include "fitter/objective.h"

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <random>

#include "fitter/design.h"
#include "tests/unit/fitter/studies.h"

namespace bitbudget::fitter {
namespace {

// Replicated measurements with a tenth of scatter, so that Huber functions are met
// in both zones and second derivatives matter.
std::vector<Measurement> ScatteredMeasurements() {
  std::vector<Measurement> measurements = MeasurementsOf(GridStudy({}));
  const std::size_t count = measurements.size();
  std::mt19937 generator(7);
  for (std::size_t i = 0; i < count; i += 3) measurements.push_back(measurements[i]);
  for (Measurement& measurement : measurements) {
    measurement.loss_nats *= std::exp(0.2 * (generator() * 0x1p-32 - 0.5));
    measurement.weight = 1 + generator() % 3;
  }
  return measurements;
}

Eigen::VectorXd SomePoint(const Law& law) {
  Eigen::VectorXd centred(law.parameter_count());
  for (int j = 0; j < law.parameter_count(); ++j) {
    centred[j] = law.parameters[j].is_log_coefficient ? -0.7 - 0.05 * j : 0.2 + 0.04 * j;
  }
  return centred;
}

constexpr double kStep = 1e-5;

template <typename Function>
auto CentralDifference(const Eigen::VectorXd& at, Eigen::Index j, Function function)
    -> decltype(function(at)) {
  Eigen::VectorXd above = at;
  Eigen::VectorXd below = at;
  above[j] += kStep;
  below[j] -= kStep;
  return (function(above) - function(below)) / (2 * kStep);
}

// Derivatives of the objective are sums of about 150 rows with entries of order 1
// and features up to 7: curvature leaves h^2 * 150 * 7^3 = 5e-6 of a difference,
// a kink between the two points at most its width, 2 h, times slope and features.
constexpr double kGradientTolerance = 1e-5;

TEST(ObjectiveTest, GradientAgreesWithFiniteDifferencesOnEveryRung) {
  for (const Law& law : QatLadder()) {
    const Design design(law, ScatteredMeasurements());
    for (const double delta : {kLeastSquares, 0.05}) {
      Objective objective(design, delta);
      const Eigen::VectorXd at = SomePoint(law);
      const Derivatives derivatives = objective.Differentiate(at, Curvature::kExact);
      for (Eigen::Index j = 0; j < at.size(); ++j) {
        const double slope =
            CentralDifference(at, j, [&](const Eigen::VectorXd& x) { return objective.Value(x); });
        EXPECT_NEAR(derivatives.gradient[j], slope, kGradientTolerance)
            << law.variant << " " << law.parameters[j].name << " delta " << delta;
      }
    }
  }
}

TEST(ObjectiveTest, ExactHessianAgreesWithFiniteDifferencesOnEveryRung) {
  for (const Law& law : QatLadder()) {
    const Design design(law, ScatteredMeasurements());
    Objective objective(design, kLeastSquares);
    const Eigen::VectorXd at = SomePoint(law);
    const Eigen::MatrixXd hessian = objective.Differentiate(at, Curvature::kExact).hessian;
    for (Eigen::Index j = 0; j < at.size(); ++j) {
      const Eigen::VectorXd column =
          CentralDifference(at, j, [&](const Eigen::VectorXd& x) -> Eigen::VectorXd {
            return objective.Differentiate(x, Curvature::kExact).gradient;
          });
      EXPECT_LT((hessian.col(j) - column).cwiseAbs().maxCoeff(), 1e-4) << law.variant;
    }
  }
}

TEST(ObjectiveTest, GaussNewtonHessianIsPositiveSemidefinite) {
  const Law law = QatLadder()[0];
  const Design design(law, ScatteredMeasurements());
  Objective objective(design, 0.01);
  const Eigen::MatrixXd hessian =
      objective.Differentiate(SomePoint(law), Curvature::kGaussNewton).hessian;
  const Eigen::VectorXd values = hessian.selfadjointView<Eigen::Lower>().eigenvalues();
  EXPECT_GT(values.minCoeff(), -1e-12 * values.maxCoeff());
}

// 16 rows with a residual of 0.1 in log loss at delta 0.04: the linear zone, by
// hand 16 * 0.04 * (0.1 - 0.02) = 0.0512.
TEST(ObjectiveTest, LargeResidualsCountLinearly) {
  const Law law = QatLadder()[0];
  std::vector<Measurement> measurements(16, MeasurementsOf(GridStudy({}))[5]);
  const Design unshifted(law, measurements);
  const Eigen::VectorXd at = SomePoint(law);
  const double residual = Objective(unshifted, kLeastSquares).Residuals(at)[0];
  for (Measurement& measurement : measurements) measurement.loss_nats *= std::exp(residual - 0.1);
  const Design design(law, measurements);
  EXPECT_NEAR(Objective(design, 0.04).Value(at), 0.0512, 1e-12);
}

TEST(ObjectiveTest, ResidualsAreThoseOfTheLaw) {
  const Law law = QatLadder()[0];
  const std::vector<Measurement> measurements = MeasurementsOf(GridStudy({}));
  const Design design(law, measurements);
  const Eigen::VectorXd at = SomePoint(law);
  const std::vector<double> theta = design.Uncentred(at);
  std::vector<double> expected;
  for (const Measurement& m : measurements) {
    expected.push_back(LogLoss(law, theta, m.point) - std::log(m.loss_nats));
  }
  const Eigen::ArrayXd residuals = Objective(design, kLeastSquares).Residuals(at);
  std::vector<double> found(residuals.begin(), residuals.end());
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-12);
}

TEST(ObjectiveTest, OrderOfMeasurementsDoesNotChangeABit) {
  const Law law = QatLadder()[0];
  std::vector<Measurement> measurements = ScatteredMeasurements();
  const Design design(law, measurements);
  std::reverse(measurements.begin(), measurements.end());
  const Design reversed(law, measurements);
  const Eigen::VectorXd at = SomePoint(law);
  EXPECT_EQ(Objective(design, 0.05).Value(at), Objective(reversed, 0.05).Value(at));
}

TEST(DesignTest, CentringIsUndoneExactly) {
  for (const Law& law : QatLadder()) {
    const Design design(law, ScatteredMeasurements());
    const Eigen::VectorXd at = SomePoint(law);
    const Eigen::VectorXd back = design.Centred(design.Uncentred(at));
    EXPECT_LT((back - at).cwiseAbs().maxCoeff(), 1e-13) << law.variant;
  }
}

TEST(DesignTest, ReplicatesShareAPoint) {
  std::vector<Measurement> measurements = MeasurementsOf(GridStudy({}));
  const int point_count = Design(QatLadder()[0], measurements).point_count();
  const std::vector<Measurement> once = measurements;
  measurements.insert(measurements.end(), once.begin(), once.end());
  const Design design(QatLadder()[0], measurements);
  EXPECT_EQ(design.point_count(), point_count);
  EXPECT_EQ(design.log_losses().size(), 2 * point_count);
}

}  // namespace
}  // namespace bitbudget::fitter
