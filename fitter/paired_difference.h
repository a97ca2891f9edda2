// Which of two laws predicts better runs that neither was fitted to. Pure functions,
// thread-safe.

#ifndef BITBUDGET_FITTER_PAIRED_DIFFERENCE_H_
#define BITBUDGET_FITTER_PAIRED_DIFFERENCE_H_

#include <optional>
#include <span>
#include <vector>

#include "fitter/fit.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// Fewer folds than this tell little of their scatter.
inline constexpr int kLeastCommonFolds = 3;

// How a law predicts the runs of a fold, in log loss.
struct FoldScore {
  double rms = 0;              // root mean square error
  double mean_error = 0;       // prediction less measurement
  std::vector<double> errors;  // by run held out
};

// How much worse one law predicts than another: the mean over folds of ln(rms / rms of
// the other), with a two-sided 90 % interval (Student's t). With kLeastCommonFolds or
// more the interval is from their scatter; with fewer from that of the cells of the
// runs, which says nothing of folds not drawn. Unset if there is one cell a fold.
struct PairedDifference {
  double mean_log_ratio = 0;
  std::optional<Interval> interval;
  int fold_count = 0;
};

// What a difference says of a law beside the best one.
enum class Standing {
  kWorse,        // the interval lies above 0
  kTied,         // the interval holds 0 and no factor of 2
  kTooFewFolds,  // neither, or the interval holds 0 with fewer than kLeastCommonFolds
};

// The cell of each row of `held_out`: runs of one size, budget and width have most of
// what a law misses in common, and count as one.
std::vector<int> CellsOf(const Dataset& held_out);

// Over the folds in which both laws have a score; nullopt if there is none. `cells`
// are those of the runs held out, by fold.
std::optional<PairedDifference> ComparePaired(std::span<const std::optional<FoldScore>> law,
                                              std::span<const std::optional<FoldScore>> other,
                                              std::span<const std::vector<int>> cells);

Standing StandingOf(const PairedDifference& difference);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_PAIRED_DIFFERENCE_H_
