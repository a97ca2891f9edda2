// Checks of the options of a fit.

#ifndef BITBUDGET_FITTER_FIT_OPTIONS_H_
#define BITBUDGET_FITTER_FIT_OPTIONS_H_

#include "absl/status/status.h"
#include "fitter/bootstrap.h"
#include "fitter/fit.h"

namespace bitbudget::fitter {

// The variant that is no sum of power laws and has no Law: see fraction_law.h.
inline constexpr char kFractionVariant[] = "qat_fraction";

inline constexpr int kMaxStartCount = 10'000;
inline constexpr double kMaxFullPrecisionWeight = 100;
inline constexpr double kMaxHuberDelta = 1;

// INVALID_ARGUMENT naming every field out of its range, as fit_options.<field>.
// The family and the variant are checked where they are looked up.
absl::Status CheckFitOptions(const FitOptions& options);

// The same as bootstrap.<field>.
absl::Status CheckBootstrapOptions(const BootstrapOptions& options);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_FIT_OPTIONS_H_
