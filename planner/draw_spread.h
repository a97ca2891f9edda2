// Standard errors from the draws of a bootstrap (fitter/bootstrap.h). Pure function.

#ifndef BITBUDGET_PLANNER_DRAW_SPREAD_H_
#define BITBUDGET_PLANNER_DRAW_SPREAD_H_

#include <span>

#include "planner/answer.h"

namespace bitbudget::planner {

// A law and how a quantity moves with its parameters.
struct DrawnGradient {
  const FittedLaw* law = nullptr;
  std::span<const double> gradient;  // by law->theta; empty: not at all
};

// True if every law that has a gradient has as many draws as the others, at least one.
bool HasDraws(std::span<const DrawnGradient> parts);

// How far the quantity, to first order in the parameters, strays from the estimate: the
// distance that a share `confidence_level` of the draws keep, over that of a normal
// variable of standard deviation 1. Draws of several laws belong together by their
// number. HasDraws(parts) holds.
double SpreadOfDraws(std::span<const DrawnGradient> parts, double confidence_level);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_DRAW_SPREAD_H_
