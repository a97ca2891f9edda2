// Optimal QAT fractions read off the measured runs themselves, without a law of the
// loss. Pure functions, thread-safe.

#ifndef BITBUDGET_FITTER_MEASURED_OPTIMA_H_
#define BITBUDGET_FITTER_MEASURED_OPTIMA_H_

#include <optional>
#include <span>
#include <vector>

#include "fitter/fit.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// Fractions that a parabola through the loss needs.
inline constexpr int kNeededFractions = 3;

// The runs of one size, width, budget and fraction.
struct FractionLevel {
  double qat_fraction = 0;  // mean
  double total_tokens = 0;  // mean
  double log_loss = 0;      // mean
  std::vector<const Observation*> runs;
};

// The runs of one size, width and budget.
struct FractionCell {
  double parameters = 0;
  double weight_bits = 0;
  std::vector<FractionLevel> levels;  // ascending by fraction
  // See FindMeasuredOptima; unset if the least loss is at an outermost fraction.
  std::optional<MeasuredOptimum> optimum;
};

// Whether mean losses of the fractions of a cell differ by more than noise: the F
// test of a mean a fraction against none, over all cells with kNeededFractions or
// more, after removing the offset of each trunk. Noise is the scatter of replicates;
// without any, that of the means about a parabola in logit f.
struct FractionDependence {
  double f_ratio = 0;  // infinite if there is no noise
  double p_value = 0;
  bool has_replicates = false;
};

// What the runs say about optima.
struct OptimumSearch {
  // Exact ones, and what cells with their least loss at an outermost fraction say. Both
  // ascending by parameters, weight_bits, total_tokens.
  std::vector<MeasuredOptimum> optima;
  std::vector<MeasuredOptimum> bounds;
  std::vector<FractionCell> cells;     // with kNeededFractions or more; refer to the data
  std::vector<double> most_fractions;  // of the cell with most, ascending
  // Unset if nothing tells the noise: no replicates, and nowhere a fourth fraction.
  std::optional<FractionDependence> dependence;
  // Of log loss between replicates, about the offset of their trunk; unset without.
  std::optional<double> run_variance;
};

// Finds the optima of the rows of `data` with the indices `rows` (FP_THEN_QAT
// rows): where a cell has kNeededFractions or more and the mean log loss is least
// at none of the outermost, the vertex of the parabola in logit f through the least
// point and its neighbours; where it is, the end of the measurable range, as a bound.
OptimumSearch FindMeasuredOptima(const Dataset& data, std::span<const int> rows);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_MEASURED_OPTIMA_H_
