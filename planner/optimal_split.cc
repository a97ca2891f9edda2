#include "planner/optimal_split.h"

#include <algorithm>
#include <cmath>

#include "planner/root.h"

namespace bitbudget::planner {
namespace {

using fitter::Factor;
using fitter::Feature;

// Fractions nearer to 0 or 1 than 1e-13 are no splits.
constexpr double kMaxLogitFraction = 30;

// A Newton step below this in a logarithm leaves an error near 1e-15.
constexpr double kStepTolerance = 1e-7;

double Fraction(double logit) { return 1 / (1 + std::exp(-logit)); }

// Shares of a split, and with what weight a term stands on each side of the
// balance there.
struct Shares {
  double fraction;     // f: of all tokens
  double rest;         // 1 - f
  double spent;        // s: of the budget, on QAT
  double kept;         // 1 - s
  double total_up;     // max(0, s - f)
  double total_down;   // max(0, f - s)
  double spent_slope;  // ds/dy
  double total_up_slope;
  double total_down_slope;

  // `ratio` is D_qat / D_fp.
  Shares(const Budget& budget, double ratio) {
    const double cost_ratio = budget.qat_token_cost * ratio;
    rest = 1 / (1 + ratio);
    fraction = ratio * rest;
    kept = 1 / (1 + cost_ratio);
    spent = cost_ratio * kept;
    total_up = std::max(0.0, spent - fraction);
    total_down = std::max(0.0, fraction - spent);
    spent_slope = spent * kept;
    const double total_slope = spent_slope - fraction * rest;
    total_up_slope = total_up > 0 ? total_slope : 0;
    total_down_slope = total_down > 0 ? -total_slope : 0;
  }

  double Up(const TokenTerm& term) const {
    return term.fp_exponent * spent + term.total_exponent * total_up;
  }
  double Down(const TokenTerm& term) const {
    return term.qat_exponent * kept + term.total_exponent * total_down;
  }
  double UpSlope(const TokenTerm& term) const {
    return term.fp_exponent * spent_slope + term.total_exponent * total_up_slope;
  }
  double DownSlope(const TokenTerm& term) const {
    return -term.qat_exponent * spent_slope + term.total_exponent * total_down_slope;
  }
};

LogTokens TokensOf(const Budget& budget, double logit_fraction, const Shares& shares) {
  const double fp = budget.log_tokens + std::log(shares.kept);
  const double total = budget.qat_token_cost == 1 ? budget.log_tokens : fp - std::log(shares.rest);
  return {fp, fp + logit_fraction, total};
}

// False if the loss goes one way from f = 0 to 1 whatever the coefficients.
bool HasTwoSides(const LossSurface& surface, const Budget& budget) {
  bool up = false;
  bool down = false;
  for (const TokenTerm& term : surface.terms()) {
    const bool total = term.total_exponent > 0;
    up = up || term.fp_exponent > 0 || (total && budget.qat_token_cost > 1);
    down = down || term.qat_exponent > 0 || (total && budget.qat_token_cost < 1);
  }
  return up && down;
}

}  // namespace

double Balance::log_ratio() const { return std::log(up / down); }

double Balance::log_ratio_slope() const { return up_slope / up - down_slope / down; }

LogTokens TokensAt(const Budget& budget, double logit_fraction) {
  return TokensOf(budget, logit_fraction, Shares(budget, std::exp(logit_fraction)));
}

Balance BalanceAt(const LossSurface& surface, const Budget& budget, double logit_fraction) {
  const Shares shares(budget, std::exp(logit_fraction));
  const LogTokens tokens = TokensOf(budget, logit_fraction, shares);
  Balance balance{.loss_nats = surface.constant_nats()};
  double up_budget = 0;
  double down_budget = 0;
  for (const TokenTerm& term : surface.terms()) {
    const double loss = term.LossNats(tokens);
    const double up = shares.Up(term);
    const double down = shares.Down(term);
    const double relative_slope = up - down;  // d ln L_k / dy
    const double exponent = term.fp_exponent + term.qat_exponent + term.total_exponent;
    balance.loss_nats += loss;
    balance.up += loss * up;
    balance.down += loss * down;
    balance.up_slope += loss * (up * relative_slope + shares.UpSlope(term));
    balance.down_slope += loss * (down * relative_slope + shares.DownSlope(term));
    up_budget -= loss * up * exponent;
    down_budget -= loss * down * exponent;
    balance.loss_log_budget_slope -= loss * exponent;
  }
  balance.log_budget_slope = up_budget / balance.up - down_budget / balance.down;
  return balance;
}

std::optional<OptimalSplit> FindOptimalSplit(const LossSurface& surface,
                                             const Budget& budget,
                                             double guess) {
  if (!HasTwoSides(surface, budget)) return std::nullopt;
  OptimalSplit optimum;
  // The balance looked at last is less than kStepTolerance away: the loss, which is flat
  // there, has all its digits, and slopes have seven.
  optimum.logit_fraction = FindRoot(
      [&](double y) {
        optimum.balance = BalanceAt(surface, budget, y);
        return ValueAndSlope{optimum.balance.log_ratio(), optimum.balance.log_ratio_slope()};
      },
      -kMaxLogitFraction,
      kMaxLogitFraction,
      guess,
      kStepTolerance);
  if (std::abs(optimum.logit_fraction) > kMaxLogitFraction - 2 * kStepTolerance) {
    return std::nullopt;
  }
  optimum.tokens = TokensAt(budget, optimum.logit_fraction);
  return optimum;
}

std::vector<double> LogitFractionGradient(const LossSurface& surface,
                                          const Budget& budget,
                                          const OptimalSplit& optimum) {
  const Shares shares(budget, std::exp(optimum.logit_fraction));
  const Balance& balance = optimum.balance;
  const double scale = -1 / balance.log_ratio_slope();
  std::vector<double> gradient(surface.law().theta.size());
  for (const TokenTerm& token_term : surface.terms()) {
    const double up_share = token_term.LossNats(optimum.tokens) / balance.up;
    const double down_share = token_term.LossNats(optimum.tokens) / balance.down;
    const double net = up_share * shares.Up(token_term) - down_share * shares.Down(token_term);
    for (const Factor& factor : token_term.term->factors) {
      double slope = net * surface.FeatureAt(factor.feature, optimum.tokens);
      if (factor.feature == Feature::kMinusLogFpTokensPerByte) {
        slope += up_share * shares.spent;
      } else if (factor.feature == Feature::kMinusLogQatTokensPerByte) {
        slope -= down_share * shares.kept;
      } else if (factor.feature == Feature::kMinusLogTotalTokens) {
        slope += up_share * shares.total_up - down_share * shares.total_down;
      }
      gradient[factor.parameter] += scale * slope;
    }
  }
  return gradient;
}

Interval FlatRange(const LossSurface& surface,
                   const Budget& budget,
                   const OptimalSplit& optimum,
                   double tolerance_nats) {
  const double bound_nats = optimum.loss_nats() + tolerance_nats;
  const double reach = std::sqrt(2 * tolerance_nats / optimum.Curvature());
  // Rising away from the optimum on either side; `side` is -1 or 1.
  const auto end = [&](double side) {
    const double center = optimum.logit_fraction;
    const double distance = FindRoot(
        [&](double d) {
          const Balance balance = BalanceAt(surface, budget, center + side * d);
          return ValueAndSlope{balance.loss_nats - bound_nats, side * (balance.up - balance.down)};
        },
        0,
        kMaxLogitFraction - side * center,
        reach,
        kStepTolerance);
    return Fraction(center + side * distance);
  };
  return {end(-1), end(1)};
}

EquivalentBudget FindEquivalentBudget(const LossSurface& surface,
                                      const Budget& budget,
                                      const OptimalSplit& optimum,
                                      double loss_nats) {
  // Losses of budgets down to e^-60 of this one; no split is that bad.
  constexpr double kMaxLogSaving = 60;
  EquivalentBudget equivalent{budget, optimum};
  if (loss_nats <= optimum.loss_nats()) return equivalent;
  const double guess = std::log(loss_nats / optimum.loss_nats()) / -optimum.LossElasticity();
  const auto at_saving = [&](double saving) {
    const double log_tokens = budget.log_tokens - saving;
    const OptimalSplit& last = equivalent.optimum;
    const double guess =
        last.logit_fraction + last.Growth() * (log_tokens - equivalent.budget.log_tokens);
    equivalent.budget.log_tokens = log_tokens;
    equivalent.optimum = FindOptimalSplit(surface, equivalent.budget, guess).value_or(last);
  };
  const double saving = FindRoot(
      [&](double x) {
        at_saving(x);
        return ValueAndSlope{std::log(equivalent.optimum.loss_nats() / loss_nats),
                             -equivalent.optimum.LossElasticity()};
      },
      0,
      kMaxLogSaving,
      guess,
      kStepTolerance);
  at_saving(saving);
  return equivalent;
}

}  // namespace bitbudget::planner
