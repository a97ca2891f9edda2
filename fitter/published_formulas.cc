#include "fitter/published_formulas.h"

#include <algorithm>
#include <cmath>

namespace bitbudget::fitter {

double ChinchillaFormula::LossNats(double parameters, double tokens) const {
  return E + A * std::pow(parameters, -alpha) + B * std::pow(tokens, -beta);
}

double QatErrorFormula::ErrorNats(double parameters, double tokens, double group_size) const {
  return k * std::pow(tokens, gamma_D) * std::pow(std::log2(group_size), gamma_G) *
         std::pow(parameters, -gamma_N);
}

double QatErrorFormula::EffectiveShare(const ChinchillaFormula& base,
                                       double parameters,
                                       double tokens,
                                       double group_size) const {
  const double model = base.A * std::pow(parameters, -base.alpha);
  const double error = ErrorNats(parameters, tokens, group_size);
  return std::pow(model / (model + error), 1 / base.alpha);
}

double PrecisionFormula::EffectiveShare(double bits) const {
  return std::max(0.0, 1 - std::exp(n - bits / gamma));
}

double ComputeOptimalBits(const PrecisionFormula* formulas, int count) {
  // d ln(prod eff(P)) / dP - 1 / P falls through 0 once, where all shares are
  // positive: bisection.
  const auto slope = [&](double bits) {
    double sum = -1 / bits;
    for (int i = 0; i < count; ++i) {
      const double lost = std::exp(formulas[i].n - bits / formulas[i].gamma);
      if (lost >= 1) return 1.0;
      sum += lost / (formulas[i].gamma * (1 - lost));
    }
    return sum;
  };
  double lower = 1;
  double upper = 32;
  if (slope(lower) <= 0 || slope(upper) >= 0) return 0;
  while (upper - lower > 1e-9) {
    const double middle = (lower + upper) / 2;
    (slope(middle) > 0 ? lower : upper) = middle;
  }
  return (lower + upper) / 2;
}

double PostTrainingFormula::ErrorNats(double parameters, double tokens, double bits) const {
  return C * std::pow(tokens, gamma_D) * std::pow(parameters, -gamma_N) *
         std::exp(b - bits / gamma_post);
}

double PostTrainingFormula::CriticalTokens(const ChinchillaFormula& base,
                                           double parameters,
                                           double bits) const {
  const double fall = base.beta * base.B;
  const double rise = gamma_D * ErrorNats(parameters, 1, bits);
  return std::pow(fall / rise, 1 / (gamma_D + base.beta));
}

double QuantizationDegradationFormula::ErrorNats(double parameters,
                                                 double tokens,
                                                 double bits) const {
  return k * std::pow(tokens, beta) * std::pow(parameters, -alpha) * std::pow(bits, -gamma);
}

namespace {

// The last term at one token.
double FormatError(const FloatingPointFormula& f,
                   double parameters,
                   const FloatingPointFormula::Format& format) {
  return std::log2(format.block_size) * std::pow(parameters, -f.alpha) /
         (f.gamma * std::pow(format.exponent_bits + 0.5, f.delta) *
          std::pow(format.mantissa_bits + 0.5, f.nu));
}

}  // namespace

double FloatingPointFormula::LossNats(double parameters,
                                      double tokens,
                                      const Format& format) const {
  return n * std::pow(parameters, -alpha) + d * std::pow(tokens, -beta) + epsilon +
         FormatError(*this, parameters, format) * std::pow(tokens, beta);
}

double FloatingPointFormula::CriticalTokens(double parameters, const Format& format) const {
  return std::pow(d / FormatError(*this, parameters, format), 1 / (2 * beta));
}

}  // namespace bitbudget::fitter
