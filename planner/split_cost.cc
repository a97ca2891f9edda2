#include "planner/split_cost.h"

#include <algorithm>
#include <cmath>

#include "planner/best_fraction.h"

namespace bitbudget::planner {
namespace {

// Nearer to the optimum than this in logit f, and in relative loss, differences
// of losses drown in rounding and the parabola at the optimum serves.
constexpr double kNearDistance = 1e-2;
constexpr double kNearLoss = 1e-10;

std::vector<double> Scaled(std::vector<double> gradient, double factor) {
  for (double& entry : gradient) entry *= factor;
  return gradient;
}

// The given split and what it has in common with the best one.
class SplitComparison {
 public:
  SplitComparison(const LossSurface& surface,
                  const Budget& budget,
                  const OptimalSplit& optimum,
                  double qat_fraction,
                  const Uncertainty& uncertainty)
      : surface_(surface),
        budget_(budget),
        optimum_(optimum),
        uncertainty_(uncertainty),
        distance_(std::log(qat_fraction / (1 - qat_fraction)) - optimum.logit_fraction),
        tokens_(TokensAt(budget, optimum.logit_fraction + distance_)),
        loss_nats_(std::max(surface.LossNats(tokens_), optimum.loss_nats())) {
    if (!uncertainty.wanted()) return;
    gradient_ = surface.LogLossGradient(tokens_);
    best_gradient_ = LogitFractionGradient(surface, budget, optimum);
    const Estimate best = BestFraction(surface, budget, optimum, uncertainty);
    may_be_best_ = best.interval && best.interval->lower <= qat_fraction &&
                   qat_fraction <= best.interval->upper;
  }

  Estimate Loss() const {
    return uncertainty_.Loss(surface_.RunAt(tokens_), loss_nats_, gradient_);
  }

  Estimate Excess() const {
    return Widened(ExcessByLaw(), uncertainty_.LossDifferenceMisfit() * optimum_.loss_nats());
  }

  // ln(M / M') = root^2 >= 0. A loss missed by a little is a budget missed by more,
  // for losses change little with tokens.
  Estimate LogWaste() const {
    return Widened(LogWasteByLaw(),
                   uncertainty_.LossDifferenceMisfit() / -optimum_.LossElasticity());
  }

 private:
  // An amount >= 0 that may be off by `misfit` besides.
  static Estimate Widened(Estimate amount, double misfit) {
    if (!amount.interval || misfit == 0) return amount;
    const auto [lower, upper] = *amount.interval;
    amount.interval = {std::max(0.0, amount.value - std::hypot(amount.value - lower, misfit)),
                       amount.value + std::hypot(upper - amount.value, misfit)};
    return amount;
  }

  // excess = root^2; near the optimum root = sqrt(L''/2) distance.
  Estimate ExcessByLaw() const {
    const double excess_nats = loss_nats_ - optimum_.loss_nats();
    if (IsNear()) return NearSquare(std::sqrt(optimum_.Curvature() / 2));
    const double root = std::copysign(std::sqrt(excess_nats), distance_);
    if (!uncertainty_.wanted()) return {excess_nats};
    // d excess = L d ln L - L* d ln L*, and d root = d excess / (2 root).
    std::vector<double> slope = Scaled(gradient_, loss_nats_);
    slope =
        Difference(slope, Scaled(surface_.LogLossGradient(optimum_.tokens), optimum_.loss_nats()));
    return FromRoot(root, Scaled(std::move(slope), 1 / (2 * root)));
  }

  Estimate LogWasteByLaw() const {
    if (IsNear()) {
      return NearSquare(
          std::sqrt(optimum_.Curvature() / 2 / optimum_.loss_nats() / -optimum_.LossElasticity()));
    }
    const auto [budget, optimum] = FindEquivalentBudget(surface_, budget_, optimum_, loss_nats_);
    const double log_waste = budget_.log_tokens - budget.log_tokens;
    if (!uncertainty_.wanted()) return {log_waste};
    const double root = std::copysign(std::sqrt(log_waste), distance_);
    // ln L*(M') = ln L, and by the envelope theorem
    // d ln M' = (d ln L - d ln L*(M') at fixed M') / (d ln L* / d ln M').
    const double scale = -1 / optimum.LossElasticity() / (2 * root);
    std::vector<double> slope = Difference(gradient_, surface_.LogLossGradient(optimum.tokens));
    return FromRoot(root, Scaled(std::move(slope), scale));
  }

  bool IsNear() const {
    return std::abs(distance_) < kNearDistance &&
           optimum_.Curvature() * distance_ * distance_ / 2 < kNearLoss * optimum_.loss_nats();
  }

  // The square of scale * distance, of which only the optimum is uncertain.
  Estimate NearSquare(double scale) const {
    Estimate square = uncertainty_.Square(scale * distance_, Scaled(best_gradient_, -scale), scale);
    if (may_be_best_ && square.interval) square.interval->lower = 0;
    return square;
  }

  // Where the law misses the optimum by its own misfit, the root changes along its
  // chord: it is nearly in proportion to the distance.
  Estimate FromRoot(double root, const std::vector<double>& gradient) const {
    Estimate square = uncertainty_.Square(root, gradient, std::abs(root / distance_));
    if (may_be_best_ && square.interval) square.interval->lower = 0;
    return square;
  }

  const LossSurface& surface_;
  const Budget& budget_;
  const OptimalSplit& optimum_;
  const Uncertainty& uncertainty_;
  double distance_;  // logit of the split minus that of the optimum
  LogTokens tokens_;
  double loss_nats_;
  std::vector<double> gradient_;       // of ln L at the split; empty if not wanted
  std::vector<double> best_gradient_;  // of the logit of the best split, likewise
  bool may_be_best_ = false;           // the split lies in the interval of the best
};

// From ln(M / M') to 1 - M'/M.
Estimate WasteFromLog(const Estimate& log_waste) {
  // Rounding must not make all of a budget of it.
  const auto to_share = [](double log) {
    return std::min(-std::expm1(-log), std::nextafter(1.0, 0.0));
  };
  Estimate waste{to_share(log_waste.value)};
  if (log_waste.interval) {
    waste.interval = {to_share(log_waste.interval->lower), to_share(log_waste.interval->upper)};
  }
  return waste;
}

}  // namespace

SplitCost CompareSplit(const LossSurface& surface,
                       const Budget& budget,
                       const OptimalSplit& optimum,
                       double qat_fraction,
                       const Uncertainty& uncertainty) {
  const SplitComparison split(surface, budget, optimum, qat_fraction, uncertainty);
  SplitCost cost;
  cost.qat_fraction = qat_fraction;
  cost.loss_nats = split.Loss();
  cost.excess_loss_nats = split.Excess();
  cost.wasted_token_fraction = WasteFromLog(split.LogWaste());
  cost.wasted_tokens = cost.wasted_token_fraction.value * std::exp(budget.log_tokens);
  return cost;
}

Estimate WastedTokenFraction(const LossSurface& surface,
                             const Budget& budget,
                             const OptimalSplit& optimum,
                             double qat_fraction,
                             const Uncertainty& uncertainty) {
  return WasteFromLog(
      SplitComparison(surface, budget, optimum, qat_fraction, uncertainty).LogWaste());
}

}  // namespace bitbudget::planner
