#include "planner/best_fraction.h"

#include <cmath>
#include <optional>
#include <span>
#include <vector>

namespace bitbudget::planner {
namespace {

// The law alone, at the parameters of the estimate.
FittedLaw BareLaw(const FittedLaw& law) {
  FittedLaw bare;
  bare.law = law.law;
  bare.theta = law.theta;
  return bare;
}

}  // namespace

Estimate BestFraction(const LossSurface& surface,
                      const Budget& budget,
                      const OptimalSplit& optimum,
                      const Uncertainty& uncertainty) {
  if (!uncertainty.has_draws()) {
    std::vector<double> gradient;
    if (uncertainty.wanted()) gradient = LogitFractionGradient(surface, budget, optimum);
    return uncertainty.Fraction(optimum.logit_fraction, gradient);
  }
  FittedLaw drawn = BareLaw(surface.law());
  return uncertainty.Fraction(
      optimum.logit_fraction, {}, [&](std::span<const double> theta) -> double {
        drawn.theta.assign(theta.begin(), theta.end());
        const LossSurface drawn_surface(drawn, surface.parameters(), surface.weight_bits());
        const auto best = FindOptimalSplit(drawn_surface, budget, optimum.logit_fraction);
        return best ? best->logit_fraction : HUGE_VAL;
      });
}

}  // namespace bitbudget::planner
