#include "tests/support/truth.h"

#include <cmath>

namespace bitbudget::test_support {
namespace {

// The two terms that depend on how the tokens are split, as
//   pure f^-omega + interaction (1 - f)^-xi f^-rho.
struct SplitTerms {
  double pure = 0;
  double interaction = 0;
};

SplitTerms SplitTermsAt(const QatLawCoefficients& c,
                        double parameters,
                        double total_tokens,
                        double weight_bits) {
  const double n = parameters / 1e9;
  const double s = total_tokens / (parameters * weight_bits / 8) / 100;
  return {
      .pure = c.phi * std::exp2(-c.chi * weight_bits) * std::pow(n, -c.psi) * std::pow(s, -c.omega),
      .interaction = c.lambda * std::exp2(-c.mu * weight_bits) * std::pow(n, -c.nu) *
                     std::pow(s, -c.xi - c.rho)};
}

}  // namespace

fitter::RunPoint RunAtFraction(double parameters,
                               double total_tokens,
                               double weight_bits,
                               double qat_fraction) {
  return {.parameters = parameters,
          .fp_tokens = total_tokens * (1 - qat_fraction),
          .qat_tokens = total_tokens * qat_fraction,
          .weight_bits = weight_bits};
}

double TrueLoss(const QatLawCoefficients& c, const fitter::RunPoint& run) {
  const double full_precision = c.alpha + c.beta * std::pow(run.total_tokens() / 1e10, -c.gamma) +
                                c.zeta * std::pow(run.parameters / 1e9, -c.eta);
  if (run.qat_tokens == 0) return full_precision;
  const SplitTerms split = SplitTermsAt(c, run.parameters, run.total_tokens(), run.weight_bits);
  const double f = run.qat_fraction();
  return full_precision + c.theta * std::exp2(-c.kappa * run.weight_bits) +
         split.pure * std::pow(f, -c.omega) +
         split.interaction * std::pow(1 - f, -c.xi) * std::pow(f, -c.rho);
}

double TrueOptimalFraction(const QatLawCoefficients& c,
                           double parameters,
                           double total_tokens,
                           double weight_bits) {
  const SplitTerms split = SplitTermsAt(c, parameters, total_tokens, weight_bits);
  const auto slope = [&](double f) {
    return -c.omega * split.pure * std::pow(f, -c.omega - 1) +
           split.interaction * std::pow(1 - f, -c.xi) * std::pow(f, -c.rho) *
               (c.xi / (1 - f) - c.rho / f);
  };
  // The loss is strictly convex in f, so its slope changes sign once.
  double lower = 0;
  double upper = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (lower + upper) / 2;
    (slope(middle) < 0 ? lower : upper) = middle;
  }
  return (lower + upper) / 2;
}

std::vector<Truth> OwnTruths() {
  return {{.name = "grows",
           .coefficients = {.alpha = 1.7,
                            .beta = 0.4,
                            .gamma = 0.28,
                            .zeta = 0.4,
                            .eta = 0.33,
                            .theta = 0.18,
                            .kappa = 0.8,
                            .phi = 0.06,
                            .chi = 0.7,
                            .psi = 0.15,
                            .omega = 0.5,
                            .lambda = 0.2,
                            .mu = 0.5,
                            .nu = 0.12,
                            .xi = 0.85,
                            .rho = 0.04},
           .checks = {}},
          {.name = "falls",
           .coefficients = {.alpha = 1.65,
                            .beta = 0.5,
                            .gamma = 0.32,
                            .zeta = 0.3,
                            .eta = 0.3,
                            .theta = 0.25,
                            .kappa = 1.05,
                            .phi = 0.035,
                            .chi = 0.55,
                            .psi = 0.1,
                            .omega = 1.15,
                            .lambda = 0.22,
                            .mu = 0.65,
                            .nu = 0.08,
                            .xi = 0.6,
                            .rho = 0.3},
           .checks = {}},
          {.name = "faint",
           .coefficients = {.alpha = 1.55,
                            .beta = 0.42,
                            .gamma = 0.29,
                            .zeta = 0.38,
                            .eta = 0.36,
                            .theta = 0.025,
                            .kappa = 0.9,
                            .phi = 0.045,
                            .chi = 0.6,
                            .psi = 0.14,
                            .omega = 0.6,
                            .lambda = 0.018,
                            .mu = 0.55,
                            .nu = 0.12,
                            .xi = 1.0,
                            .rho = 0.03},
           .checks = {}}};
}

}  // namespace bitbudget::test_support
