// The objective of a fit,
//
//   F(theta) = sum_i w_i Huber_delta(r_i),   r_i = ln L(run_i; theta) - ln loss_i,
//   Huber_delta(r) = r^2 / 2 if |r| <= delta, delta (|r| - delta / 2) beyond,
//
// with its exact derivatives by the centred parameters of a Design. With p_k the
// share of term k in the loss and x_k its features,
//
//   d ln L = sum_k p_k x_k =: g,   d^2 ln L = sum_k p_k x_k x_k^T - g g^T,
//
// so that the exact Hessian costs little more than the gradient.

#ifndef BITBUDGET_FITTER_OBJECTIVE_H_
#define BITBUDGET_FITTER_OBJECTIVE_H_

#include <Eigen/Core>
#include <limits>
#include <vector>

#include "fitter/design.h"

namespace bitbudget::fitter {

// As huber_delta: least squares.
inline constexpr double kLeastSquares = std::numeric_limits<double>::infinity();

enum class Curvature {
  kExact,        // second derivatives; indefinite far from an optimum
  kGaussNewton,  // semidefinite: weights of iteratively reweighted least squares
};

struct Derivatives {
  double objective = 0;
  Eigen::VectorXd gradient;
  Eigen::MatrixXd hessian;
};

// The objective at a point that moves. Keeps the last point's losses, which value
// and derivatives share. Not thread-safe; borrows the design.
class Objective {
 public:
  Objective(const Design& design, double huber_delta);

  double Value(const Eigen::VectorXd& centred);
  Derivatives Differentiate(const Eigen::VectorXd& centred, Curvature curvature);

  // Residuals in the order of the design's measurements.
  Eigen::ArrayXd Residuals(const Eigen::VectorXd& centred);

  // Share of each term (columns) in the loss of each point (rows).
  Eigen::MatrixXd TermShares(const Eigen::VectorXd& centred);

  // Loss of each term (columns) as a share of the measured loss of each point,
  // the geometric mean of its measurements (rows).
  Eigen::MatrixXd RelativeTerms(const Eigen::VectorXd& centred);

  // d ln L of each point (rows) by each centred parameter (columns).
  const Eigen::MatrixXd& PointJacobian(const Eigen::VectorXd& centred);

 private:
  void MoveTo(const Eigen::VectorXd& centred);
  void SumPoints(Curvature curvature);
  void AddTermCurvature(Eigen::MatrixXd* hessian) const;

  const Design& design_;
  double huber_delta_;
  Eigen::VectorXd centred_;      // where the following belong; empty at first
  Eigen::MatrixXd term_losses_;  // a row a point, a column a term; 0 where absent
  Eigen::VectorXd losses_;
  Eigen::VectorXd log_losses_;
  // First and second derivatives of the Huber functions of a point's measurements
  // by its log loss, summed over them.
  Eigen::VectorXd slope_;
  Eigen::VectorXd curvature_;
  Eigen::MatrixXd jacobian_;
  Eigen::MatrixXd weighted_jacobian_;
};

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_OBJECTIVE_H_
