#include "planner/size_optimum.h"

#include <cmath>

#include "planner/root.h"

namespace bitbudget::planner {
namespace {

// A Newton step below this in a logarithm leaves an error near 1e-14.
constexpr double kStepTolerance = 1e-7;

constexpr double kMostLogFlops = 92;  // 1e40

// Derivatives of the loss by u = ln N, at fixed split.
struct SizeDerivatives {
  double u = 0;   // L_u
  double uu = 0;  // L_uu
  double uy = 0;  // L_uy
};

SizeDerivatives DerivativesAt(const LossSurface& surface,
                              const Budget& budget,
                              const OptimalSplit& split,
                              double tokens_elasticity) {
  const double ratio = std::exp(split.logit_fraction);
  const double cost_ratio = budget.qat_token_cost * ratio;
  const double spent = cost_ratio / (1 + cost_ratio);  // of the budget, on QAT
  const double fraction = ratio / (1 + ratio);
  SizeDerivatives derivatives;
  for (const TokenTerm& term : surface.terms()) {
    const double loss = term.LossNats(split.tokens);
    const double tokens_exponent = term.fp_exponent + term.qat_exponent + term.total_exponent;
    const double by_size = term.size_exponent - tokens_elasticity * tokens_exponent;
    const double by_split = term.fp_exponent * spent - term.qat_exponent * (1 - spent) +
                            term.total_exponent * (spent - fraction);
    derivatives.u += loss * by_size;
    derivatives.uu += loss * by_size * by_size;
    derivatives.uy += loss * by_size * by_split;
  }
  for (const TokenFreeTerm& term : surface.token_free_terms()) {
    derivatives.u += term.loss_nats * term.size_exponent;
    derivatives.uu += term.loss_nats * term.size_exponent * term.size_exponent;
  }
  return derivatives;
}

}  // namespace

double SizedSplit::parameters() const { return std::exp(log_parameters); }

std::optional<SizedSplit> SizeSearch::At(double log_parameters,
                                         const TrainingBudget& budget,
                                         double guess_logit_fraction) const {
  const LossSurface surface = SurfaceAt(log_parameters);
  const Budget tokens = budget.At(log_parameters);
  const auto split = FindOptimalSplit(surface, tokens, guess_logit_fraction);
  if (!split) return std::nullopt;
  const SizeDerivatives derivatives =
      DerivativesAt(surface, tokens, *split, budget.TokensElasticity());
  return SizedSplit{
      .log_parameters = log_parameters,
      .split = *split,
      .slope = derivatives.u,
      .curvature = derivatives.uu - derivatives.uy * derivatives.uy / split->Curvature(),
      .split_slope = -derivatives.uy / split->Curvature()};
}

std::optional<SizedSplit> SizeSearch::Best(double lower,
                                           double upper,
                                           const TrainingBudget& budget,
                                           const std::optional<Guess>& guess) const {
  auto largest = At(upper, budget, guess ? guess->logit_fraction : 0);
  const bool is_at_end = largest.has_value();
  // A budget that buys next to nothing for the largest model has no split there; the best
  // size is far below.
  constexpr int kHalvings = 6;
  for (int i = 0; i < kHalvings && !largest && lower < upper; ++i) {
    upper = (lower + upper) / 2;
    largest = At(upper, budget);
  }
  if (!largest || !(lower < upper)) return largest;
  if (largest->slope <= 0) return is_at_end ? largest : std::nullopt;
  std::optional<SizedSplit> last = largest;
  const auto evaluate = [&](double u) {
    last =
        At(u, budget, last->split.logit_fraction + last->split_slope * (u - last->log_parameters));
    // Without a split nothing more can be told: the search ends at this size.
    if (!last) return ValueAndSlope{0, 1};
    return ValueAndSlope{last->slope, last->curvature};
  };
  // A Newton step from the larger end stays near it where the optimum does.
  const double start = guess ? guess->log_parameters : upper - largest->slope / largest->curvature;
  // Where the search ends the slope is next to 0: the size evaluated last, a step of
  // kStepTolerance away, has the same loss to all digits.
  FindRoot(evaluate, lower, upper, start, kStepTolerance);
  return last;
}

SizedSplit SizeSearch::Smallest(double lower,
                                const SizedSplit& best,
                                const TrainingBudget& budget,
                                double loss_nats) const {
  SizedSplit last = best;
  const auto evaluate = [&](double u) {
    // A split there exists: the balance has two sides at every size.
    last = At(u, budget, last.split.logit_fraction).value_or(last);
    return ValueAndSlope{std::log(loss_nats / last.loss_nats()), -last.slope / last.loss_nats()};
  };
  if (evaluate(lower).value >= 0) return last;
  const double u = FindRoot(evaluate, lower, best.log_parameters, 0, kStepTolerance);
  evaluate(u);
  return last;
}

std::optional<SizeSearch::LeastBudget> SizeSearch::LeastCompute(double lower,
                                                                double upper,
                                                                double qat_token_cost,
                                                                double loss_nats) const {
  constexpr double kReached = 1e-9;  // in ln L; the rounding of a root
  std::optional<LeastBudget> found;  // by the last evaluation that found a split
  const auto evaluate = [&](double log_flops) {
    const TrainingBudget budget{.flops = std::exp(log_flops), .qat_token_cost = qat_token_cost};
    std::optional<Guess> guess;
    if (found) guess = {found->best.log_parameters, found->best.split.logit_fraction};
    const auto best = Best(lower, upper, budget, guess);
    // At endless budgets the best split may leave (0, 1): look at smaller ones.
    if (!best) return ValueAndSlope{1, 0};
    const double excess = std::log(best->loss_nats() / loss_nats);
    found = {budget, *best, excess < kReached};
    return ValueAndSlope{-excess, -best->split.LossElasticity()};
  };
  if (evaluate(kMostLogFlops).value < 0) return found;
  // A token for the largest model: less is no training.
  const double least_log_flops = upper + std::log(kFlopsPerParameterAndToken);
  const double guess = (least_log_flops + kMostLogFlops) / 2;
  evaluate(FindRoot(evaluate, least_log_flops, kMostLogFlops, guess, kStepTolerance));
  return found;
}

}  // namespace bitbudget::planner
