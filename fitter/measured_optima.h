// Optimal QAT fractions read off the measured runs themselves, without a law of the
// loss. Pure functions, thread-safe.

#ifndef BITBUDGET_FITTER_MEASURED_OPTIMA_H_
#define BITBUDGET_FITTER_MEASURED_OPTIMA_H_

#include <optional>
#include <span>
#include <vector>

#include "fitter/observation.h"

namespace bitbudget::fitter {

// Fractions that a parabola through the loss needs.
inline constexpr int kNeededFractions = 3;

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

// What the runs say about optima. A cell is the runs of one size, width and budget.
struct OptimumSearch {
  std::vector<MeasuredOptimum> optima;  // ascending by parameters, weight_bits, total_tokens
  std::vector<double> cell_budgets;     // of each cell with kNeededFractions or more
  std::vector<double> most_fractions;   // of the cell with most, ascending
};

// Finds the optima of the rows of `data` with the indices `rows` (FP_THEN_QAT
// rows): where a cell has kNeededFractions or more and the mean log loss is least
// at none of the outermost, the vertex of the parabola in logit f through the least
// point and its neighbours.
OptimumSearch FindMeasuredOptima(const Dataset& data, std::span<const int> rows);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_MEASURED_OPTIMA_H_
