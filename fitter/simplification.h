// What a rung of the ladder gives up. Pure function, thread-safe.

#ifndef BITBUDGET_FITTER_SIMPLIFICATION_H_
#define BITBUDGET_FITTER_SIMPLIFICATION_H_

#include <span>

#include "fitter/fit.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// How far a law is from the richest variant of its family, fitted to the same rows: a
// term that no single run shows can still shift the losses of many. Root mean squares
// over the rows.
struct Simplification {
  double log_loss_rms = 0;
  double logit_fraction_rms = 0;  // of best fractions; 0 unless both laws have them
  // Of ln of what a split of one tenth costs over the best, the rule of thumb.
  double log_excess_rms = 0;
  int fraction_count = 0;  // sizes, widths and budgets compared
};

Simplification MeasureSimplification(const Dataset& data,
                                     std::span<const int> rows,
                                     const FittedLaw& simple,
                                     const FittedLaw& richest);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_SIMPLIFICATION_H_
