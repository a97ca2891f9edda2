#include "fitter/lack_of_fit.h"

#include <Eigen/IterativeLinearSolvers>
#include <Eigen/QR>
#include <Eigen/Sparse>
#include <algorithm>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

namespace bitbudget::fitter {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Classes of rows, numbered from 0 in the order of their first row.
struct Classes {
  std::vector<int> of_row;  // -1: none
  std::vector<int> sizes;

  int count() const { return static_cast<int>(sizes.size()); }
};

template <typename Key>
void AddRow(const Key& key, std::map<Key, int>* found, Classes* classes) {
  const auto [it, is_new] = found->try_emplace(key, classes->count());
  if (is_new) classes->sizes.push_back(0);
  ++classes->sizes[it->second];
  classes->of_row.push_back(it->second);
}

// Rows alike in everything but trunk, seed and loss.
Classes ClassifyByDesign(const Dataset& data, const std::vector<int>& rows) {
  const auto design = [](const Observation& row) {
    return std::tuple(row.point.parameters,
                      row.point.fp_tokens,
                      row.point.qat_tokens,
                      row.point.weight_bits,
                      row.role,
                      row.activation_bits,
                      row.schedule,
                      row.recipe,
                      row.optimizer,
                      row.group_size);
  };
  std::map<decltype(design(Observation())), int> found;
  Classes designs;
  for (const int row : rows) AddRow(design(data.rows[row]), &found, &designs);
  return designs;
}

// Trunks that have an offset: those of at least two rows.
Classes ClassifyByTrunk(const std::vector<int>& trunks) {
  std::map<int, int> row_counts;
  for (const int trunk : trunks) ++row_counts[trunk];
  std::map<int, int> found;
  Classes classes;
  for (const int trunk : trunks) {
    if (trunk < 0 || row_counts[trunk] < 2) {
      classes.of_row.push_back(-1);
    } else {
      AddRow(trunk, &found, &classes);
    }
  }
  return classes;
}

// Rank of the incidence of designs and trunks together. Rows join their design to
// their trunk in a graph; every connected component without a row that has no trunk
// offset leaves a constant free to shift between the two.
int IncidenceRank(const Classes& designs, const Classes& trunks) {
  std::vector<int> parent(designs.count() + trunks.count());
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&parent](int node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (size_t i = 0; i < designs.of_row.size(); ++i) {
    if (trunks.of_row[i] < 0) continue;
    parent[root(designs.of_row[i])] = root(designs.count() + trunks.of_row[i]);
  }
  std::vector<bool> is_fixed(parent.size(), false);
  for (size_t i = 0; i < designs.of_row.size(); ++i) {
    if (trunks.of_row[i] < 0) is_fixed[root(designs.of_row[i])] = true;
  }
  int rank = static_cast<int>(parent.size());
  for (int node = 0; node < static_cast<int>(parent.size()); ++node) {
    if (parent[node] == node && !is_fixed[node]) --rank;
  }
  return rank;
}

// A linear model of the residuals: what it leaves of them, with how many degrees of
// freedom.
struct LinearModel {
  VectorXd remainder;
  int degrees_of_freedom = 0;

  double sum_of_squares() const { return remainder.squaredNorm(); }
};

// A mean a design and an offset a trunk. The conjugate gradient solver takes any
// number of them and gives one of the equally good solutions where constants are
// free.
LinearModel FitDesignMeans(const VectorXd& residuals,
                           const Classes& designs,
                           const Classes& trunks) {
  std::vector<Eigen::Triplet<double>> entries;
  for (int i = 0; i < static_cast<int>(residuals.size()); ++i) {
    entries.emplace_back(i, designs.of_row[i], 1);
    if (trunks.of_row[i] >= 0) entries.emplace_back(i, designs.count() + trunks.of_row[i], 1);
  }
  Eigen::SparseMatrix<double> incidence(residuals.size(), designs.count() + trunks.count());
  incidence.setFromTriplets(entries.begin(), entries.end());
  Eigen::LeastSquaresConjugateGradient<Eigen::SparseMatrix<double>> solver(incidence);
  solver.setTolerance(1e-13);
  const VectorXd solution = solver.solve(residuals);
  return {
      .remainder = residuals - incidence * solution,
      .degrees_of_freedom = static_cast<int>(residuals.size()) - IncidenceRank(designs, trunks)};
}

// `values` less the mean of each trunk.
MatrixXd RemoveTrunkMeans(MatrixXd values, const Classes& trunks) {
  MatrixXd means = MatrixXd::Zero(trunks.count(), values.cols());
  for (Index i = 0; i < values.rows(); ++i) {
    const int trunk = trunks.of_row[i];
    if (trunk >= 0) means.row(trunk) += values.row(i) / trunks.sizes[trunk];
  }
  for (Index i = 0; i < values.rows(); ++i) {
    if (trunks.of_row[i] >= 0) values.row(i) -= means.row(trunks.of_row[i]);
  }
  return values;
}

// Trace of Z^T P Z, with Z the incidence of designs and P the projection on trunks.
double TraceOfTrunks(const Classes& designs, const Classes& trunks) {
  std::map<std::pair<int, int>, int> row_counts;
  for (size_t i = 0; i < designs.of_row.size(); ++i) {
    if (trunks.of_row[i] >= 0) ++row_counts[{trunks.of_row[i], designs.of_row[i]}];
  }
  double trace = 0;
  for (const auto& [key, count] : row_counts) {
    trace += double(count) * count / trunks.sizes[key.first];
  }
  return trace;
}

// The law, free to move by its Jacobian, and an offset a trunk.
struct LawModel : LinearModel {
  // Trace of Z^T M Z, with Z the incidence of designs and M the residual maker of
  // this model: how often a variance of its own in each design enters the expected
  // sum of squares.
  double design_trace = 0;
};

LawModel FitLinearizedLaw(const VectorXd& residuals,
                          const MatrixXd& jacobian,
                          const Classes& designs,
                          const Classes& trunks) {
  const VectorXd centered = RemoveTrunkMeans(residuals, trunks);
  const VectorXd scale = jacobian.colwise().norm().cwiseInverse();
  const MatrixXd directions = RemoveTrunkMeans(jacobian * scale.asDiagonal(), trunks);
  Eigen::ColPivHouseholderQR<MatrixXd> qr(directions.rows(), directions.cols());
  // Offsets may take up a direction of the law whole.
  qr.setThreshold(1e-9);
  qr.compute(directions);
  const MatrixXd basis = qr.householderQ() * MatrixXd::Identity(directions.rows(), qr.rank());
  MatrixXd sums = MatrixXd::Zero(designs.count(), basis.cols());
  for (Index i = 0; i < basis.rows(); ++i) sums.row(designs.of_row[i]) += basis.row(i);

  LawModel model;
  model.remainder = centered - basis * (basis.transpose() * centered);
  model.degrees_of_freedom = static_cast<int>(residuals.size() - qr.rank()) - trunks.count();
  model.design_trace =
      double(residuals.size()) - TraceOfTrunks(designs, trunks) - sums.squaredNorm();
  return model;
}

// Root mean square, over designs with replicates, of the mean of `remainder`.
double ReplicateMeanRms(const VectorXd& remainder, const Classes& designs) {
  VectorXd means = VectorXd::Zero(designs.count());
  for (Index i = 0; i < remainder.size(); ++i) {
    const int design = designs.of_row[i];
    if (designs.sizes[design] > 1) means[design] += remainder[i] / designs.sizes[design];
  }
  const auto replicated =
      std::count_if(designs.sizes.begin(), designs.sizes.end(), [](int size) { return size > 1; });
  return std::sqrt(means.squaredNorm() / double(replicated));
}

}  // namespace

std::optional<LackOfFit> TestLackOfFit(const Dataset& data, const LinearizedFit& fit) {
  const Classes designs = ClassifyByDesign(data, fit.rows);
  if (designs.count() == fit.row_count()) return std::nullopt;
  const Classes trunks = ClassifyByTrunk(fit.trunks);
  const double cut =
      kCutScales * RobustScale({fit.residuals.data(), static_cast<size_t>(fit.row_count())});
  const VectorXd residuals = fit.residuals.cwiseMax(-cut).cwiseMin(cut);

  const LinearModel means = FitDesignMeans(residuals, designs, trunks);
  const LawModel law = FitLinearizedLaw(residuals, fit.FreeJacobian(), designs, trunks);
  const int misfit_degrees = law.degrees_of_freedom - means.degrees_of_freedom;
  const bool is_noiseless = means.sum_of_squares() <= 1e-20 * residuals.squaredNorm();
  if (means.degrees_of_freedom < 1 || misfit_degrees < 1 || is_noiseless) return std::nullopt;

  const double noise_variance = means.sum_of_squares() / means.degrees_of_freedom;
  const double misfit_variance =
      std::max(0.0, law.sum_of_squares() - means.sum_of_squares()) / misfit_degrees;
  const double f_ratio = misfit_variance / noise_variance;
  const boost::math::fisher_f distribution(misfit_degrees, means.degrees_of_freedom);
  const double p_value = boost::math::cdf(boost::math::complement(distribution, f_ratio));
  const double excess = (misfit_variance - noise_variance) * misfit_degrees;
  const bool is_misfit = p_value < kLeastPValue && law.design_trace > 0;
  return LackOfFit{.replicate_stddev = std::sqrt(noise_variance),
                   .replicate_degrees_of_freedom = means.degrees_of_freedom,
                   .misfit_rms = ReplicateMeanRms(law.remainder, designs),
                   .f_ratio = f_ratio,
                   .p_value = p_value,
                   .misfit_stddev = is_misfit ? std::sqrt(excess / law.design_trace) : 0};
}

}  // namespace bitbudget::fitter
