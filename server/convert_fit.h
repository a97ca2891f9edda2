// Between fits as they are stored and as the fitter and the planner know them. A
// stored fit has all that answers need. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_CONVERT_FIT_H_
#define BITBUDGET_SERVER_CONVERT_FIT_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/fit.pb.h"
#include "fitter/bootstrap.h"
#include "fitter/fit.h"

namespace bitbudget::server {

// The result part of a fit. `support` is of the rows fitted; it is part of the
// result only where the result has a law.
v1::Fit ToFit(const fitter::FitResult& result, const fitter::DataSupport& support);

// Adds the draws of a bootstrap to its fit; not its options.
void SetBootstrap(const fitter::Bootstrap& bootstrap, v1::Fit& fit);

// What a stored fit answers questions with.
struct AnsweringLaw {
  std::optional<fitter::FittedLaw> law;  // unset on the rung "qat_fraction"
  std::optional<fitter::FittedLaw> full_precision_law;
  std::optional<fitter::FractionLaw> fraction_law;
  // law->theta by full_precision_law->theta, row-major; empty without both.
  std::vector<double> cross_covariance;
  fitter::DataSupport support;
  // N counts embedding and head.
  bool counts_embeddings = false;
};

// The inverse of ToFit. DATA_LOSS, DATABASE_DAMAGED if the coefficients are not
// those of its variant.
absl::StatusOr<AnsweringLaw> ToAnsweringLaw(const v1::Fit& fit);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONVERT_FIT_H_
