#include "fitter/derived.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cctype>
#include <cmath>

#include "fitter/laws/effective_parameters.h"
#include "fitter/laws/optimizer_rescaled.h"

namespace bitbudget::fitter {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// A factor on the parameters or tokens: ln m = (ln c_reference - ln c) / exponent.
struct Multiplier {
  std::string name;
  double level = 0;  // bits; means nothing for optimizers
  double log_value = 0;
  VectorXd gradient;  // of log_value by theta
  bool is_identified = false;
};

Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>
CovarianceOf(const FittedLaw& law) {
  const Index size = law.law.parameter_count();
  return {law.covariance.data(), size, size};
}

Multiplier MakeMultiplier(
    const FittedLaw& law, std::string name, int reference, int coefficient, int exponent) {
  Multiplier multiplier{.name = std::move(name),
                        .gradient = VectorXd::Zero(law.law.parameter_count())};
  const double power = law.theta[exponent];
  multiplier.log_value = (law.theta[reference] - law.theta[coefficient]) / power;
  multiplier.gradient[reference] = 1 / power;
  multiplier.gradient[coefficient] = -1 / power;
  multiplier.gradient[exponent] = -multiplier.log_value / power;
  multiplier.is_identified =
      law.identified[reference] && law.identified[coefficient] && law.identified[exponent];
  return multiplier;
}

DerivedCoefficient ToCoefficient(const FittedLaw& law, const Multiplier& multiplier) {
  DerivedCoefficient result{.name = multiplier.name, .value = std::exp(multiplier.log_value)};
  const double variance = multiplier.gradient.dot(CovarianceOf(law) * multiplier.gradient);
  if (multiplier.is_identified && variance > 0) {
    result.standard_error = result.value * std::sqrt(variance);
  }
  return result;
}

// n and gamma of ln(1 - eff_B) = n - B / gamma, by generalised least squares.
std::vector<DerivedCoefficient> PrecisionLaw(const FittedLaw& law,
                                             const std::vector<Multiplier>& multipliers) {
  std::vector<const Multiplier*> used;
  const MatrixXd covariance = CovarianceOf(law);
  for (const Multiplier& m : multipliers) {
    const double variance = m.gradient.dot(covariance * m.gradient);
    const double effective = std::exp(m.log_value);
    const bool is_known = m.is_identified && variance > 0;
    if (is_known && 1 - effective > effective * std::sqrt(variance)) used.push_back(&m);
  }
  const auto count = static_cast<Index>(used.size());
  if (count < 2) return {};
  MatrixXd design(count, 2);  // columns: n, 1 / gamma
  VectorXd response(count);
  MatrixXd gradients(count, law.law.parameter_count());
  for (Index i = 0; i < count; ++i) {
    const double effective = std::exp(used[i]->log_value);
    design.row(i) << 1, -used[i]->level;
    response[i] = std::log1p(-effective);
    gradients.row(i) = -effective / (1 - effective) * used[i]->gradient.transpose();
  }
  const Eigen::LDLT<MatrixXd> noise(gradients * covariance * gradients.transpose());
  const MatrixXd information = design.transpose() * noise.solve(design);
  const Eigen::LDLT<MatrixXd> normal(information);
  const VectorXd solution = normal.solve(design.transpose() * noise.solve(response));
  const MatrixXd of_solution = normal.solve(MatrixXd::Identity(2, 2));
  const double inverse_gamma = solution[1];
  if (!(inverse_gamma > 0)) return {};
  return {{.name = "n", .value = solution[0], .standard_error = std::sqrt(of_solution(0, 0))},
          {.name = "gamma",
           .value = 1 / inverse_gamma,
           .standard_error = std::sqrt(of_solution(1, 1)) / (inverse_gamma * inverse_gamma)}};
}

std::vector<DerivedCoefficient> EffectiveParameters(const FittedLaw& law) {
  const int exponent = *law.law.FindParameter("alpha");
  std::vector<std::pair<double, int>> coefficients;  // by width
  for (const Term& term : law.law.terms) {
    if (!term.only_weight_bits) continue;
    coefficients.emplace_back(*term.only_weight_bits, term.factors[0].parameter);
  }
  if (coefficients.size() < 2 || !(law.theta[exponent] > 0)) return {};
  std::sort(coefficients.begin(), coefficients.end());
  const int reference = coefficients.back().second;
  coefficients.pop_back();
  std::vector<Multiplier> multipliers;
  for (const auto& [bits, coefficient] : coefficients) {
    multipliers.push_back(
        MakeMultiplier(law, fmt::format("eff_{}", bits), reference, coefficient, exponent));
    multipliers.back().level = bits;
  }
  std::vector<DerivedCoefficient> result;
  result.reserve(multipliers.size());
  for (const Multiplier& m : multipliers) result.push_back(ToCoefficient(law, m));
  for (DerivedCoefficient& c : PrecisionLaw(law, multipliers)) result.push_back(std::move(c));
  return result;
}

// Index of AdamW among the names, else 0.
int ReferenceOptimizer(const std::vector<std::string>& optimizers) {
  const auto is_adamw = [](std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
      return static_cast<char>(std::tolower(c));
    });
    return name == "adamw";
  };
  const auto found = std::find_if(optimizers.begin(), optimizers.end(), is_adamw);
  return found == optimizers.end() ? 0 : static_cast<int>(found - optimizers.begin());
}

std::vector<DerivedCoefficient> OptimizerMultipliers(const FittedLaw& law) {
  const std::vector<std::string>& optimizers = law.law.optimizers;
  const int reference = ReferenceOptimizer(optimizers);
  std::vector<DerivedCoefficient> result;
  for (const char axis : {'N', 'D'}) {
    const char* const letter = axis == 'N' ? "A" : "B";
    const auto exponent = law.law.FindParameter(axis == 'N' ? "alpha" : "beta");
    if (!exponent || !(law.theta[*exponent] > 0)) continue;
    const auto coefficient = [&](int i) {
      return law.law.FindParameter(fmt::format("{}_{}", letter, optimizers[i]));
    };
    for (int i = 0; i < static_cast<int>(optimizers.size()); ++i) {
      if (i == reference || !coefficient(i)) continue;
      const std::string name = fmt::format("rho_{}_{}", axis, optimizers[i]);
      const Multiplier multiplier =
          MakeMultiplier(law, name, *coefficient(reference), *coefficient(i), *exponent);
      result.push_back(ToCoefficient(law, multiplier));
    }
  }
  return result;
}

}  // namespace

std::vector<DerivedCoefficient> DerivedCoefficients(const FittedLaw& law) {
  if (law.law.family == kEffectiveParameters) return EffectiveParameters(law);
  if (law.law.family == kOptimizerRescaled) return OptimizerMultipliers(law);
  return {};
}

}  // namespace bitbudget::fitter
