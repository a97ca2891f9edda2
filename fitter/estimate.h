// From the optimum of a search to an estimate: covariance, noise and misfit. Pure
// functions, thread-safe.

#ifndef BITBUDGET_FITTER_ESTIMATE_H_
#define BITBUDGET_FITTER_ESTIMATE_H_

#include <Eigen/Core>
#include <optional>
#include <vector>

#include "fitter/fit.h"
#include "fitter/ladder.h"
#include "fitter/noise.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// A rung with all that its residuals say.
struct Estimate {
  Rung rung;
  LinearizedFit linearized;
  NoiseEstimate noise;
  FittedLaw law;
  SearchReport search;
  std::optional<LackOfFit> lack_of_fit;
};

// `rung` was fitted to the rows of `data` with the indices `rows`.
Estimate MakeEstimate(const Dataset& data,
                      const std::vector<int>& rows,
                      Rung rung,
                      const FitOptions& options);

// True if trunks have branches, and no size has two such trunks: then nothing tells
// what the runs of a trunk share from the effect of their size.
bool IsTrunkConfoundedWithSize(const Dataset& data, const std::vector<int>& rows);

// Entries row by row.
std::vector<double> RowMajor(const Eigen::MatrixXd& matrix);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_ESTIMATE_H_
