// Which parameters of a law the data determine.
//
// Before a search: parameters that no data of this design could determine are
// held. After it: the scaled Jacobian tells which of the others the measured runs
// leave open. Its rows are d ln L over the robust scale of the residuals, its
// columns the free parameters: exponents, and log-coefficients of terms taken where
// the term matters, both of order 1; so 1 over a singular value is the standard
// error of a direction. Pure functions, thread-safe.

#ifndef BITBUDGET_FITTER_IDENTIFICATION_H_
#define BITBUDGET_FITTER_IDENTIFICATION_H_

#include <Eigen/Core>
#include <vector>

#include "fitter/design.h"
#include "fitter/law.h"
#include "fitter/starts.h"

namespace bitbudget::fitter {

// A direction is determined if its standard error is at most a third: a
// coefficient within a factor 1.4, an exponent within a third. The Jacobian has
// full rank if no singular value is below the inverse.
inline constexpr double kLargestStandardError = 1.0 / 3;

// A term whose share of the loss is nowhere above this many robust scales of the
// residuals has vanished: no single run shows it, and any misfit of the size of the
// noise would pass for it.
inline constexpr double kLeastTermInScales = 3;

enum class HoldReason {
  kFree,
  // The feature of the exponent is the same in all runs: held at 0.
  kNoVariation,
  // The term is the same in all runs, as the floor is: part of the floor.
  kPartOfFloor,
  // The axis has two levels, which a coefficient alone accounts for: the exponent
  // is held at a typical value.
  kTwoLevels,
};

// Parameters that the design leaves to a search.
struct DesignFreedom {
  FreeParameters parameters;
  std::vector<HoldReason> reasons;  // by parameter

  int free_count() const;
};

DesignFreedom FindFreedom(const Design& design);

// An optimum, seen from the data.
struct Identification {
  std::vector<bool> at_lower;    // free exponents at the lower end: no dependence
  std::vector<bool> at_upper;    // free parameters at the upper end
  std::vector<bool> vanished;    // parameters of terms that have vanished
  std::vector<bool> determined;  // free, inside, and determined by the runs
  // Of the scaled Jacobian over free parameters inside their bounds, descending.
  std::vector<double> singular_values;
  // The directions that belong to them: a column a direction of length 1, a row a
  // parameter; 0 for parameters that are not free inside their bounds.
  Eigen::MatrixXd directions;

  // No parameter at the upper end, none vanished, and full rank.
  bool is_complete = false;
};

Identification Identify(const Design& design,
                        const DesignFreedom& freedom,
                        const Eigen::VectorXd& centred);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_IDENTIFICATION_H_
