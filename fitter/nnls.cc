#include "fitter/nnls.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

namespace bitbudget::fitter {
namespace {

// Which unknowns are free of their bound.
using Passive = Eigen::Array<bool, Eigen::Dynamic, 1>;

// Unconstrained solution in the passive columns, 0 in the others.
Eigen::VectorXd SolvePassive(const Eigen::MatrixXd& gram,
                             const Eigen::VectorXd& moment,
                             const Passive& passive) {
  Eigen::MatrixXd system = gram;
  Eigen::VectorXd right = moment;
  for (Eigen::Index j = 0; j < moment.size(); ++j) {
    if (passive[j]) continue;
    system.row(j).setZero();
    system.col(j).setZero();
    system(j, j) = 1;
    right[j] = 0;
  }
  return system.ldlt().solve(right);
}

bool IsInside(const Eigen::VectorXd& x, const Passive& passive) {
  return (x.array() > 0 || !passive).all();
}

// Moves from `x` towards `target` until the first passive unknown reaches 0, and
// makes every unknown that has done so active again.
Eigen::VectorXd StepToBoundary(const Eigen::VectorXd& x,
                               const Eigen::VectorXd& target,
                               Passive* passive) {
  double step = 1;
  for (Eigen::Index j = 0; j < x.size(); ++j) {
    if ((*passive)[j] && target[j] <= 0) step = std::min(step, x[j] / (x[j] - target[j]));
  }
  Eigen::VectorXd moved = x + step * (target - x);
  for (Eigen::Index j = 0; j < x.size(); ++j) {
    if (target[j] <= 0 && moved[j] <= 1e-14 * x[j]) moved[j] = 0;
    if (moved[j] <= 0) (*passive)[j] = false;
  }
  return moved;
}

}  // namespace

Eigen::VectorXd SolveNonNegative(const Eigen::MatrixXd& gram, const Eigen::VectorXd& moment) {
  // In units in which every column has length 1.
  const Eigen::VectorXd scale =
      gram.diagonal().unaryExpr([](double d) { return d > 0 ? 1 / std::sqrt(d) : 0.0; });
  const Eigen::MatrixXd a = scale.asDiagonal() * gram * scale.asDiagonal();
  const Eigen::VectorXd b = scale.cwiseProduct(moment);
  const double tolerance = 1e-12 * b.cwiseAbs().maxCoeff();

  Eigen::VectorXd x = Eigen::VectorXd::Zero(b.size());
  Passive passive = Passive::Constant(b.size(), false);
  // Each round adds a column; cycling by rounding is cut short.
  for (Eigen::Index round = 0; round < 3 * b.size(); ++round) {
    const Eigen::ArrayXd gradient = passive.select(0.0, (b - a * x).array());
    Eigen::Index steepest = 0;
    if (gradient.maxCoeff(&steepest) <= tolerance) break;
    passive[steepest] = true;
    Eigen::VectorXd target = SolvePassive(a, b, passive);
    // Each step takes a column out, so there are no more steps than columns.
    for (Eigen::Index step = 0; step < b.size() && !IsInside(target, passive); ++step) {
      x = StepToBoundary(x, target, &passive);
      target = SolvePassive(a, b, passive);
    }
    // Columns that overflow have no solution; what was found before stands.
    if (!target.allFinite() || !IsInside(target, passive)) break;
    x = target;
  }
  return scale.cwiseProduct(x);
}

}  // namespace bitbudget::fitter
