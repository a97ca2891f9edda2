#include "fitter/covariance.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <map>

namespace bitbudget::fitter {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

double Square(double x) { return x * x; }

double NormalCdf(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

// E[psi'], the share of rows in the quadratic zone of the Huber function. Counting
// overstates it where the zone is narrow, since the fit draws residuals into it; a
// kernel estimate, shrunk to keep the variance of the residuals, does not.
double QuadraticZoneShare(const LinearizedFit& fit, double scale) {
  if (scale <= 0) return 1;
  const double bandwidth = 0.9 * scale * std::pow(fit.row_count(), -0.2);
  const double shrink = 1 / std::hypot(1, bandwidth / scale);
  double share = 0;
  for (const double residual : fit.residuals) {
    const double center = residual * shrink;
    share += NormalCdf((fit.huber_delta - center) / bandwidth) -
             NormalCdf((-fit.huber_delta - center) / bandwidth);
  }
  return share / fit.row_count();
}

// Standard deviations of the two parts of psi(r) / E[psi'].
struct PsiNoise {
  double run = 0;
  double trunk = 0;
};

PsiNoise EstimatePsiNoise(const LinearizedFit& fit, const NoiseEstimate& noise) {
  const double rows = fit.row_count();
  const double parameters = fit.free_parameter_count();
  const double share = QuadraticZoneShare(fit, noise.robust_scale);
  const double psi_sum_of_squares =
      fit.residuals.cwiseMax(-fit.huber_delta).cwiseMin(fit.huber_delta).squaredNorm();
  // Huber 1973: correction of second order in parameters / rows.
  const double correction = 1 + parameters / rows * (1 - share) / share;
  const double variance =
      Square(correction / share) * psi_sum_of_squares / std::max(1.0, rows - parameters);

  const double total = Square(noise.run_stddev) + Square(noise.trunk_stddev);
  if (total <= 0) return {.run = std::sqrt(variance)};
  // Clipping weakens the correlation within a trunk: for a normal pair of
  // correlation c, that of psi is e c + (1 - e) c^3 to leading orders, where e is
  // the efficiency of psi.
  const double correlation = Square(noise.trunk_stddev) / total;
  const double efficiency = std::min(1.0, total / variance);
  const double psi_correlation =
      correlation * (efficiency + (1 - efficiency) * Square(correlation));
  return {.run = std::sqrt(variance * (1 - psi_correlation)),
          .trunk = std::sqrt(variance * psi_correlation)};
}

// A^-1 J^T W over all parameters, with zero rows for those that are not free. From
// R of QR, not the Cholesky factor of A: the columns of power laws are nearly
// dependent, and A has the square of their condition.
MatrixXd LeastSquaresInverse(const LinearizedFit& fit) {
  MatrixXd scaled = fit.FreeJacobian();
  const VectorXd scale = scaled.colwise().norm().cwiseInverse();
  scaled = scaled * scale.asDiagonal();
  MatrixXd solution = scaled.transpose();
  if (fit.weights.size() > 0) {
    solution = solution * fit.weights.asDiagonal();
    scaled = fit.weights.cwiseSqrt().asDiagonal() * scaled;
  }
  const Eigen::HouseholderQR<MatrixXd> qr(scaled);
  const auto r = qr.matrixQR().topRows(scaled.cols()).triangularView<Eigen::Upper>();
  r.transpose().solveInPlace(solution);
  r.solveInPlace(solution);

  MatrixXd inverse = MatrixXd::Zero(fit.jacobian.cols(), fit.row_count());
  for (Index parameter = 0, free = 0; parameter < inverse.rows(); ++parameter) {
    if (!fit.is_free[parameter]) continue;
    inverse.row(parameter) = scale[free] * solution.row(free);
    ++free;
  }
  return inverse;
}

// How far a standard deviation of noise in each row, and in each group of rows
// with a common trunk, moves the parameters.
struct Influence {
  TrunkGroups groups;
  MatrixXd by_row;    // parameters x rows
  MatrixXd by_trunk;  // parameters x groups
};

Influence ComputeInfluence(const LinearizedFit& fit, const NoiseEstimate& noise) {
  const MatrixXd inverse = LeastSquaresInverse(fit);
  const PsiNoise psi_noise = EstimatePsiNoise(fit, noise);
  Influence influence = {.groups = GroupByTrunk(fit), .by_row = psi_noise.run * inverse};
  influence.by_trunk = psi_noise.trunk * influence.groups.Sum(inverse.transpose()).transpose();
  return influence;
}

// Satterthwaite's, least over the parameters.
double DegreesOfFreedom(const LinearizedFit& fit,
                        const NoiseEstimate& noise,
                        const Influence& influence) {
  const double all = std::max(1, fit.row_count() - fit.free_parameter_count());
  if (influence.by_trunk.isZero(0)) return all;
  const double of_trunks = std::max(1.0, noise.trunk_degrees_of_freedom);
  const double of_runs = std::max(1.0, all - of_trunks);
  double least = all;
  for (Index parameter = 0; parameter < influence.by_row.rows(); ++parameter) {
    if (!fit.is_free[parameter]) continue;
    const double by_runs = influence.by_row.row(parameter).squaredNorm();
    const double by_trunks = influence.by_trunk.row(parameter).squaredNorm();
    least = std::min(
        least,
        Square(by_runs + by_trunks) / (Square(by_runs) / of_runs + Square(by_trunks) / of_trunks));
  }
  return std::max(1.0, least);
}

// Groups of `b` with the trunk of each group of `a`; -1 where there is none. A
// row's own trunk is known by the row.
std::vector<int> MatchGroups(const LinearizedFit& a,
                             const TrunkGroups& groups_of_a,
                             const LinearizedFit& b,
                             const TrunkGroups& groups_of_b) {
  const auto key = [](const LinearizedFit& fit, int i) {
    return fit.trunks[i] >= 0 ? std::pair(fit.trunks[i], -1) : std::pair(-1, fit.rows[i]);
  };
  std::map<std::pair<int, int>, int> found;
  for (int i = 0; i < b.row_count(); ++i) found[key(b, i)] = groups_of_b.of_row[i];
  std::vector<int> match(groups_of_a.group_count(), -1);
  for (int i = 0; i < a.row_count(); ++i) {
    const auto it = found.find(key(a, i));
    if (it != found.end()) match[groups_of_a.of_row[i]] = it->second;
  }
  return match;
}

// Rows of `b` that are the rows of `a`; -1 where there is none.
std::vector<int> MatchRows(const LinearizedFit& a, const LinearizedFit& b) {
  std::map<int, int> found;
  for (int i = 0; i < b.row_count(); ++i) found[b.rows[i]] = i;
  std::vector<int> match(a.row_count(), -1);
  for (int i = 0; i < a.row_count(); ++i) {
    if (const auto it = found.find(a.rows[i]); it != found.end()) match[i] = it->second;
  }
  return match;
}

// Sum of the outer products of matching columns.
MatrixXd SumMatches(const MatrixXd& a, const MatrixXd& b, const std::vector<int>& match) {
  MatrixXd sum = MatrixXd::Zero(a.rows(), b.rows());
  for (Index column = 0; column < a.cols(); ++column) {
    if (match[column] >= 0) sum += a.col(column) * b.col(match[column]).transpose();
  }
  return sum;
}

}  // namespace

ParameterCovariance EstimateCovariance(const LinearizedFit& fit, const NoiseEstimate& noise) {
  if (fit.free_parameter_count() == 0 || fit.row_count() == 0) {
    return {.covariance = MatrixXd::Zero(fit.jacobian.cols(), fit.jacobian.cols())};
  }
  const Influence influence = ComputeInfluence(fit, noise);
  return {.covariance = influence.by_row * influence.by_row.transpose() +
                        influence.by_trunk * influence.by_trunk.transpose(),
          .degrees_of_freedom = DegreesOfFreedom(fit, noise, influence)};
}

MatrixXd EstimateCrossCovariance(const LinearizedFit& a,
                                 const NoiseEstimate& noise_of_a,
                                 const LinearizedFit& b,
                                 const NoiseEstimate& noise_of_b) {
  if (a.free_parameter_count() == 0 || b.free_parameter_count() == 0) {
    return MatrixXd::Zero(a.jacobian.cols(), b.jacobian.cols());
  }
  const Influence of_a = ComputeInfluence(a, noise_of_a);
  const Influence of_b = ComputeInfluence(b, noise_of_b);
  return SumMatches(of_a.by_row, of_b.by_row, MatchRows(a, b)) +
         SumMatches(of_a.by_trunk, of_b.by_trunk, MatchGroups(a, of_a.groups, b, of_b.groups));
}

}  // namespace bitbudget::fitter
