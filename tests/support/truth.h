// Known truths of the QAT law of arXiv 2509.22935, for simulated studies.
//
// The law is evaluated here from its formula, apart from fitter/law.h: agreement
// of the two is a check of both. Pure functions.

#ifndef BITBUDGET_TESTS_SUPPORT_TRUTH_H_
#define BITBUDGET_TESTS_SUPPORT_TRUTH_H_

#include <string>
#include <vector>

#include "fitter/observation.h"

namespace bitbudget::test_support {

// Coefficients at N/1e9 parameters, D/1e10 tokens, S/100 tokens per byte of
// parameters; losses in nats.
struct QatLawCoefficients {
  double alpha = 0, beta = 0, gamma = 0, zeta = 0, eta = 0;
  double theta = 0, kappa = 0;
  double phi = 0, chi = 0, psi = 0, omega = 0;
  double lambda = 0, mu = 0, nu = 0, xi = 0, rho = 0;
};

// Figures stated beside a truth.
struct TruthCheck {
  double parameters = 0;
  double total_tokens = 0;
  double weight_bits = 0;
  double optimal_fraction = 0;
  double loss_nats_at_fraction_0_3 = 0;
};

struct Truth {
  std::string name;
  QatLawCoefficients coefficients;
  std::vector<TruthCheck> checks;
};

// A run that spends `qat_fraction` of `total_tokens` on QAT; 0 with weight_bits
// = 16 is full precision.
fitter::RunPoint RunAtFraction(double parameters,
                               double total_tokens,
                               double weight_bits,
                               double qat_fraction);

// Loss in nats. A run without QAT tokens has the terms of full precision alone.
double TrueLoss(const QatLawCoefficients& coefficients, const fitter::RunPoint& run);

// Fraction of least loss, to rounding. xi > 0.
double TrueOptimalFraction(const QatLawCoefficients& coefficients,
                           double parameters,
                           double total_tokens,
                           double weight_bits);

// Three truths: "grows", whose optimal fraction grows with the budget; "falls",
// whose fraction falls; "faint", whose interaction and floor are too small to be
// identified. Checks are empty: TrueOptimalFraction and TrueLoss give them.
std::vector<Truth> OwnTruths();

}  // namespace bitbudget::test_support

#endif  // BITBUDGET_TESTS_SUPPORT_TRUTH_H_
