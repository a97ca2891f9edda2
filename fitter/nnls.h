// Non-negative least squares for a handful of unknowns.

#ifndef BITBUDGET_FITTER_NNLS_H_
#define BITBUDGET_FITTER_NNLS_H_

#include <Eigen/Core>

namespace bitbudget::fitter {

// x >= 0 that minimises |A x - b|^2, given A^T A and A^T b: the active-set method
// of Lawson and Hanson. Columns of A may be linearly dependent or zero; a column
// that explains nothing gets 0.
Eigen::VectorXd SolveNonNegative(const Eigen::MatrixXd& gram, const Eigen::VectorXd& moment);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_NNLS_H_
