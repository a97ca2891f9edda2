#include "planner/draws.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstddef>

namespace bitbudget::planner {
namespace {

using RowMajorMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// A root that rank-deficient covariances have as well: parameters at a bound have
// no variance.
std::vector<double> SquareRoot(const std::vector<double>& covariance, Eigen::Index size) {
  const Eigen::Map<const RowMajorMatrix> matrix(covariance.data(), size, size);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  const Eigen::VectorXd scales = solver.eigenvalues().cwiseMax(0).cwiseSqrt();
  std::vector<double> root(covariance.size());
  Eigen::Map<RowMajorMatrix>(root.data(), size, size) = solver.eigenvectors() * scales.asDiagonal();
  return root;
}

}  // namespace

ParameterStream::ParameterStream(const FittedLaw& law, uint64_t seed)
    : law_(&law),
      generator_(seed),
      chi_squared_(law.degrees_of_freedom),
      normals_(law.theta.size()),
      theta_(law.theta) {
  if (!law.draws.empty() || law.covariance.empty()) return;
  root_ = SquareRoot(law.covariance, static_cast<Eigen::Index>(law.theta.size()));
}

const std::vector<double>& ParameterStream::NextTheta() {
  if (!is_uncertain()) return theta_;
  const size_t size = theta_.size();
  if (!law_->draws.empty()) {
    const auto draw = law_->draws.begin() + static_cast<std::ptrdiff_t>(next_draw_ * size);
    theta_.assign(draw, draw + static_cast<std::ptrdiff_t>(size));
    next_draw_ = (next_draw_ + 1) % (law_->draws.size() / size);
    return theta_;
  }
  for (double& normal : normals_) normal = NextNormal();
  const double scale = std::sqrt(law_->degrees_of_freedom / chi_squared_(generator_));
  for (size_t row = 0; row < size; ++row) {
    double step = 0;
    for (size_t column = 0; column < size; ++column) {
      step += root_[row * size + column] * normals_[column];
    }
    const fitter::Parameter& parameter = law_->law.parameters[row];
    const double drawn = law_->theta[row] + scale * step;
    theta_[row] =
        step == 0 ? law_->theta[row] : std::clamp(drawn, parameter.lower, parameter.upper);
  }
  return theta_;
}

}  // namespace bitbudget::planner
