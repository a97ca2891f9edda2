// Standard errors of estimated parameters.
//
// An estimate by the Huber objective moves with the noise of its rows as
//
//   theta^ - theta = A^-1 sum_i w_i psi(r_i) J_i,   A = sum_i E[psi'_i] w_i J_i J_i^T
//
// so its covariance is the sandwich A^-1 Cov(sum_i w_i psi(r_i) J_i) A^-1, with
// E[psi'] by row. The meat is that of a random trunk effect plus the noise of each run
// as it turned out, not the outer products of the clusters: below some 40 trunks those
// are rank-deficient. As huber_delta goes to 0 it becomes the covariance of least
// absolute errors.
//
// Sources: Huber 1973 (small-sample factor), MacKinnon and White 1985 (noise by row),
// Powell 1991 (E[psi'] by row), docs/design.md. Pure functions, thread-safe.

#ifndef BITBUDGET_FITTER_COVARIANCE_H_
#define BITBUDGET_FITTER_COVARIANCE_H_

#include <Eigen/Core>

#include "fitter/noise.h"

namespace bitbudget::fitter {

struct ParameterCovariance {
  // Square of the number of parameters; rows and columns of parameters that are
  // not free are 0.
  Eigen::MatrixXd covariance;
  // For t intervals of any combination of the parameters: Satterthwaite's, for
  // the parameter that hangs most on the offsets of few trunks; at least 1.
  double degrees_of_freedom = 1;
};

// Covariance of the parameters of one fit.
//
// REQUIRES: free columns of the Jacobian are linearly independent.
ParameterCovariance EstimateCovariance(const LinearizedFit& fit, const NoiseEstimate& noise);

// Covariance between the parameters of two fits (rows: of `a`, columns: of `b`)
// that share rows, told by LinearizedFit::rows, or trunks. Together with the two
// covariances it forms a positive semidefinite matrix.
Eigen::MatrixXd EstimateCrossCovariance(const LinearizedFit& a,
                                        const NoiseEstimate& noise_of_a,
                                        const LinearizedFit& b,
                                        const NoiseEstimate& noise_of_b);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_COVARIANCE_H_
