#include "fitter/minimize.h"

#include <ceres/ceres.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "fitter/objective.h"

namespace bitbudget::fitter {
namespace {

// Of the predicted fall of the objective at an optimum.
constexpr double kRelativeDecrement = 1e-9;
constexpr double kAbsoluteDecrement = 1e-20;

// Solves from where the last one stopped: a trust region that has shrunk too far
// opens again.
constexpr int kRounds = 4;
constexpr int kIterationsPerRound = 60;

// A convex quadratic model of the objective: gradient g and Hessian L L^T.
struct QuadraticModel {
  double objective = 0;
  Eigen::MatrixXd cholesky;         // L, with zero rows for parameters that rest
  Eigen::VectorXd scaled_gradient;  // L^-1 g

  // By how much the objective falls to the model's minimum.
  double decrement() const { return scaled_gradient.squaredNorm() / 2; }
};

// Parameters that a step must leave alone: held ones, and those at a bound with
// the objective falling outward. Without this a step that is clipped at the bound
// afterwards is no descent step of the others.
std::vector<bool> RestingParameters(const Design& design,
                                    const std::vector<bool>& is_held,
                                    const Eigen::VectorXd& centred,
                                    const Eigen::VectorXd& gradient) {
  std::vector<bool> rests = is_held;
  for (Eigen::Index j = 0; j < centred.size(); ++j) {
    if ((centred[j] <= design.lower()[j] && gradient[j] >= 0) ||
        (centred[j] >= design.upper()[j] && gradient[j] <= 0)) {
      rests[j] = true;
    }
  }
  return rests;
}

// Factors the Hessian after scaling its diagonal to 1 + `ridge`; nullopt if it is
// not safely positive definite.
std::optional<QuadraticModel> Factor(Derivatives derivatives,
                                     const std::vector<bool>& rests,
                                     double ridge) {
  constexpr double kLeastPivot = 1e-6;
  const Eigen::Index size = derivatives.gradient.size();
  Eigen::VectorXd scale = derivatives.hessian.diagonal();
  if (scale.minCoeff() < 0) return std::nullopt;
  scale = scale.cwiseMax(1e-30 * (1 + scale.maxCoeff())).cwiseSqrt();
  for (Eigen::Index j = 0; j < size; ++j) {
    if (!rests[j]) continue;
    derivatives.hessian.row(j).setZero();
    derivatives.hessian.col(j).setZero();
    derivatives.gradient[j] = 0;
    derivatives.hessian(j, j) = scale[j] * scale[j];
  }
  const Eigen::VectorXd inverse = scale.cwiseInverse();
  Eigen::MatrixXd scaled = inverse.asDiagonal() * derivatives.hessian * inverse.asDiagonal();
  scaled.diagonal().array() += ridge;
  const Eigen::LLT<Eigen::MatrixXd> llt(scaled);
  if (llt.info() != Eigen::Success) return std::nullopt;
  QuadraticModel model{.objective = derivatives.objective, .cholesky = llt.matrixL()};
  if (ridge == 0 && model.cholesky.diagonal().minCoeff() < kLeastPivot) return std::nullopt;
  model.scaled_gradient = llt.matrixL().solve(derivatives.gradient.cwiseProduct(inverse));
  model.cholesky = scale.asDiagonal() * model.cholesky;
  for (Eigen::Index j = 0; j < size; ++j) {
    if (rests[j]) model.cholesky.row(j).setZero();
  }
  return model;
}

// Exact where that is convex, which is near every optimum that the data fix; else
// Gauss-Newton.
QuadraticModel Model(const Design& design,
                     const std::vector<bool>& is_held,
                     const Eigen::VectorXd& centred,
                     double largest_decrement,
                     Objective* objective) {
  constexpr double kRidge = 1e-11;
  Derivatives exact = objective->Differentiate(centred, Curvature::kExact);
  const std::vector<bool> rests = RestingParameters(design, is_held, centred, exact.gradient);
  if (std::optional<QuadraticModel> model = Factor(std::move(exact), rests, 0)) {
    if (model->decrement() < largest_decrement) return *std::move(model);
  }
  return *Factor(objective->Differentiate(centred, Curvature::kGaussNewton), rests, kRidge);
}

// The whole objective as one block of parameter_count + 1 residuals e with
// |e|^2 / 2 = objective + a constant, J^T e = gradient and J^T J = Hessian: all
// that a least-squares solver sees of a problem, at a cost that does not grow with
// the rows. The last residual carries what the others leave of the objective.
class CompressedCost : public ceres::CostFunction {
 public:
  CompressedCost(const Design& design, const std::vector<bool>& is_held, Objective* objective)
      : design_(design), is_held_(is_held), objective_(objective) {
    set_num_residuals(design.parameter_count() + 1);
    mutable_parameter_block_sizes()->push_back(design.parameter_count());
  }

  // The constant keeps the last residual real: 2 (objective + constant) exceeds
  // |L^-1 g|^2 at every point not above `start_objective`.
  void set_start_objective(double start_objective) { constant_ = 4 * start_objective; }

  bool Evaluate(double const* const* parameters,
                double* residuals,
                double** jacobians) const override {
    const int size = design_.parameter_count();
    const Eigen::VectorXd centred = Eigen::Map<const Eigen::VectorXd>(parameters[0], size);
    Eigen::Map<Eigen::VectorXd> e(residuals, size + 1);
    e.setZero();
    if (jacobians == nullptr || jacobians[0] == nullptr) {
      e[size] = std::sqrt(2 * (objective_->Value(centred) + constant_));
      return std::isfinite(e[size]);
    }
    const QuadraticModel model = Model(design_, is_held_, centred, constant_, objective_);
    e.head(size) = model.scaled_gradient;
    e[size] = std::sqrt(std::max(0.0, 2 * (model.objective + constant_ - model.decrement())));
    using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<RowMajor> jacobian(jacobians[0], size + 1, size);
    jacobian.topRows(size) = model.cholesky.transpose();
    jacobian.bottomRows(1).setZero();
    return true;
  }

 private:
  const Design& design_;
  const std::vector<bool>& is_held_;
  Objective* objective_;
  double constant_ = 0;
};

// Stops a solve when asked to.
class CancelCallback : public ceres::IterationCallback {
 public:
  explicit CancelCallback(const std::function<bool()>& cancelled) : cancelled_(cancelled) {}
  ceres::CallbackReturnType operator()(const ceres::IterationSummary&) override {
    if (cancelled_ && cancelled_()) return ceres::SOLVER_TERMINATE_SUCCESSFULLY;
    return ceres::SOLVER_CONTINUE;
  }

 private:
  const std::function<bool()>& cancelled_;
};

// Ceres' default tolerances stop long before these tiny objectives are right;
// ours only end what rounding ends anyway. Convergence is judged afterwards.
ceres::Solver::Options SolverOptions(CancelCallback* callback) {
  ceres::Solver::Options options;
  options.linear_solver_type = ceres::DENSE_QR;
  options.initial_trust_region_radius = 1e6;
  options.max_num_iterations = kIterationsPerRound;
  options.function_tolerance = 1e-13;
  options.gradient_tolerance = 1e-16;
  options.parameter_tolerance = 1e-12;
  options.num_threads = 1;
  options.logging_type = ceres::SILENT;
  options.callbacks.push_back(callback);
  return options;
}

}  // namespace

Minimum Minimize(const Design& design,
                 const std::vector<bool>& is_held,
                 const Eigen::VectorXd& start,
                 double huber_delta,
                 const std::function<bool()>& cancelled) {
  Minimum minimum{.centred = start.cwiseMax(design.lower()).cwiseMin(design.upper())};
  Objective objective(design, huber_delta);
  CompressedCost cost(design, is_held, &objective);
  ceres::Problem::Options ownership;
  ownership.cost_function_ownership = ceres::DO_NOT_TAKE_OWNERSHIP;
  ceres::Problem problem(ownership);
  double* x = minimum.centred.data();
  problem.AddResidualBlock(&cost, nullptr, x);
  for (int j = 0; j < design.parameter_count(); ++j) {
    problem.SetParameterLowerBound(x, j, design.lower()[j]);
    problem.SetParameterUpperBound(x, j, design.upper()[j]);
  }
  CancelCallback callback(cancelled);
  const ceres::Solver::Options options = SolverOptions(&callback);
  for (int round = 0; round < kRounds && !minimum.converged; ++round) {
    cost.set_start_objective(objective.Value(minimum.centred));
    ceres::Solver::Summary summary;
    ceres::Solve(options, &problem, &summary);
    if (cancelled && cancelled()) break;
    const QuadraticModel model = Model(
        design, is_held, minimum.centred, std::numeric_limits<double>::infinity(), &objective);
    minimum.converged =
        model.decrement() <= kRelativeDecrement * model.objective + kAbsoluteDecrement;
  }
  minimum.objective = objective.Value(minimum.centred);
  return minimum;
}

}  // namespace bitbudget::fitter
