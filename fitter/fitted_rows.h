// The rows of a fit as its law sees them: what a refit begins with. Pure functions,
// thread-safe.

#ifndef BITBUDGET_FITTER_FITTED_ROWS_H_
#define BITBUDGET_FITTER_FITTED_ROWS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "fitter/design.h"
#include "fitter/fit.h"

namespace bitbudget::fitter {

struct FittedRows {
  std::vector<int> rows;  // indices into the data set, ascending
  // In the same order.
  std::vector<Measurement> measurements;
  std::vector<double> log_fitted;  // ln of the law's loss
};

// The rows that `options`, resolved by a fit, select for `law`, with their weights.
// `law` may be the fit's own or its full-precision law. Errors as SelectRows.
absl::StatusOr<FittedRows> RowsOfFit(const Dataset& data,
                                     const FitOptions& options,
                                     const FittedLaw& law);

// Weight of a row in the objective of a law.
double WeightOf(const Observation& row, const Law& law, const FitOptions& options);

// The rows of `data` with the indices `rows` as `law` sees them, with their weights.
std::vector<Measurement> MeasurementsOf(const Dataset& data,
                                        const std::vector<int>& rows,
                                        const Law& law,
                                        const FitOptions& options);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_FITTED_ROWS_H_
