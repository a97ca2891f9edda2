#include "fitter/objective.h"

#include <cmath>

namespace bitbudget::fitter {
namespace {

double Huber(double residual, double delta) {
  const double size = std::abs(residual);
  return size <= delta ? residual * residual / 2 : delta * (size - delta / 2);
}

}  // namespace

Objective::Objective(const Design& design, double huber_delta)
    : design_(design), huber_delta_(huber_delta) {
  const auto terms = static_cast<Eigen::Index>(design.terms().size());
  term_losses_.setZero(design.point_count(), terms);
  jacobian_.setZero(design.point_count(), design.parameter_count());
}

void Objective::MoveTo(const Eigen::VectorXd& centred) {
  if (centred_.size() > 0 && centred_ == centred) return;
  centred_ = centred;
  for (const Design::Segment& segment : design_.segments()) {
    for (const Design::SegmentTerm& term : segment.terms) {
      const std::vector<Factor>& factors = design_.terms()[term.term].factors;
      auto losses =
          term_losses_.col(term.term).segment(segment.first_point, segment.point_count).array();
      losses = centred[factors[0].parameter];
      for (Eigen::Index j = 1; j < term.features.cols(); ++j) {
        losses += centred[factors[j].parameter] * term.features.col(j).array();
      }
      losses = losses.exp();
    }
  }
  losses_ = term_losses_.rowwise().sum();
  log_losses_ = losses_.array().log();
}

double Objective::Value(const Eigen::VectorXd& centred) {
  MoveTo(centred);
  double value = 0;
  for (int i = 0; i < design_.point_count(); ++i) {
    for (int m = design_.first_measurement()[i]; m < design_.first_measurement()[i + 1]; ++m) {
      value += design_.weights()[m] * Huber(log_losses_[i] - design_.log_losses()[m], huber_delta_);
    }
  }
  return value;
}

Derivatives Objective::Differentiate(const Eigen::VectorXd& centred, Curvature curvature) {
  const bool exact = curvature == Curvature::kExact;
  Derivatives result{.objective = Value(centred)};
  PointJacobian(centred);
  SumPoints(curvature);
  result.gradient = jacobian_.transpose() * slope_;
  if (exact) curvature_ -= slope_;
  weighted_jacobian_ = curvature_.asDiagonal() * jacobian_;
  result.hessian.noalias() = jacobian_.transpose() * weighted_jacobian_;
  if (exact) AddTermCurvature(&result.hessian);
  return result;
}

void Objective::SumPoints(Curvature curvature) {
  slope_.setZero(design_.point_count());
  curvature_.setZero(design_.point_count());
  for (int i = 0; i < design_.point_count(); ++i) {
    for (int m = design_.first_measurement()[i]; m < design_.first_measurement()[i + 1]; ++m) {
      const double residual = log_losses_[i] - design_.log_losses()[m];
      const double size = std::abs(residual);
      const double weight = design_.weights()[m];
      if (size <= huber_delta_) {
        slope_[i] += weight * residual;
        curvature_[i] += weight;
      } else {
        slope_[i] += weight * std::copysign(huber_delta_, residual);
        if (curvature == Curvature::kGaussNewton) curvature_[i] += weight * huber_delta_ / size;
      }
    }
  }
}

// sum_i slope_i sum_k p_ik x_ik x_ik^T, a block a term.
void Objective::AddTermCurvature(Eigen::MatrixXd* hessian) const {
  for (const Design::Segment& segment : design_.segments()) {
    const auto rows = [&](const auto& column) {
      return column.segment(segment.first_point, segment.point_count).array();
    };
    for (const Design::SegmentTerm& term : segment.terms) {
      const std::vector<Factor>& factors = design_.terms()[term.term].factors;
      const Eigen::ArrayXd weight =
          rows(term_losses_.col(term.term)) * rows(slope_) / rows(losses_);
      for (Eigen::Index a = 0; a < term.features.cols(); ++a) {
        const Eigen::VectorXd weighted = weight * term.features.col(a).array();
        for (Eigen::Index b = 0; b < term.features.cols(); ++b) {
          (*hessian)(factors[a].parameter, factors[b].parameter) +=
              weighted.dot(term.features.col(b));
        }
      }
    }
  }
}

const Eigen::MatrixXd& Objective::PointJacobian(const Eigen::VectorXd& centred) {
  MoveTo(centred);
  jacobian_.setZero();
  for (const Design::Segment& segment : design_.segments()) {
    const auto rows = [&](auto&& column) {
      return column.segment(segment.first_point, segment.point_count).array();
    };
    for (const Design::SegmentTerm& term : segment.terms) {
      const std::vector<Factor>& factors = design_.terms()[term.term].factors;
      const Eigen::ArrayXd share = rows(term_losses_.col(term.term)) / rows(losses_);
      for (Eigen::Index j = 0; j < term.features.cols(); ++j) {
        rows(jacobian_.col(factors[j].parameter)) += share * term.features.col(j).array();
      }
    }
  }
  return jacobian_;
}

Eigen::ArrayXd Objective::Residuals(const Eigen::VectorXd& centred) {
  MoveTo(centred);
  Eigen::ArrayXd residuals = -design_.log_losses();
  for (int i = 0; i < design_.point_count(); ++i) {
    for (int m = design_.first_measurement()[i]; m < design_.first_measurement()[i + 1]; ++m) {
      residuals[m] += log_losses_[i];
    }
  }
  return residuals;
}

Eigen::MatrixXd Objective::TermShares(const Eigen::VectorXd& centred) {
  MoveTo(centred);
  return losses_.cwiseInverse().asDiagonal() * term_losses_;
}

Eigen::MatrixXd Objective::RelativeTerms(const Eigen::VectorXd& centred) {
  MoveTo(centred);
  return (-design_.point_log_losses()).exp().matrix().asDiagonal() * term_losses_;
}

}  // namespace bitbudget::fitter
