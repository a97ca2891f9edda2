// Draws of the parameters of a fit by refitting data like those that were measured:
// what intervals by the delta method are checked against, and replaced by where the
// law is far from linear. A function of its arguments; thread-safe.

#ifndef BITBUDGET_FITTER_BOOTSTRAP_H_
#define BITBUDGET_FITTER_BOOTSTRAP_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/fit.h"

namespace bitbudget::fitter {

enum class BootstrapMethod {
  // Losses of the fitted law with normal noise, of a trunk and of a run, as strong as
  // the fit found it.
  kParametric,
  // Losses of the fitted law with its own residuals: mean residuals of trunks and
  // what is left of each run, each times a random factor (Webb's six points), the
  // same for all runs of a trunk. Of trunks alone, eight would span eight directions
  // for sixteen parameters.
  kWild,
  // The measured losses: within every model size trunks are drawn with replacement,
  // as weights. Too narrow where a size has few trunks.
  kResample,
};

// Fewer tell no interval; more cost memory of every answer.
inline constexpr int kMinBootstrapDraws = 20;
inline constexpr int kMaxBootstrapDraws = 2000;

struct BootstrapOptions {
  BootstrapMethod method = BootstrapMethod::kParametric;
  int draw_count = 200;
  int64_t seed = 0;
  // Polled between draws; true stops with CANCELLED. May be empty.
  std::function<bool()> cancelled;
};

// Draws of the parameters of one law.
struct ParameterDraws {
  int parameter_count = 0;
  std::vector<double> theta;  // row-major, a row a draw
};

struct Bootstrap {
  ParameterDraws law;
  // Of the full-precision law, from the same noise draw by draw; empty without it.
  ParameterDraws full_precision_law;
  int draw_count = 0;
  int converged_count = 0;  // draws whose refit of the law converged
  int at_bound_count = 0;   // draws with a parameter at a bound that the fit has inside
};

// Refits `fit`, which FitLaw returned for `data`, from its own optimum with its own
// delta. The variant stays; parameters that the design holds are held.
//
// Errors:
// - INVALID_ARGUMENT: draw_count outside its range.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: the fit has no law of losses.
// - CANCELLED.
absl::StatusOr<Bootstrap> BootstrapFit(const Dataset& data,
                                       const FitResult& fit,
                                       const BootstrapOptions& options);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_BOOTSTRAP_H_
