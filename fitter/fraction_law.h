// The law of the optimal QAT fraction with one coefficient,
//
//   f* = exp(-a / ln S),   S = tokens per byte of quantized parameters > 1,
//
// fitted to optima read off the measured runs themselves: the last resort where
// the data identify no law of the loss. Source: arXiv 2509.22935. Pure functions,
// thread-safe.

#ifndef BITBUDGET_FITTER_FRACTION_LAW_H_
#define BITBUDGET_FITTER_FRACTION_LAW_H_

#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/fit.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// Best fraction of the runs at one model size, width and budget.
struct MeasuredOptimum {
  double parameters = 0;
  double weight_bits = 0;
  double total_tokens = 0;               // mean of the runs
  double tokens_per_parameter_byte = 0;  // of all tokens
  double qat_fraction = 0;
  // From the scatter of replicates; unset if the data have none.
  std::optional<double> qat_fraction_stderr;
  double log_loss = 0;  // at the optimum
};

struct FractionLawFit {
  FractionLaw law;
  // Ascending by parameters, weight_bits, total_tokens; those that the law was
  // fitted to and those at S <= 1, where it is undefined.
  std::vector<MeasuredOptimum> optima;
};

// Optima of the rows of `data` with the indices `rows` (FP_THEN_QAT rows): where
// a size, width and budget has at least 3 fractions and the mean log loss is
// least at none of the outermost, the vertex of the parabola in logit f through
// the least point and its neighbours.
std::vector<MeasuredOptimum> FindMeasuredOptima(const Dataset& data, std::span<const int> rows);

// Fits the law by least mean absolute error of the fraction. The standard error
// of `a` is from the scatter of the optima about the law.
//
// Errors:
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: fewer than 2 optima at S > 1; names
//   the axis with too few levels.
absl::StatusOr<FractionLawFit> FitFractionLaw(const Dataset& data, std::span<const int> rows);

// f* at `tokens_per_parameter_byte` > 1.
double PredictOptimalFraction(double a, double tokens_per_parameter_byte);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_FRACTION_LAW_H_
