#include "fitter/fitted_rows.h"

#include "fitter/laws/compute_optimal_qat.h"
#include "fitter/row_selection.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {

absl::StatusOr<FittedRows> RowsOfFit(const Dataset& data,
                                     const FitOptions& options,
                                     const FittedLaw& law) {
  ASSIGN_OR_RETURN(RowSelection selection, SelectRows(data, law.law, options));
  FittedRows result{.rows = std::move(selection.rows)};
  for (const int i : result.rows) {
    const Observation& row = data.rows[i];
    const bool is_weighted =
        law.law.family == kComputeOptimalQat && row.role == RunRole::kFullPrecision;
    result.measurements.push_back({.point = PointOf(law.law, row, data.labels),
                                   .loss_nats = row.loss_nats,
                                   .weight = is_weighted ? options.full_precision_weight : 1});
    result.log_fitted.push_back(LogLoss(law.law, law.theta, result.measurements.back().point));
  }
  return result;
}

}  // namespace bitbudget::fitter
