// Estimates a law from measured runs.
//
// The objective is the sum over rows of the Huber function of the residual
// ln L(run) - ln(loss), over the law's bounds. Starting points are drawn,
// completed by non-negative least squares, screened and polished; the best one
// wins. A fit is a function of its arguments: same rows, options and starts give
// the same bits on the same build. Pure, thread-safe.
//
// Sources: arXiv 2509.22935 (law, joint fit with full-precision runs), arXiv
// 2404.10102 (objective), docs/design.md (why each step).

#ifndef BITBUDGET_FITTER_FIT_H_
#define BITBUDGET_FITTER_FIT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/law.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

struct FitOptions {
  std::string family = "compute_optimal_qat";
  // Rung to fit; unset: climb the ladder down until the data identify one.
  std::optional<std::string> variant;
  // Width of the quadratic zone in log loss; > 0. Unset: 1.345 times the robust
  // residual scale.
  std::optional<double> huber_delta;
  int64_t seed = 0;
  int start_count = 64;  // drawn and screened; >= 1
  int polish_count = 4;  // polished at least; 1 to start_count
  // Weight of a full-precision row in the QAT law; >= 0, 0 leaves them out.
  double full_precision_weight = 1;
  // Rows to take; unset: the only one in the data.
  std::optional<std::string> schedule;
  std::optional<std::string> recipe;
  std::optional<std::string> optimizer;
  double min_fp_tokens = 0;
  // Polled between iterations; true stops the fit with CANCELLED. May be empty.
  std::function<bool()> cancelled;
};

// A starting point of the search.
struct Start {
  std::string variant;
  std::vector<double> theta;  // one entry a parameter of the variant
};

enum class Termination { kConverged, kIterationLimit };

// A closed range.
struct Interval {
  double lower = 0;
  double upper = 0;
};

// Which data a fit saw: the box outside which an answer is an extrapolation, and
// the levels of each axis.
struct DataSupport {
  Interval parameters;
  Interval total_tokens;
  Interval fp_tokens;
  Interval qat_tokens;                  // of QAT rows; 0 to 0 if there are none
  Interval qat_fraction;                // of QAT rows
  Interval tokens_per_parameter_byte;   // of QAT rows, over all tokens
  std::vector<double> weight_bits;      // of QAT rows, ascending
  Interval group_size;                  // of QAT rows; 0 where none is stated
  Interval tokens_per_parameter;        // of published laws that print it; else 0
  Interval compute_flops;               // likewise, 6 a parameter and token
  std::vector<std::string> optimizers;  // of all rows, ascending; "" where unstated
  int parameters_level_count = 0;
  int total_tokens_level_count = 0;
  int qat_fraction_level_count = 0;
  int qat_row_count = 0;
  int full_precision_row_count = 0;
};

// How far a law itself is off, beyond all noise: what more runs of the same design
// would not average out. 0 where the runs do not show any, or cannot.
struct Misfit {
  double loss_stddev = 0;            // log loss of a design
  double logit_fraction_stddev = 0;  // logit of the best QAT fraction
  // Degrees of freedom behind the latter; at least 1 if it is not 0.
  double fraction_degrees_of_freedom = 0;
  double log_excess_stddev = 0;  // ln of what a split of one tenth costs over the best
};

// A law with its estimated parameters: all that a planner needs.
struct FittedLaw {
  Law law;
  std::vector<double> theta;
  // Row-major, parameter_count squared. Zero rows for parameters that are not
  // identified or at a bound.
  std::vector<double> covariance;
  std::vector<bool> identified;  // by parameter
  std::vector<bool> at_bound;    // by parameter
  double run_stddev = 0;         // log loss, a run about its trunk; contains misfit
  double trunk_stddev = 0;       // log loss, offset shared by the runs of a trunk
  Misfit misfit;
  // Draws of theta by a bootstrap (bootstrap.h), row-major, a row a draw; empty
  // without one.
  std::vector<double> draws;
  // Degrees of freedom for intervals; at least 1.
  double degrees_of_freedom = 1;
  DataSupport support;
};

struct RungReport {
  std::string variant;
  bool accepted = false;
  std::string explanation;
};

// See bitbudget.v1.LackOfFit.
struct LackOfFit {
  double replicate_stddev = 0;
  int replicate_degrees_of_freedom = 0;
  double misfit_rms = 0;
  double f_ratio = 0;
  double p_value = 0;
  double misfit_stddev = 0;
};

// See bitbudget.v1.FractionMisfit.
struct FractionMisfit {
  int optimum_count = 0;
  double logit_rms = 0;
  double p_value = 0;
  double logit_stddev = 0;
  std::optional<double> published_logit_rms;
};

// f* = exp(-a / ln S), fitted to measured optima by least absolute error.
struct FractionLaw {
  double a = 0;
  double a_stderr = 0;
  int optimum_count = 0;
  int bound_count = 0;  // cells that bound the optimum, see FitFractionLaw
  double mean_absolute_error = 0;
  // Robust standard deviation of ln of the coefficients that single optima ask for: by
  // so much one more optimum may differ.
  double log_a_scatter = 0;
};

// Where the best fraction lies beside the one stated.
enum class OptimumBound { kExact, kAtMost, kAtLeast };

// Best fraction of the runs at one model size, width and budget.
struct MeasuredOptimum {
  double parameters = 0;
  double weight_bits = 0;
  double total_tokens = 0;               // mean of the runs
  double tokens_per_parameter_byte = 0;  // of all tokens
  double qat_fraction = 0;
  OptimumBound bound = OptimumBound::kExact;
  // Fractions at which an optimum shows: beyond the middle, in logit f, between an
  // outermost fraction and its neighbour, the outermost one has the least loss.
  Interval measurable;
  // Of exact ones. From the scatter of replicates; unset if the data have none.
  std::optional<double> qat_fraction_stderr;
  double log_loss = 0;  // at the optimum, if exact
};

// How one search went.
struct SearchReport {
  double objective = 0;
  double huber_delta = 0;
  Termination termination = Termination::kConverged;
  int start_count = 0;
  int polished_start_count = 0;
  int agreeing_start_count = 0;  // polished starts within 1e-6 of the best
  double residual_rms = 0;
  double residual_robust_scale = 0;
  double r_squared = 0;
};

struct FitResult {
  // Unset only on the last rung, "qat_fraction".
  std::optional<FittedLaw> law;
  std::string variant;
  SearchReport search;
  int64_t row_count = 0;  // rows fitted
  std::map<LeaveOutReason, int64_t> rows_left_out;
  int trunk_count = 0;
  bool is_trunk_confounded_with_size = false;  // see IsTrunkConfoundedWithSize
  std::optional<LackOfFit> lack_of_fit;
  std::optional<FractionMisfit> fraction_misfit;
  std::vector<RungReport> ladder;
  std::vector<double> singular_values;  // of the scaled Jacobian, descending
  std::vector<std::string> not_identified;
  std::vector<std::string> warnings;
  // Chinchilla law of the full-precision rows alone, if they identify one.
  std::optional<FittedLaw> full_precision_law;
  std::optional<SearchReport> full_precision_search;
  int64_t full_precision_row_count = 0;
  std::optional<FractionLaw> fraction_law;
  // What the runs say by themselves, exact or as bounds; none where losses do not vary
  // with the fraction by more than noise, or nothing tells the noise.
  std::vector<MeasuredOptimum> measured_optima;
  // Covariance between law.theta (rows) and full_precision_law.theta (columns),
  // row-major; empty without both.
  std::vector<double> cross_covariance;
  // Options with every default replaced by the value in force.
  FitOptions resolved_options;
};

// Fits a law.
//
// With `warm_starts` of the variant reached, those are polished instead of a
// fresh search; the result says so through start_count. The caller decides when
// a warm search is good enough (see NeedsColdSearch).
//
// Errors:
// - INVALID_ARGUMENT: an option outside its range, an unknown family or variant.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: the rows identify no variant, or
//   mix schedules, recipes or optimizers; says which.
// - CANCELLED: options.cancelled returned true.
absl::StatusOr<FitResult> FitLaw(const Dataset& data,
                                 const FitOptions& options,
                                 const std::vector<Start>& warm_starts = {});

// True if `warm`, found from the optimum of `previous`, may be a worse optimum
// than a search from scratch would find: another variant, more than a tenth of
// the rows new since the last full search, or a residual scale that has grown.
bool NeedsColdSearch(const FitResult& previous,
                     const FitResult& warm,
                     int64_t rows_since_cold_search);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_FIT_H_
