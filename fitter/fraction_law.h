// The law of the optimal QAT fraction with one coefficient,
//
//   f* = exp(-a / ln S),   S = tokens per byte of quantized parameters > 1,
//
// fitted to optima read off the measured runs themselves: the last resort where
// the data identify no law of the loss. Source: arXiv 2509.22935. Pure functions,
// thread-safe.

#ifndef BITBUDGET_FITTER_FRACTION_LAW_H_
#define BITBUDGET_FITTER_FRACTION_LAW_H_

#include "absl/status/statusor.h"
#include "fitter/fit.h"
#include "fitter/measured_optima.h"

namespace bitbudget::fitter {

inline constexpr char kFractionFormula[] = "f = exp(-a / ln S)";

// Fits the law to the optima of `search` by least absolute error of the fraction; those
// at S <= 1, where it is undefined, are left out. Cells whose least loss is at an
// outermost fraction take part as the bounds that they are, and every prediction counts
// as clipped to what its cell could have shown: without both, the optima that happen to
// lie among the measured fractions would pass for all of them (Powell 1984, Journal of
// Econometrics 25). The standard error of `a` is from the scatter of the optima about the
// law.
//
// Errors:
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: fewer than 2 optima at S > 1, or the
//   losses do not vary with the fraction by more than noise, or nothing tells the
//   noise; names the axis with too few levels.
absl::StatusOr<FractionLaw> FitFractionLaw(const OptimumSearch& search);

// f* at `tokens_per_parameter_byte` > 1.
double PredictOptimalFraction(double a, double tokens_per_parameter_byte);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_FRACTION_LAW_H_
