#include "tests/unit/planner/test_laws.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "fitter/support.h"
#include "tests/support/simulated_study.h"

namespace bitbudget::planner {
namespace {

using fitter::FittedLaw;
using test_support::QatLawCoefficients;

fitter::DataSupport StudySupport() {
  fitter::Dataset data;
  for (const fitter::RunPoint& point : test_support::StudyDesign()) {
    data.rows.push_back({.point = point,
                         .role = point.qat_tokens > 0 ? fitter::RunRole::kFpThenQat
                                                      : fitter::RunRole::kFullPrecision,
                         .loss_nats = 1});
  }
  std::vector<int> rows(data.rows.size());
  std::iota(rows.begin(), rows.end(), 0);
  return fitter::ComputeSupport(data, rows);
}

std::map<std::string, double> ByName(const QatLawCoefficients& c) {
  return {{"alpha", c.alpha},
          {"beta", c.beta},
          {"gamma", c.gamma},
          {"zeta", c.zeta},
          {"eta", c.eta},
          {"theta", c.theta},
          {"kappa", c.kappa},
          {"phi", c.phi},
          {"chi", c.chi},
          {"psi", c.psi},
          {"omega", c.omega},
          {"lambda", c.lambda},
          {"mu", c.mu},
          {"nu", c.nu},
          {"xi", c.xi},
          {"rho", c.rho}};
}

FittedLaw WithCoefficients(fitter::Law law, const std::map<std::string, double>& coefficients) {
  FittedLaw fitted{.law = std::move(law)};
  for (const fitter::Parameter& parameter : fitted.law.parameters) {
    const double value = coefficients.at(parameter.name);
    fitted.theta.push_back(parameter.is_log_coefficient ? std::log(value) : value);
  }
  fitted.identified.assign(fitted.theta.size(), true);
  fitted.at_bound.assign(fitted.theta.size(), false);
  fitted.degrees_of_freedom = 100;
  fitted.support = StudySupport();
  return fitted;
}

fitter::Law Variant(std::string_view family,
                    std::string_view variant,
                    std::span<const double> weight_bits) {
  const std::vector<fitter::Law> ladder = fitter::LawLadder(family, weight_bits).value();
  return *std::ranges::find(ladder, variant, &fitter::Law::variant);
}

}  // namespace

QatLawCoefficients OwnTruth(std::string_view name) {
  const std::vector<test_support::Truth> truths = test_support::OwnTruths();
  return std::ranges::find(truths, name, &test_support::Truth::name)->coefficients;
}

FittedLaw FittedQatLaw(const QatLawCoefficients& coefficients, std::string_view variant) {
  constexpr std::array kWidths = {1.0, 2.0, 4.0, 6.0};
  return WithCoefficients(Variant("compute_optimal_qat", variant, kWidths), ByName(coefficients));
}

FittedLaw FittedChinchillaLaw() {
  return WithCoefficients(
      Variant("chinchilla", "full", {}),
      {{"E", 1.9279}, {"A", 237.7042}, {"alpha", .3022}, {"B", 596.2490}, {"beta", .3022}});
}

FittedLaw FittedPerBitLaw(bool with_full_precision) {
  std::vector<double> widths = {2, 4};
  if (with_full_precision) widths.push_back(16);
  const std::map<std::string, double> coefficients = {{"gamma", .3},
                                                      {"eta", .35},
                                                      {"alpha_2", 1.8},
                                                      {"beta_2", .5},
                                                      {"zeta_2", .4},
                                                      {"alpha_4", 1.7},
                                                      {"beta_4", .45},
                                                      {"zeta_4", .35},
                                                      {"alpha_16", 1.6},
                                                      {"beta_16", .45},
                                                      {"zeta_16", .35}};
  FittedLaw law =
      WithCoefficients(Variant("compute_optimal_qat", "per_bit_chinchilla", widths), coefficients);
  law.support.weight_bits = {2, 4};
  return law;
}

std::vector<double> CovarianceRoot(int parameter_count, double scale) {
  std::vector<double> root(static_cast<size_t>(parameter_count) * parameter_count, 0.0);
  test_support::NormalStream noise(7);
  for (int row = 0; row < parameter_count; ++row) {
    root[row * parameter_count + row] = scale;
    // Off the diagonal as much in all as on it.
    for (int column = 0; column < row; ++column) {
      root[row * parameter_count + column] = scale * noise.Normal() / std::sqrt(parameter_count);
    }
  }
  return root;
}

void SetCovariance(const std::vector<double>& root, FittedLaw* law) {
  const int size = law->law.parameter_count();
  law->covariance.assign(static_cast<size_t>(size) * size, 0);
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      for (int k = 0; k < size; ++k) {
        law->covariance[i * size + j] += root[i * size + k] * root[j * size + k];
      }
    }
  }
}

FittedLaw WithCovariance(FittedLaw law, double scale) {
  SetCovariance(CovarianceRoot(law.law.parameter_count(), scale), &law);
  return law;
}

FittedLaw WithTheta(FittedLaw law, std::string_view parameter, double theta) {
  law.theta[law.law.FindParameter(parameter).value()] = theta;
  return law;
}

}  // namespace bitbudget::planner
