// How much measured runs scatter about a law.
//
// The model of a residual is r = offset of the run's trunk + noise of the run,
// both centred: runs that branch from one full-precision trunk share its error.
// Pure functions, thread-safe.

#ifndef BITBUDGET_FITTER_NOISE_H_
#define BITBUDGET_FITTER_NOISE_H_

#include <Eigen/Core>
#include <span>
#include <vector>

namespace bitbudget::fitter {

// A fit seen from its optimum: what its statistics are computed from.
struct LinearizedFit {
  // d ln L / d theta, one row a fitted row, one column a parameter of the law.
  Eigen::MatrixXd jacobian;
  Eigen::VectorXd residuals;  // ln L(run) - ln(loss)
  // Weight of each row in the objective, > 0; empty means 1 for all.
  Eigen::VectorXd weights;
  std::vector<int> rows;      // index of each fitted row in the data set, distinct
  std::vector<int> trunks;    // of each fitted row; -1 is a trunk of its own
  std::vector<bool> is_free;  // by parameter: identified and inside its bounds
  double huber_delta = 0;     // > 0

  int row_count() const { return static_cast<int>(residuals.size()); }
  int free_parameter_count() const;
  // Columns of the free parameters.
  Eigen::MatrixXd FreeJacobian() const;
};

// The rows of a fit grouped by trunk; a row with a trunk of its own is a group.
struct TrunkGroups {
  std::vector<int> of_row;  // index of the group
  std::vector<int> sizes;   // rows of each group

  int group_count() const { return static_cast<int>(sizes.size()); }
  // Sums of the rows of `values` over each group.
  Eigen::MatrixXd Sum(const Eigen::MatrixXd& values) const;
};

TrunkGroups GroupByTrunk(const LinearizedFit& fit);

// All in log loss.
struct NoiseEstimate {
  double run_stddev = 0;    // of a run about its trunk; contains the law's misfit
  double trunk_stddev = 0;  // of the offset shared by the runs of a trunk
  double residual_rms = 0;
  double robust_scale = 0;  // see RobustScale
  int trunk_count = 0;      // trunks with at least two rows
  // Degrees of freedom behind trunk_stddev: the trunks counted above, less what
  // the parameters take of their means.
  double trunk_degrees_of_freedom = 0;
};

// Standard deviation of centred normal values over their median absolute value.
inline constexpr double kScaleOfMedian = 1.4826;

// Robust scales beyond which a residual is cut: of normal ones .3 %, with a loss of
// .7 % of their variance. One mistyped loss would otherwise pass for noise.
inline constexpr double kCutScales = 3;

// kScaleOfMedian times the median absolute value: the standard deviation, if centred
// normal, whatever a minority of outliers does. 0 for no values.
double RobustScale(std::span<const double> residuals);

// Splits the scatter of residuals into trunk and run by moments: the total and
// the between-trunk sum of squares are set equal to their expectations, in which
// the parameters that were fitted are accounted for exactly (least squares
// leverage). Residuals beyond 3 robust scales count as 3. A component that comes
// out negative is 0. All scatter is the run's where trunks have less than one degree
// of freedom.
//
// REQUIRES: free columns of the Jacobian are linearly independent. With no more
// rows than free parameters the scatter is 0.
NoiseEstimate EstimateNoise(const LinearizedFit& fit);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_NOISE_H_
