#include "fitter/identification.h"

#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <set>

#include "fitter/noise.h"
#include "fitter/objective.h"

namespace bitbudget::fitter {
namespace {

// Logarithms closer than this are one level: budgets are rounded to whole steps.
constexpr double kLevelTolerance = 0.01;

// Between the exponents that Hoffmann et al. (arXiv 2203.15556) and those after
// them find for parameters and tokens.
constexpr double kTypicalExponent = 0.35;
constexpr double kTypicalBitDecay = 1;

// Exact data have no scale; see also the least delta of a search.
constexpr double kLeastScale = 1e-6;

// A term as the design sees it.
struct TermVariation {
  std::set<int> segments;
  std::vector<int> level_counts;  // by factor; 1 for the coefficient

  bool is_constant() const {
    return std::all_of(level_counts.begin(), level_counts.end(), [](int n) { return n <= 1; });
  }
};

int CountLevels(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  int count = 0;
  double level = 0;
  for (const double value : values) {
    if (count == 0 || value > level + kLevelTolerance) {
      level = value;
      ++count;
    }
  }
  return count;
}

std::vector<TermVariation> FindVariation(const Design& design) {
  std::vector<TermVariation> variation;
  for (int k = 0; k < static_cast<int>(design.terms().size()); ++k) {
    std::vector<std::vector<double>> values(design.terms()[k].factors.size());
    TermVariation term;
    for (int s = 0; s < static_cast<int>(design.segments().size()); ++s) {
      for (const Design::SegmentTerm& in_segment : design.segments()[s].terms) {
        if (in_segment.term != k) continue;
        term.segments.insert(s);
        for (std::size_t j = 0; j < values.size(); ++j) {
          const auto column = in_segment.features.col(static_cast<Eigen::Index>(j));
          values[j].insert(values[j].end(), column.begin(), column.end());
        }
      }
    }
    for (std::vector<double>& of_factor : values) {
      term.level_counts.push_back(CountLevels(std::move(of_factor)));
    }
    variation.push_back(std::move(term));
  }
  return variation;
}

void Hold(int parameter, double value, HoldReason reason, DesignFreedom* freedom) {
  freedom->parameters.is_held[parameter] = true;
  freedom->parameters.held_at[parameter] = value;
  freedom->reasons[parameter] = reason;
}

// Exponents whose feature has at most `levels` levels in every term.
std::vector<bool> ExponentsWithLevels(const Design& design,
                                      const std::vector<TermVariation>& variation,
                                      int levels) {
  std::vector<bool> result(design.parameter_count(), true);
  for (std::size_t k = 0; k < variation.size(); ++k) {
    const std::vector<Factor>& factors = design.terms()[k].factors;
    result[factors[0].parameter] = false;
    for (std::size_t j = 1; j < factors.size(); ++j) {
      if (variation[k].level_counts[j] > levels) result[factors[j].parameter] = false;
    }
  }
  return result;
}

void HoldConstantExponents(const Design& design,
                           const std::vector<TermVariation>& variation,
                           DesignFreedom* freedom) {
  const std::vector<bool> constant = ExponentsWithLevels(design, variation, 1);
  for (int j = 0; j < design.parameter_count(); ++j) {
    if (constant[j]) Hold(j, 0, HoldReason::kNoVariation, freedom);
  }
}

// Of terms that are constant over the same runs, the first stands for all.
// Returns the runs that have such a term, as sets of segments.
std::set<std::set<int>> HoldConstantTerms(const Design& design,
                                          const std::vector<TermVariation>& variation,
                                          DesignFreedom* freedom) {
  std::set<std::set<int>> with_constant;
  for (std::size_t k = 0; k < variation.size(); ++k) {
    if (!variation[k].is_constant()) continue;
    const bool is_first =
        !variation[k].segments.empty() && with_constant.insert(variation[k].segments).second;
    if (is_first) continue;
    const int coefficient = design.terms()[k].factors[0].parameter;
    Hold(coefficient, design.lower()[coefficient], HoldReason::kPartOfFloor, freedom);
  }
  return with_constant;
}

// A term that varies along one axis of two levels, beside a constant, is one
// number: its exponent cannot be told from its coefficient.
void HoldExponentsOfTwoLevels(const Design& design,
                              const std::vector<TermVariation>& variation,
                              const std::set<std::set<int>>& with_constant,
                              DesignFreedom* freedom) {
  const std::vector<bool> two_levels = ExponentsWithLevels(design, variation, 2);
  for (std::size_t k = 0; k < variation.size(); ++k) {
    const std::vector<Factor>& factors = design.terms()[k].factors;
    if (factors.size() != 2 || !with_constant.contains(variation[k].segments)) continue;
    const int exponent = factors[1].parameter;
    if (!two_levels[exponent] || freedom->parameters.is_held[exponent]) continue;
    const bool per_bit = factors[1].feature == Feature::kMinusBitsLn2;
    Hold(exponent, per_bit ? kTypicalBitDecay : kTypicalExponent, HoldReason::kTwoLevels, freedom);
  }
}

// Parameters of terms that nowhere rise above the noise.
std::vector<bool> FindVanished(const Design& design,
                               const DesignFreedom& freedom,
                               const Eigen::MatrixXd& shares,
                               double scale) {
  std::vector<bool> vanished(design.parameter_count(), false);
  std::vector<bool> present(design.parameter_count(), false);
  for (std::size_t k = 0; k < design.terms().size(); ++k) {
    const double largest = shares.col(static_cast<Eigen::Index>(k)).maxCoeff();
    const bool is_small = largest <= std::max(kLeastTermInScales * scale, 10 * kVanishedShare);
    for (const Factor& factor : design.terms()[k].factors) {
      (is_small ? vanished : present)[factor.parameter] = true;
    }
  }
  for (int j = 0; j < design.parameter_count(); ++j) {
    if (present[j] || freedom.parameters.is_held[j]) vanished[j] = false;
  }
  return vanished;
}

// Moves every coefficient to the runs where its term matters: columns of exponents
// are taken about the mean of their feature, weighted by the squared share of the
// term. A coefficient in the middle of all runs may be far from any run that shows
// it, and look open though the term is well known.
void CentreOnInformation(const Design& design,
                         const Eigen::MatrixXd& shares,
                         Eigen::MatrixXd* jacobian) {
  for (std::size_t k = 0; k < design.terms().size(); ++k) {
    const std::vector<Factor>& factors = design.terms()[k].factors;
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(factors.size()));
    double total = 0;
    for (const Design::Segment& segment : design.segments()) {
      for (const Design::SegmentTerm& term : segment.terms) {
        if (term.term != static_cast<int>(k)) continue;
        const Eigen::VectorXd share = shares.col(static_cast<Eigen::Index>(k))
                                          .segment(segment.first_point, segment.point_count);
        sum += term.features.transpose() * share.cwiseAbs2();
        total += share.squaredNorm();
      }
    }
    if (total == 0) continue;
    const Eigen::VectorXd coefficient = jacobian->col(factors[0].parameter);
    for (std::size_t j = 1; j < factors.size(); ++j) {
      jacobian->col(factors[j].parameter) -=
          sum[static_cast<Eigen::Index>(j)] / total * coefficient;
    }
  }
}

// Upper triangle of the scaled Jacobian: its singular values and directions at
// the size of the parameters.
Eigen::MatrixXd ReducedJacobian(const Design& design,
                                const Eigen::VectorXd& centred,
                                double scale,
                                Objective* objective) {
  Eigen::MatrixXd jacobian = objective->PointJacobian(centred);
  CentreOnInformation(design, objective->TermShares(centred), &jacobian);
  jacobian = (design.point_weights().sqrt() / scale).matrix().asDiagonal() * jacobian;
  const Eigen::Index size = std::min(jacobian.rows(), jacobian.cols());
  const Eigen::MatrixXd factored = Eigen::HouseholderQR<Eigen::MatrixXd>(jacobian).matrixQR();
  return factored.topRows(size).triangularView<Eigen::Upper>();
}

Eigen::JacobiSVD<Eigen::MatrixXd> Decompose(const Eigen::MatrixXd& reduced,
                                            const std::vector<int>& columns) {
  // Rows of zeros keep one singular value a column.
  const auto count = static_cast<Eigen::Index>(columns.size());
  Eigen::MatrixXd selected = Eigen::MatrixXd::Zero(std::max(reduced.rows(), count), count);
  for (Eigen::Index j = 0; j < count; ++j) {
    selected.col(j).head(reduced.rows()) = reduced.col(columns[j]);
  }
  return Eigen::JacobiSVD<Eigen::MatrixXd>(selected, Eigen::ComputeThinV);
}

// Sets aside the parameter of the largest standard error until the others are
// determined; returns those.
std::vector<int> FindDetermined(const Eigen::MatrixXd& reduced, std::vector<int> columns) {
  while (!columns.empty()) {
    const auto svd = Decompose(reduced, columns);
    const Eigen::VectorXd& values = svd.singularValues();
    if (values[values.size() - 1] * kLargestStandardError >= 1) break;
    const Eigen::VectorXd inverse = values.cwiseMax(1e-12 * (1 + values[0])).cwiseInverse();
    const Eigen::VectorXd errors = (svd.matrixV() * inverse.asDiagonal()).rowwise().norm();
    Eigen::Index worst = 0;
    errors.maxCoeff(&worst);
    columns.erase(columns.begin() + worst);
  }
  return columns;
}

}  // namespace

int DesignFreedom::free_count() const {
  return static_cast<int>(std::count(reasons.begin(), reasons.end(), HoldReason::kFree));
}

DesignFreedom FindFreedom(const Design& design) {
  DesignFreedom freedom;
  freedom.parameters.is_held.assign(design.parameter_count(), false);
  freedom.parameters.held_at.setZero(design.parameter_count());
  freedom.reasons.assign(design.parameter_count(), HoldReason::kFree);
  const std::vector<TermVariation> variation = FindVariation(design);
  HoldConstantExponents(design, variation, &freedom);
  const auto with_constant = HoldConstantTerms(design, variation, &freedom);
  HoldExponentsOfTwoLevels(design, variation, with_constant, &freedom);
  return freedom;
}

Identification Identify(const Design& design,
                        const DesignFreedom& freedom,
                        const Eigen::VectorXd& centred) {
  Objective objective(design, kLeastSquares);
  const Eigen::ArrayXd residuals = objective.Residuals(centred);
  const double scale = std::max(
      kLeastScale, RobustScale({residuals.data(), static_cast<std::size_t>(residuals.size())}));

  const int count = design.parameter_count();
  Identification result{
      .at_lower = std::vector<bool>(count, false),
      .at_upper = std::vector<bool>(count, false),
      .vanished = FindVanished(design, freedom, objective.TermShares(centred), scale),
      .determined = std::vector<bool>(count, false)};
  std::vector<int> inside;
  bool is_bounded = true;
  for (int j = 0; j < count; ++j) {
    if (freedom.parameters.is_held[j]) continue;
    is_bounded = is_bounded && !result.vanished[j];
    if (result.vanished[j]) continue;
    result.at_lower[j] = centred[j] <= design.lower()[j];
    result.at_upper[j] = centred[j] >= design.upper()[j];
    is_bounded = is_bounded && !result.at_upper[j];
    if (!result.at_lower[j] && !result.at_upper[j]) inside.push_back(j);
  }
  const Eigen::MatrixXd reduced = ReducedJacobian(design, centred, scale, &objective);
  if (!inside.empty()) {
    const auto svd = Decompose(reduced, inside);
    const Eigen::VectorXd& values = svd.singularValues();
    result.singular_values.assign(values.begin(), values.end());
    result.directions.setZero(count, values.size());
    for (std::size_t row = 0; row < inside.size(); ++row) {
      result.directions.row(inside[row]) = svd.matrixV().row(static_cast<Eigen::Index>(row));
    }
  }
  const std::vector<int> determined = FindDetermined(reduced, inside);
  for (const int j : determined) result.determined[j] = true;
  result.is_complete = is_bounded && determined.size() == inside.size();
  return result;
}

}  // namespace bitbudget::fitter
