#include "fitter/fitted_rows.h"

#include "fitter/laws/compute_optimal_qat.h"
#include "fitter/row_selection.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {

double WeightOf(const Observation& row, const Law& law, const FitOptions& options) {
  const bool is_weighted = law.family == kComputeOptimalQat && row.role == RunRole::kFullPrecision;
  return is_weighted ? options.full_precision_weight : 1;
}

std::vector<Measurement> MeasurementsOf(const Dataset& data,
                                        const std::vector<int>& rows,
                                        const Law& law,
                                        const FitOptions& options) {
  std::vector<Measurement> measurements;
  measurements.reserve(rows.size());
  for (const int i : rows) {
    const Observation& row = data.rows[i];
    measurements.push_back({.point = PointOf(law, row, data.labels),
                            .loss_nats = row.loss_nats,
                            .weight = WeightOf(row, law, options)});
  }
  return measurements;
}

absl::StatusOr<FittedRows> RowsOfFit(const Dataset& data,
                                     const FitOptions& options,
                                     const FittedLaw& law) {
  ASSIGN_OR_RETURN(RowSelection selection, SelectRows(data, law.law, options));
  FittedRows result{.rows = std::move(selection.rows)};
  result.measurements = MeasurementsOf(data, result.rows, law.law, options);
  for (const Measurement& measurement : result.measurements) {
    result.log_fitted.push_back(LogLoss(law.law, law.theta, measurement.point));
  }
  return result;
}

}  // namespace bitbudget::fitter
