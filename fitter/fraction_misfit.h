// How far the best QAT fractions of a law are from those measured. Pure function,
// thread-safe.

#ifndef BITBUDGET_FITTER_FRACTION_MISFIT_H_
#define BITBUDGET_FITTER_FRACTION_MISFIT_H_

#include <optional>
#include <span>

#include "fitter/fit.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// Measured optima that a comparison needs: fewer tell no scatter.
inline constexpr int kLeastComparedOptima = 3;

// Logit of the QAT fraction of least loss by the law; nullopt if the loss falls all the
// way to an end.
std::optional<double> OptimalLogit(const FittedLaw& law,
                                   double parameters,
                                   double weight_bits,
                                   double total_tokens);

// True if the loss by the law depends on how tokens are split.
bool KnowsFraction(const Law& law);

// Compares the law with the runs of `data` with the indices `rows` (FP_THEN_QAT
// rows), cell by cell (see measured_optima.h).
//
// p_value asks whether the runs would have the law's curve over logit f elsewhere:
// chi squared of the shift, to first order, that would fit each cell best, by the
// noise of replicates. All cells count, and no optimum is picked by its noise.
//
// logit_stddev says how far elsewhere: the excess of the differences between
// measured optima and the law's over the errors of the measured ones, after Paule
// and Mandel (1982): added to these it makes the weighted mean square 1. The error
// of a measured optimum is its standard error or, if larger, what runs of the law's
// own curve would allow: noise may have picked the three fractions that tell it. 0
// with a p_value above kLeastPValue.
//
// published_logit_rms is logit_rms of the published law of the fraction on the same
// optima: a law of the loss that is farther from them than one that was fitted to none
// is no better for having been fitted.
//
// Unset if there are no replicates, or fewer than kLeastComparedOptima.
std::optional<FractionMisfit> MeasureFractionMisfit(const Dataset& data,
                                                    std::span<const int> rows,
                                                    const FittedLaw& law);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_FRACTION_MISFIT_H_
