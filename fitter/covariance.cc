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

// E[psi'] of each row: the probability that its residual lies in the quadratic zone of
// the Huber function, by a kernel about the residual found. Counting overstates it
// where the zone is narrow, since the fit draws residuals into it, and knows nothing of
// the limit of least absolute errors, where the zone vanishes and the density at 0
// remains. By row, because rows of less noise have more of it (Powell 1991). Residuals
// are shrunk so that the kernel keeps their variance.
VectorXd QuadraticZoneShares(const LinearizedFit& fit, double scale) {
  if (scale <= 0) return VectorXd::Ones(fit.row_count());
  const double rows = fit.row_count();
  const double bandwidth = 0.9 * scale * std::pow(rows, -0.2);
  const double shrink = 1 / std::hypot(1, bandwidth / scale);
  const auto shares_within = [&](double half_width) -> VectorXd {
    return fit.residuals.unaryExpr([&](double residual) {
      const double center = residual * shrink;
      return NormalCdf((half_width - center) / bandwidth) -
             NormalCdf((-half_width - center) / bandwidth);
    });
  };
  // Huber 1973: correction of second order in parameters / rows. It is that of a zone
  // no narrower than the kernel: the fit can draw no more rows than parameters to 0.
  const double share = shares_within(std::max(fit.huber_delta, bandwidth)).mean();
  const double correction = 1 + fit.free_parameter_count() / rows * (1 - share) / share;
  return shares_within(fit.huber_delta) / correction;
}

// A = sum_i E[psi'_i] w_i J_i J_i^T and what follows from it.
struct Bread {
  // A^-1 J^T W over all parameters, with zero rows for those that are not free.
  MatrixXd inverse;
  VectorXd leverages;  // of each row, at most 1; sum to the number of free parameters
  double mean_share = 1;
};

// From R of QR, not the Cholesky factor of A: the columns of power laws are nearly
// dependent, and A has the square of their condition.
Bread MakeBread(const LinearizedFit& fit, const NoiseEstimate& noise) {
  const VectorXd shares = QuadraticZoneShares(fit, noise.robust_scale);
  const VectorXd weights = fit.weights.size() > 0 ? fit.weights : VectorXd::Ones(fit.row_count());
  const MatrixXd jacobian = fit.FreeJacobian();
  const VectorXd scale = jacobian.colwise().norm().cwiseInverse();
  const MatrixXd scaled = jacobian * scale.asDiagonal();
  // The mean share is taken out: far below the noise all shares are tiny.
  const double mean_share = shares.mean();
  const VectorXd factors = (shares / mean_share).cwiseProduct(weights);
  const Eigen::HouseholderQR<MatrixXd> qr(factors.cwiseSqrt().asDiagonal() * scaled);
  const auto r = qr.matrixQR().topRows(scaled.cols()).triangularView<Eigen::Upper>();
  MatrixXd solution = scaled.transpose();
  r.transpose().solveInPlace(solution);
  Bread bread = {.inverse = MatrixXd::Zero(fit.jacobian.cols(), fit.row_count()),
                 .leverages = solution.colwise().squaredNorm().transpose().cwiseProduct(factors),
                 .mean_share = mean_share};
  r.solveInPlace(solution);
  for (Index parameter = 0, free = 0; parameter < bread.inverse.rows(); ++parameter) {
    if (!fit.is_free[parameter]) continue;
    bread.inverse.row(parameter) = scale[free] / mean_share * solution.row(free);
    ++free;
  }
  bread.inverse = bread.inverse * weights.asDiagonal();
  return bread;
}

// The two parts of psi.
struct PsiNoise {
  VectorXd run;      // of each row, as it turned out
  double trunk = 0;  // standard deviation
};

// A row's own psi tells its own noise, larger at small models and budgets than at
// large ones; over 1 - leverage its square is right on average under equal noise
// (MacKinnon and White 1985, HC2).
PsiNoise EstimatePsiNoise(const LinearizedFit& fit,
                          const NoiseEstimate& noise,
                          const Bread& bread) {
  constexpr double kLeastFreedom = 1e-3;
  const VectorXd freedom = (1 - bread.leverages.array()).max(kLeastFreedom);
  PsiNoise psi = {.run = fit.residuals.cwiseMax(-fit.huber_delta).cwiseMin(fit.huber_delta)};
  psi.run = psi.run.cwiseQuotient(freedom.cwiseSqrt());
  const double total = Square(noise.run_stddev) + Square(noise.trunk_stddev);
  const double variance = psi.run.squaredNorm() / fit.row_count();
  if (total <= 0 || variance <= 0) return psi;
  // Clipping weakens the correlation within a trunk: for a normal pair of
  // correlation c, that of psi is e c + (1 - e) c^3 to leading orders, where e is
  // the efficiency of psi.
  const double correlation = Square(noise.trunk_stddev) / total;
  const double efficiency = std::min(1.0, total * Square(bread.mean_share) / variance);
  const double psi_correlation =
      correlation * (efficiency + (1 - efficiency) * Square(correlation));
  psi.run *= std::sqrt(1 - psi_correlation);
  psi.trunk = std::sqrt(variance * psi_correlation);
  return psi;
}

// How far the noise of each row, and a standard deviation of that in each group of
// rows with a common trunk, moves the parameters.
struct Influence {
  TrunkGroups groups;
  MatrixXd by_row;    // parameters x rows
  MatrixXd by_trunk;  // parameters x groups
};

Influence ComputeInfluence(const LinearizedFit& fit, const NoiseEstimate& noise) {
  const Bread bread = MakeBread(fit, noise);
  const PsiNoise psi = EstimatePsiNoise(fit, noise, bread);
  Influence influence = {.groups = GroupByTrunk(fit),
                         .by_row = bread.inverse * psi.run.asDiagonal()};
  influence.by_trunk = psi.trunk * influence.groups.Sum(bread.inverse.transpose()).transpose();
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
