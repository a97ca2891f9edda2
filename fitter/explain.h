// What a fit rests on: which runs it misses, which runs and trunks move an answer,
// and which combinations of parameters the runs hardly tell. A function of its
// arguments; thread-safe.

#ifndef BITBUDGET_FITTER_EXPLAIN_H_
#define BITBUDGET_FITTER_EXPLAIN_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/fit.h"

namespace bitbudget::fitter {

// A residual beyond this many robust scales is an outlier: of normal ones 1 in 16,000.
inline constexpr double kOutlierScales = 4;

// A pair of parameters whose estimates move together beyond this is reported.
inline constexpr double kReportedCorrelation = 0.9;

// The answer to a question from the law with other parameters; an error where the law
// then has none. Pure.
using Answer = std::function<absl::StatusOr<double>(const std::vector<double>& theta)>;

struct ExplainOptions {
  // Unset: nothing is asked, and nothing has an influence.
  Answer answer;
  // Runs of the largest influence that are left out in turn and refitted.
  int run_refit_count = 5;
  // The same of trunks. One step is a guess for them: much of the data goes with each.
  int trunk_refit_count = 64;
  std::function<bool()> cancelled;
};

// How an answer changes if something is left out of the fit.
struct Influence {
  // By one step of the objective without it (influence.h); unset where the law then has no
  // answer.
  std::optional<double> one_step;
  // By a refit from the same optimum, for those of the largest one_step.
  std::optional<double> refit;
};

struct ExplainedRun {
  int row = 0;                 // index in the data set
  double residual = 0;         // ln L(run) - ln(loss)
  double scaled_residual = 0;  // in robust scales
  bool is_outlier = false;
  double leverage = 0;  // share of its own loss in what the law says there, 0 to 1
  Influence influence;
};

struct ExplainedTrunk {
  int trunk = 0;  // Observation::trunk
  int run_count = 0;
  double mean_residual = 0;
  Influence influence;
};

struct Correlation {
  std::string first;
  std::string second;
  double value = 0;
};

// A combination of parameters, and how well the runs tell it.
struct Direction {
  struct Part {
    std::string parameter;
    double weight = 0;
  };
  double singular_value = 0;  // of the scaled Jacobian
  double standard_error = 0;  // 1 / singular_value
  std::vector<Part> parts;    // the larger ones, largest first; squares add up to .9 or more
};

struct Explanation {
  std::optional<double> answer;           // of the fit itself
  std::vector<ExplainedRun> runs;         // of the fit, in the order of the data set
  std::vector<ExplainedTrunk> trunks;     // of at least two runs, in the order of their numbers
  std::vector<Correlation> correlations;  // by size, largest first
  std::vector<Direction> directions;      // worst determined first
  double robust_scale = 0;
};

// Explains `law`, which was fitted to `data` with `options` as the fit resolved them
// (FitResult::resolved_options).
//
// Errors:
// - those of the answer, asked of the fit itself.
// - CANCELLED.
absl::StatusOr<Explanation> ExplainFit(const Dataset& data,
                                       const FitOptions& options,
                                       const FittedLaw& law,
                                       const ExplainOptions& explain);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_EXPLAIN_H_
