// Descends from one starting point to the nearest optimum of the objective.

#ifndef BITBUDGET_FITTER_MINIMIZE_H_
#define BITBUDGET_FITTER_MINIMIZE_H_

#include <Eigen/Core>
#include <functional>
#include <vector>

#include "fitter/design.h"

namespace bitbudget::fitter {

struct Minimum {
  Eigen::VectorXd centred;
  double objective = 0;
  // The objective can fall by no more than 1e-9 of itself, by its own second
  // derivatives.
  bool converged = false;
};

// Minimises the objective within the design's bounds; parameters in `is_held` stay
// where `start` has them. `start` is moved into the bounds. `cancelled` is polled
// between iterations and may be empty; true returns the best point so far, not
// converged. Deterministic.
Minimum Minimize(const Design& design,
                 const std::vector<bool>& is_held,
                 const Eigen::VectorXd& start,
                 double huber_delta,
                 const std::function<bool()>& cancelled);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_MINIMIZE_H_
