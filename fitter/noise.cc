#include "fitter/noise.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <map>

namespace bitbudget::fitter {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

VectorXd CutOutliers(const VectorXd& residuals, double scale) {
  if (scale <= 0) return residuals;
  return residuals.cwiseMax(-kCutScales * scale).cwiseMin(kCutScales * scale);
}

// Orthonormal basis of the columns of `matrix`, which are independent.
MatrixXd OrthonormalBasis(const MatrixXd& matrix) {
  if (matrix.cols() == 0) return matrix;
  return Eigen::HouseholderQR<MatrixXd>(matrix).householderQ() *
         MatrixXd::Identity(matrix.rows(), matrix.cols());
}

// Trunks of several rows, less what the fitted parameters take of their means.
double TrunkDegreesOfFreedom(const MatrixXd& basis, const TrunkGroups& groups) {
  const MatrixXd sums = groups.Sum(basis);
  double degrees = 0;
  for (int group = 0; group < groups.group_count(); ++group) {
    if (groups.sizes[group] < 2) continue;
    degrees += 1 - sums.row(group).squaredNorm() / groups.sizes[group];
  }
  return degrees;
}

struct Variances {
  double run = 0;
  double trunk = 0;
};

// Variances that give the observed sums of squares, total and between trunks, their
// expectations (Henderson's third method). With M = I - Q Q^T the residual maker of
// the fit, Z the incidence of trunks, D their sizes and P = Z D^-1 Z^T:
//   E[r^T r]   = run tr(M)  + trunk tr(M Z Z^T)
//   E[r^T P r] = run tr(PM) + trunk tr(P M Z Z^T M)
Variances MatchMoments(const VectorXd& residuals,
                       const MatrixXd& basis,
                       const TrunkGroups& groups) {
  const MatrixXd sums = groups.Sum(basis);
  const VectorXd sizes =
      Eigen::Map<const Eigen::VectorXi>(groups.sizes.data(), groups.group_count()).cast<double>();
  const MatrixXd square = sums.transpose() * sums;
  const MatrixXd mean_square = sums.transpose() * sizes.cwiseInverse().asDiagonal() * sums;
  const double total = residuals.squaredNorm();
  const double between = groups.Sum(residuals).cwiseAbs2().cwiseQuotient(MatrixXd(sizes)).sum();

  const double run_in_total = double(residuals.size() - basis.cols());
  const double trunk_in_total = double(residuals.size()) - square.trace();
  const double run_in_between = groups.group_count() - mean_square.trace();
  const double trunk_in_between =
      double(residuals.size()) - 2 * square.trace() + square.cwiseProduct(mean_square).sum();
  const double determinant = run_in_total * trunk_in_between - trunk_in_total * run_in_between;
  const double run = (trunk_in_between * total - trunk_in_total * between) / determinant;
  const double trunk = (run_in_total * between - run_in_between * total) / determinant;
  if (!(trunk > 0)) return {.run = total / run_in_total};
  if (!(run > 0)) return {.trunk = total / trunk_in_total};
  return {.run = run, .trunk = trunk};
}

}  // namespace

int LinearizedFit::free_parameter_count() const {
  return static_cast<int>(std::count(is_free.begin(), is_free.end(), true));
}

MatrixXd LinearizedFit::FreeJacobian() const {
  MatrixXd result(jacobian.rows(), free_parameter_count());
  for (Index parameter = 0, free = 0; parameter < jacobian.cols(); ++parameter) {
    if (is_free[parameter]) result.col(free++) = jacobian.col(parameter);
  }
  return result;
}

MatrixXd TrunkGroups::Sum(const MatrixXd& values) const {
  MatrixXd sums = MatrixXd::Zero(group_count(), values.cols());
  for (Index i = 0; i < values.rows(); ++i) sums.row(of_row[i]) += values.row(i);
  return sums;
}

TrunkGroups GroupByTrunk(const LinearizedFit& fit) {
  TrunkGroups groups;
  std::map<int, int> group_of_trunk;
  for (const int trunk : fit.trunks) {
    int group = groups.group_count();
    if (trunk >= 0) group = group_of_trunk.try_emplace(trunk, group).first->second;
    if (group == groups.group_count()) groups.sizes.push_back(0);
    groups.of_row.push_back(group);
    ++groups.sizes[group];
  }
  return groups;
}

double RobustScale(std::span<const double> residuals) {
  if (residuals.empty()) return 0;
  std::vector<double> sizes(residuals.begin(), residuals.end());
  for (double& size : sizes) size = std::abs(size);
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  if (sizes.size() % 2 == 1) return kScaleOfMedian * *middle;
  return kScaleOfMedian * (*middle + *std::max_element(sizes.begin(), middle)) / 2;
}

NoiseEstimate EstimateNoise(const LinearizedFit& fit) {
  NoiseEstimate noise;
  if (fit.row_count() == 0) return noise;
  noise.residual_rms = std::sqrt(fit.residuals.squaredNorm() / fit.row_count());
  noise.robust_scale = RobustScale({fit.residuals.data(), size_t(fit.row_count())});
  const TrunkGroups groups = GroupByTrunk(fit);
  noise.trunk_count = static_cast<int>(
      std::count_if(groups.sizes.begin(), groups.sizes.end(), [](int size) { return size > 1; }));
  const int degrees_of_freedom = fit.row_count() - fit.free_parameter_count();
  if (degrees_of_freedom <= 0) return noise;

  const VectorXd residuals = CutOutliers(fit.residuals, noise.robust_scale);
  const MatrixXd basis = OrthonormalBasis(fit.FreeJacobian());
  noise.trunk_degrees_of_freedom = TrunkDegreesOfFreedom(basis, groups);
  Variances variances = {.run = residuals.squaredNorm() / degrees_of_freedom};
  if (noise.trunk_degrees_of_freedom >= 1) variances = MatchMoments(residuals, basis, groups);
  noise.run_stddev = std::sqrt(variances.run);
  noise.trunk_stddev = std::sqrt(variances.trunk);
  return noise;
}

}  // namespace bitbudget::fitter
