// Which law extrapolates best on the same runs?
//
// Every candidate is fitted without the runs at the edge of the data and asked for
// their losses: the largest models, the largest budgets, each width in turn. How a
// law describes runs that it was fitted to says little about that; Akaike's
// criterion, which corrects for the count of parameters, stands beside it.
// A function of its arguments; thread-safe.

#ifndef BITBUDGET_FITTER_LAW_COMPARISON_H_
#define BITBUDGET_FITTER_LAW_COMPARISON_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/fit.h"
#include "fitter/held_out.h"
#include "fitter/paired_difference.h"

namespace bitbudget::fitter {

inline constexpr int kMaxComparedLaws = 20;

// A law of a comparison.
struct Candidate {
  std::string family;
  std::string variant;
};

struct ComparedLaw {
  Candidate candidate;
  // Why the law could not be fitted to all runs; empty if it was.
  std::string obstacle;
  int free_parameter_count = 0;
  double residual_rms = 0;
  // Of a Huber density of free scale (k = 1.345): 2 K - 2 ln likelihood + 2 K (K + 1)
  // / (n - K - 1), K with the scale. Unset with too few runs.
  std::optional<double> aicc;
  // By fold; unset where the law, fitted without these runs, does not describe them.
  std::vector<std::optional<FoldScore>> scores;
  // Unset for the best and without scores.
  std::optional<PairedDifference> to_best;
  std::optional<Standing> standing;
};

struct LawComparison {
  std::vector<Fold> folds;
  // By mean extrapolation error, best first; those without a score last.
  std::vector<ComparedLaw> laws;
  int64_t row_count = 0;
};

// Compares `candidates`, at least two and at most kMaxComparedLaws, on the rows that
// all of them describe. `options` are those of every fit but family and variant. A
// fold takes the largest level of its axis, and further ones until it has 5 % of the
// rows; it must leave two levels to fit to.
//
// Laws are ranked over the folds that all with a score share: those of the largest
// models and budgets if a candidate knows no width but those fitted. How a law stands
// beside the best is told from the folds that the two share (paired_difference.h).
//
// Errors:
// - INVALID_ARGUMENT: too few or too many candidates, one twice, unknown ones.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: no rows in common, or none to hold out.
// - CANCELLED.
absl::StatusOr<LawComparison> CompareLaws(const Dataset& data,
                                          const FitOptions& options,
                                          const std::vector<Candidate>& candidates);

// The variants of the families, as candidates.
absl::StatusOr<std::vector<Candidate>> VariantsOf(const std::vector<std::string>& families);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAW_COMPARISON_H_
