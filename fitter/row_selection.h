// Which rows a fit takes, and why it leaves the others.

#ifndef BITBUDGET_FITTER_ROW_SELECTION_H_
#define BITBUDGET_FITTER_ROW_SELECTION_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/fit.h"

namespace bitbudget::fitter {

struct RowSelection {
  std::vector<int> rows;  // indices into the data set, ascending
  std::map<LeaveOutReason, int64_t> left_out;
  // As given, with schedule, recipe and optimizer set to those of the rows taken
  // (unset if no row has one to say).
  FitOptions options;
};

// Rows that `law` describes and `options` let through. A row left out for several
// reasons counts for the first in the order of LeaveOutReason. Schedule and recipe
// apply to QAT rows alone.
//
// Errors:
// - FAILED_PRECONDITION, DATA_CANNOT_ANSWER: the rows hold several schedules,
//   recipes or optimizers and the option is unset, or none has the one asked for;
//   names the values found.
absl::StatusOr<RowSelection> SelectRows(const Dataset& data,
                                        const Law& law,
                                        const FitOptions& options);

// FAILED_PRECONDITION, DATA_CANNOT_ANSWER for a selection without rows: how many
// were left out for which reason.
absl::Status NoRowLeft(const RowSelection& selection);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_ROW_SELECTION_H_
