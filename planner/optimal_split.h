// The best split of a budget, and what follows from it, on the loss surface of
// one N and B. No intervals: those come from the gradients given here.
//
// The budget is M = D_fp + c D_qat, with c the cost of a QAT token, and the split
// is y = logit f = ln(D_qat / D_fp), so that no fraction leaves (0, 1).
//
// At fixed M a full-precision token buys c^-1 QAT tokens. Written as the balance
// of what pulls the loss up and down with y,
//
//   dL/dy = A - B,   A = sum_k L_k (p_k s + t_k max(0, s - f))
//                    B = sum_k L_k (q_k (1 - s) + t_k max(0, f - s))
//
// where s = c D_qat / M; at c = 1, s = f. The loss is strictly convex in s, so
// ln A - ln B changes its sign once: that is the optimum. For two terms and c = 1
// it is the logarithm of the reduced equation in qat_fraction.h. ln A - ln B is
// nearly a straight line in y, and Newton's method needs few steps.

#ifndef BITBUDGET_PLANNER_OPTIMAL_SPLIT_H_
#define BITBUDGET_PLANNER_OPTIMAL_SPLIT_H_

#include <optional>
#include <vector>

#include "planner/loss_surface.h"

namespace bitbudget::planner {

// A budget and what a QAT token costs of it.
struct Budget {
  double log_tokens = 0;      // ln M
  double qat_token_cost = 1;  // c
};

// The loss at a split, the two sides of its slope dL/dy, and their derivatives.
struct Balance {
  double loss_nats = 0;
  double up = 0;                     // A
  double down = 0;                   // B
  double up_slope = 0;               // dA/dy
  double down_slope = 0;             // dB/dy
  double log_budget_slope = 0;       // d(ln A - ln B) / d ln M
  double loss_log_budget_slope = 0;  // dL / d ln M at fixed y

  double log_ratio() const;        // ln A - ln B
  double log_ratio_slope() const;  // its derivative by y
};

// A split: tokens that exhaust the budget at logit fraction y.
LogTokens TokensAt(const Budget& budget, double logit_fraction);

Balance BalanceAt(const LossSurface& surface, const Budget& budget, double logit_fraction);

struct OptimalSplit {
  double logit_fraction = 0;
  LogTokens tokens;
  Balance balance;

  double loss_nats() const { return balance.loss_nats; }

  // Second derivative of the loss by the logit of the fraction, > 0.
  double Curvature() const { return balance.up_slope - balance.down_slope; }
  // d logit f* / d ln M: > 0 if the best fraction grows with the budget.
  double Growth() const { return -balance.log_budget_slope / balance.log_ratio_slope(); }
  // d ln L* / d ln M, < 0.
  double LossElasticity() const { return balance.loss_log_budget_slope / balance.loss_nats; }
};

// The split with the least loss; nullopt if the loss has no minimum with
// |logit f| < 30, because one side of the balance has no force. `guess` is a
// logit fraction to start from.
std::optional<OptimalSplit> FindOptimalSplit(const LossSurface& surface,
                                             const Budget& budget,
                                             double guess = 0);

// Derivative of logit f* by theta, by the implicit function theorem.
std::vector<double> LogitFractionGradient(const LossSurface& surface,
                                          const Budget& budget,
                                          const OptimalSplit& optimum);

// Fractions whose loss is at most `tolerance_nats` > 0 above the optimum.
Interval FlatRange(const LossSurface& surface,
                   const Budget& budget,
                   const OptimalSplit& optimum,
                   double tolerance_nats);

// The smallest budget whose optimum has a loss of `loss_nats` or less, which the
// budget of `optimum` has. Never above that budget.
struct EquivalentBudget {
  Budget budget;
  OptimalSplit optimum;
};
EquivalentBudget FindEquivalentBudget(const LossSurface& surface,
                                      const Budget& budget,
                                      const OptimalSplit& optimum,
                                      double loss_nats);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_OPTIMAL_SPLIT_H_
