// How the parameters of a fit move if some of its rows are left out.

#ifndef BITBUDGET_FITTER_INFLUENCE_H_
#define BITBUDGET_FITTER_INFLUENCE_H_

#include <Eigen/Core>
#include <span>
#include <vector>

#include "fitter/fit.h"
#include "fitter/fitted_rows.h"

namespace bitbudget::fitter {

// The objective about its optimum, row by row. Borrows the law.
class LocalObjective {
 public:
  // Parameters in `is_free` move, others stay.
  LocalObjective(const FittedLaw& law,
                 const FittedRows& rows,
                 std::vector<bool> is_free,
                 double huber_delta);

  // The parameters after one Newton step of the objective without the rows at these
  // positions of FittedRows, kept inside their bounds. With psi the derivative of the
  // Huber function and J_i the gradient of row i,
  //
  //   theta + (sum' w_i psi(r_i) / r_i J_i J_i^T)^-1 sum w_i psi(r_i) J_i
  //
  // where sum' is over the rows left, sum over those left out.
  std::vector<double> ThetaWithout(std::span<const int> positions) const;

  // Share of the loss of the row at `position` in what the law says there, 0 to 1. They
  // add up to the free parameters.
  double Leverage(int position) const;

  const Eigen::VectorXd& residuals() const { return residuals_; }

 private:
  Eigen::MatrixXd RowHessian(int position) const;
  double HuberWeight(int position) const;
  Eigen::VectorXd Solve(const Eigen::MatrixXd& hessian, const Eigen::VectorXd& gradient) const;

  const FittedLaw* law_;
  std::vector<int> free_;
  double huber_delta_;
  Eigen::MatrixXd jacobian_;  // of free parameters, scaled
  Eigen::VectorXd scale_;     // theta = scale * scaled
  Eigen::VectorXd residuals_;
  Eigen::VectorXd weights_;
  Eigen::MatrixXd hessian_;
};

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_INFLUENCE_H_
