// Climbs down from the richest variant of a law to one that the runs identify.
//
// A rung is stood on if every parameter left to the search is inside its bounds
// and determined (see identification.h); an exponent that rests at its lower end,
// 0, is a finding, "no dependence", and no obstacle. A simplification must not
// contradict the runs: a rung whose residuals scatter more than
// kLargestScatterRatio times as much as those of the best rung above gives way to
// rungs below that do not, and is stood on only if there are none; what is a part of
// it is not asked. The per-bit rung, which knows no QAT fraction, comes after all of these.

#ifndef BITBUDGET_FITTER_LADDER_H_
#define BITBUDGET_FITTER_LADDER_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/design.h"
#include "fitter/fit.h"
#include "fitter/identification.h"
#include "fitter/search.h"

namespace bitbudget::fitter {

inline constexpr double kLargestScatterRatio = 1.2;

// One variant, fitted.
struct Rung {
  Law law;
  DesignFreedom freedom;
  Identification identification;
  std::vector<double> theta;
  SearchReport search;  // as Search fills it
  double robust_scale = 0;
};

struct LadderResult {
  std::optional<Rung> rung;  // stood on; unset if the runs identify none
  // The richest rung, if it was fitted and is not stood on.
  std::optional<Rung> richest;
  std::vector<RungReport> reports;
};

struct LadderOptions {
  SearchOptions search;
  // Rung to fit whatever the runs identify; must be on the ladder.
  std::optional<std::string> variant;
};

// Fits rungs of `ladder` until one can be stood on. With warm starts the climb
// skips the rungs above the richest one that has some, but for the very richest:
// they were refused before, and a search from scratch asks them again; so does this
// one if the rung of the warm starts no longer stands. Warm starts of another length
// than the rung's parameters, or not finite, count as absent.
//
// Errors:
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: fewer distinct runs than parameters
//   of the rung demanded.
// - CANCELLED.
absl::StatusOr<LadderResult> Climb(std::span<const Law> ladder,
                                   const std::vector<Measurement>& measurements,
                                   const LadderOptions& options,
                                   const std::vector<Start>& warm_starts);

// Names of the parameters of `rung` that the runs leave open, in its order.
std::vector<std::string> UndeterminedParameters(const Rung& rung);

// One sentence on what keeps `rung` from being identified and what data would
// help; empty if nothing does.
std::string ExplainObstacle(const Rung& rung);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LADDER_H_
