// Which questions a fitted law answers, and what its data must have for it: the
// only place with these rules.
//
//   question                 the law needs                the data need
//   full-precision loss      a term without a width       sizes and budgets, see below
//   loss of an FP-QAT run    terms for this width;        sizes, budgets, widths and
//                            both token counts > 0        fractions, see below
//   best split, checkpoints  terms in fp_tokens and       the same, and
//                            in qat_tokens                kMinSplitFractions fractions
//   ranking of widths        the same                     the same, and widths on both sides
//                                                         of each, or at it
//   best size                the same                     the same, and kMinFreeSizes sizes
//
// A law is asked about an axis (size, budget, width, fraction) on which its data
// have one level only: the answer at that level rests on data, any other one on
// the law's form alone, and is refused with the axis named. With two levels or
// more the law interpolates or extrapolates, and OutsideData says how far.

#ifndef BITBUDGET_PLANNER_CAPABILITY_H_
#define BITBUDGET_PLANNER_CAPABILITY_H_

#include <optional>
#include <span>

#include "absl/status/status.h"
#include "planner/answer.h"

namespace bitbudget::planner {

// An optimum between two measured fractions cannot be told from a slope.
inline constexpr int kMinSplitFractions = 3;

// One size tells no dependence on it.
inline constexpr int kMinFreeSizes = 2;

// OK if the law and its data can tell the loss of `run`.
//
// Errors:
// - OUT_OF_RANGE: a quantized run without one of its phases, or 16 bits with QAT
//   tokens.
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: see above.
absl::Status CheckLossQuestion(const FittedLaw& law, const RunPoint& run);

// OK if the data have this size and width, or at least two levels of each to go by.
absl::Status CheckMeasuredAxes(const fitter::DataSupport& data,
                               double parameters,
                               double weight_bits);

// OK if they can tell how to split a budget at this N and B. Errors as above.
absl::Status CheckSplitQuestion(const FittedLaw& law, double parameters, double weight_bits);

// OK if they can rank `weight_bits` (at least one), each at its best split, at
// `parameters` or, if unset, at sizes of choice. Errors as above; also
// FAILED_PRECONDITION for a width below the least or above the largest measured one:
// a comparison must not hang on an extrapolated width.
absl::Status CheckWidthsQuestion(const FittedLaw& law,
                                 std::optional<double> parameters,
                                 std::span<const double> weight_bits);

// The refusal of a split question whose law has no optimum between 0 and 1.
absl::Status NoInteriorOptimum(const FittedLaw& law);

// The same at the size, width and total tokens of `question`: OUT_OF_RANGE if these are
// so far outside the data that these have no say in it.
absl::Status NoInteriorOptimumAt(const FittedLaw& law, const RunPoint& question);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_CAPABILITY_H_
