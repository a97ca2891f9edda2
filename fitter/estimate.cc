#include "fitter/estimate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "fitter/covariance.h"
#include "fitter/fitted_rows.h"
#include "fitter/lack_of_fit.h"
#include "fitter/support.h"

namespace bitbudget::fitter {
namespace {

LinearizedFit Linearize(const Dataset& data,
                        const std::vector<int>& rows,
                        const Rung& rung,
                        const FitOptions& options) {
  const auto count = static_cast<Eigen::Index>(rows.size());
  LinearizedFit fit{.jacobian = Eigen::MatrixXd(count, rung.law.parameter_count()),
                    .residuals = Eigen::VectorXd(count),
                    .weights = Eigen::VectorXd(count),
                    .rows = rows,
                    .is_free = rung.identification.determined,
                    .huber_delta = rung.search.huber_delta};
  std::vector<double> gradient;
  for (Eigen::Index i = 0; i < count; ++i) {
    const Observation& row = data.rows[rows[i]];
    const RunPoint point = PointOf(rung.law, row, data.labels);
    fit.residuals[i] = LogLoss(rung.law, rung.theta, point, &gradient) - std::log(row.loss_nats);
    fit.jacobian.row(i) = Eigen::Map<const Eigen::RowVectorXd>(
        gradient.data(), static_cast<Eigen::Index>(gradient.size()));
    fit.weights[i] = WeightOf(row, rung.law, options);
    fit.trunks.push_back(row.trunk);
  }
  return fit;
}

// 1 - residual / total sum of squares, of losses. These are taken as shares of the
// largest, for a mistyped one may have a square beyond all numbers.
double RSquared(const Dataset& data, const LinearizedFit& fit) {
  double largest = 0;
  for (const int i : fit.rows) largest = std::max(largest, data.rows[i].loss_nats);
  double mean = 0;
  for (const int i : fit.rows) mean += data.rows[i].loss_nats / largest / fit.row_count();
  double total = 0;
  double residual = 0;
  for (int k = 0; k < fit.row_count(); ++k) {
    const double loss = data.rows[fit.rows[k]].loss_nats / largest;
    total += (loss - mean) * (loss - mean);
    residual += std::pow(loss * std::expm1(fit.residuals[k]), 2);
  }
  return total > 0 ? 1 - residual / total : 0;
}

}  // namespace

Estimate MakeEstimate(const Dataset& data,
                      const std::vector<int>& rows,
                      Rung rung,
                      const FitOptions& options) {
  Estimate estimate{.rung = std::move(rung)};
  const Identification& id = estimate.rung.identification;
  estimate.linearized = Linearize(data, rows, estimate.rung, options);
  estimate.noise = EstimateNoise(estimate.linearized);
  const ParameterCovariance covariance = EstimateCovariance(estimate.linearized, estimate.noise);
  estimate.law = {.law = estimate.rung.law,
                  .theta = estimate.rung.theta,
                  .covariance = RowMajor(covariance.covariance),
                  .run_stddev = estimate.noise.run_stddev,
                  .trunk_stddev = estimate.noise.trunk_stddev,
                  .degrees_of_freedom = covariance.degrees_of_freedom,
                  .support = ComputeSupport(data, rows)};
  for (std::size_t j = 0; j < id.determined.size(); ++j) {
    estimate.law.identified.push_back(id.determined[j] || id.at_lower[j] || id.at_upper[j]);
    estimate.law.at_bound.push_back(id.at_lower[j] || id.at_upper[j]);
  }
  estimate.search = estimate.rung.search;
  estimate.search.residual_rms = estimate.noise.residual_rms;
  estimate.search.residual_robust_scale = estimate.noise.robust_scale;
  estimate.search.r_squared = RSquared(data, estimate.linearized);
  estimate.lack_of_fit = TestLackOfFit(data, estimate.linearized);
  if (estimate.lack_of_fit) estimate.law.misfit.loss_stddev = estimate.lack_of_fit->misfit_stddev;
  return estimate;
}

bool IsTrunkConfoundedWithSize(const Dataset& data, const std::vector<int>& rows) {
  std::map<double, std::map<int, int>> run_counts;  // by size and trunk
  for (const int i : rows) {
    const Observation& row = data.rows[i];
    if (row.trunk >= 0) ++run_counts[row.point.parameters][row.trunk];
  }
  auto most_trunks = std::ptrdiff_t{0};
  for (const auto& [size, trunks] : run_counts) {
    most_trunks = std::max(
        most_trunks, std::ranges::count_if(trunks, [](const auto& t) { return t.second > 1; }));
  }
  return most_trunks == 1;
}

std::vector<double> RowMajor(const Eigen::MatrixXd& matrix) {
  std::vector<double> entries;
  entries.reserve(static_cast<std::size_t>(matrix.size()));
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    for (Eigen::Index j = 0; j < matrix.cols(); ++j) entries.push_back(matrix(i, j));
  }
  return entries;
}

}  // namespace bitbudget::fitter
