// Standard errors from the draws of a bootstrap (fitter/bootstrap.h). Pure function.

#ifndef BITBUDGET_PLANNER_DRAW_SPREAD_H_
#define BITBUDGET_PLANNER_DRAW_SPREAD_H_

#include <cstddef>
#include <span>
#include <vector>

#include "planner/answer.h"

namespace bitbudget::planner {

// A law and how a quantity moves with its parameters.
struct DrawnGradient {
  const FittedLaw* law = nullptr;
  std::span<const double> gradient;  // by law->theta; empty: not at all
};

// Number of draws of the law, and one of them.
size_t DrawCount(const FittedLaw& law);
std::span<const double> Draw(const FittedLaw& law, size_t draw);

// True if every law that has a gradient has as many draws as the others, at least one.
bool HasDraws(std::span<const DrawnGradient> parts);

// How far the quantity, to first order in the parameters, strays from the estimate: the
// distance that a share `confidence_level` of the draws keep, over that of a normal
// variable of standard deviation 1. Draws of several laws belong together by their
// number. HasDraws(parts) holds.
double SpreadOfDraws(std::span<const DrawnGradient> parts, double confidence_level);

// The same from how far each draw moves the quantity itself, at least one; infinite
// where a draw has none.
double SpreadOfDeviations(std::vector<double> deviations, double confidence_level);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_DRAW_SPREAD_H_
