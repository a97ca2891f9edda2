// The one root-finder of the room.

#ifndef BITBUDGET_PLANNER_ROOT_H_
#define BITBUDGET_PLANNER_ROOT_H_

#include <cmath>

namespace bitbudget::planner {

struct ValueAndSlope {
  double value = 0;
  double slope = 0;
};

// Newton's method kept inside a shrinking bracket: a step that leaves it or is
// not at most half as long as the one before becomes a bisection.
//
// `f` maps x to ValueAndSlope and is < 0 left of its only root in [lower, upper]
// and > 0 right of it. Stops once a Newton step is below `tolerance`; by the
// quadratic convergence the result is then exact to about tolerance squared.
// Without a root inside, returns the end next to it, to within `tolerance`.
template <typename Function>
double FindRoot(const Function& f, double lower, double upper, double guess, double tolerance) {
  constexpr int kMaxSteps = 200;  // bisection alone needs about 60
  double x = guess > lower && guess < upper ? guess : (lower + upper) / 2;
  double last_move = upper - lower;
  for (int step = 0; step < kMaxSteps && upper - lower > tolerance; ++step) {
    const ValueAndSlope at = f(x);
    if (at.value == 0) return x;
    (at.value < 0 ? lower : upper) = x;
    double next = x - at.value / at.slope;
    // Inclusive: at the root to rounding, a step rounds to none.
    const bool is_newton = next >= lower && next <= upper && 2 * std::abs(next - x) <= last_move;
    if (!is_newton) next = (lower + upper) / 2;
    last_move = std::abs(next - x);
    x = next;
    if (is_newton && last_move < tolerance) return x;
  }
  return x;
}

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_ROOT_H_
