// Finds the best optimum of the objective that many starting points lead to.

#ifndef BITBUDGET_FITTER_SEARCH_H_
#define BITBUDGET_FITTER_SEARCH_H_

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/design.h"
#include "fitter/fit.h"
#include "fitter/starts.h"

namespace bitbudget::fitter {

struct SearchOptions {
  // Unset: found from the residuals, by a fixed procedure. From the best least
  // squares optimum delta is 1.345 robust scales, rounded to three digits so that
  // the last bits of a scale decide nothing; the optimum at that delta gives the
  // next one, twice.
  std::optional<double> huber_delta;
  int64_t seed = 0;
  int start_count = 64;
  int polish_count = 4;
  std::function<bool()> cancelled;
};

struct SearchResult {
  Eigen::VectorXd centred;
  // Objective, delta, termination and the counts of starts.
  SearchReport report;
};

// Searches from drawn starts: the best `polish_count` after screening descend in
// stages (least squares on a sample of the points, on all of them, then narrowing
// Huber functions); while no two of them
// agree with the best within 1e-6, twice as many do, up to a quarter of the
// starts. With `warm_starts` (centred) those descend instead, and none is drawn.
//
// Errors: CANCELLED.
absl::StatusOr<SearchResult> Search(const Design& design,
                                    const FreeParameters& free,
                                    const SearchOptions& options,
                                    const std::vector<Eigen::VectorXd>& warm_starts);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_SEARCH_H_
