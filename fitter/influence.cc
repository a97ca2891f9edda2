#include "fitter/influence.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <utility>

namespace bitbudget::fitter {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

}  // namespace

LocalObjective::LocalObjective(const FittedLaw& law,
                               const FittedRows& rows,
                               std::vector<bool> is_free,
                               double huber_delta)
    : law_(&law), huber_delta_(huber_delta) {
  for (int j = 0; j < law.law.parameter_count(); ++j) {
    if (is_free[j]) free_.push_back(j);
  }
  const auto row_count = static_cast<Index>(rows.rows.size());
  const auto free_count = static_cast<Index>(free_.size());
  jacobian_.resize(row_count, free_count);
  residuals_.resize(row_count);
  weights_.resize(row_count);
  std::vector<double> gradient;
  for (Index i = 0; i < row_count; ++i) {
    const Measurement& measurement = rows.measurements[i];
    residuals_[i] =
        LogLoss(law.law, law.theta, measurement.point, &gradient) - std::log(measurement.loss_nats);
    weights_[i] = measurement.weight;
    for (Index j = 0; j < free_count; ++j) jacobian_(i, j) = gradient[free_[j]];
  }
  scale_ = jacobian_.colwise().norm().cwiseMax(1e-300).cwiseInverse();
  jacobian_ = jacobian_ * scale_.asDiagonal();
  hessian_ = MatrixXd::Zero(free_count, free_count);
  for (Index i = 0; i < row_count; ++i) hessian_ += RowHessian(static_cast<int>(i));
}

// Weights of iteratively reweighted least squares, as in Curvature::kGaussNewton. The
// exact second derivatives are closer for one run and useless for a trunk: without
// its runs they may have a negative eigenvalue, and the step runs away.
MatrixXd LocalObjective::RowHessian(int position) const {
  const VectorXd row = jacobian_.row(position);
  return weights_[position] * HuberWeight(position) * row * row.transpose();
}

double LocalObjective::HuberWeight(int position) const {
  const double size = std::abs(residuals_[position]);
  return size <= huber_delta_ ? 1 : huber_delta_ / size;
}

VectorXd LocalObjective::Solve(const MatrixXd& hessian, const VectorXd& gradient) const {
  // Directions that the rows left no longer tell stay where they are.
  constexpr double kLeastShare = 1e-12;
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(hessian);
  const VectorXd& values = solver.eigenvalues();
  VectorXd inverse = VectorXd::Zero(values.size());
  for (Index k = 0; k < values.size(); ++k) {
    if (values[k] > kLeastShare * values[values.size() - 1]) inverse[k] = 1 / values[k];
  }
  const VectorXd projected = solver.eigenvectors().transpose() * gradient;
  return solver.eigenvectors() * inverse.cwiseProduct(projected);
}

std::vector<double> LocalObjective::ThetaWithout(std::span<const int> positions) const {
  MatrixXd hessian = hessian_;
  VectorXd gradient = VectorXd::Zero(hessian.rows());
  for (const int i : positions) {
    hessian -= RowHessian(i);
    gradient += weights_[i] * std::clamp(residuals_[i], -huber_delta_, huber_delta_) *
                jacobian_.row(i).transpose();
  }
  const VectorXd step = scale_.cwiseProduct(Solve(hessian, gradient));
  std::vector<double> theta = law_->theta;
  for (std::size_t k = 0; k < free_.size(); ++k) {
    const Parameter& parameter = law_->law.parameters[free_[k]];
    theta[free_[k]] =
        std::clamp(theta[free_[k]] + step[static_cast<Index>(k)], parameter.lower, parameter.upper);
  }
  return theta;
}

double LocalObjective::Leverage(int position) const {
  const VectorXd row = jacobian_.row(position);
  return weights_[position] * HuberWeight(position) * row.dot(Solve(hessian_, row));
}

}  // namespace bitbudget::fitter
