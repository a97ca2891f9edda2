// A fit as a function of stored inputs: what the scheduler, RunFit and ReplayFit
// have in common. Pure but for the time it takes, thread-safe.

#ifndef BITBUDGET_SERVER_COMPUTE_FIT_H_
#define BITBUDGET_SERVER_COMPUTE_FIT_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/fit.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "fitter/fit.h"
#include "server/row_cache.h"

namespace bitbudget::server {

// Everything that decides the bits of a fit.
struct FitTask {
  std::string law;
  v1::FitOptions options;  // as asked for
  v1::ParameterConvention convention = v1::NON_EMBEDDING;
  const FittingRows* rows = nullptr;  // borrowed, never null
  std::vector<fitter::Start> warm_starts;
  std::optional<v1::BootstrapOptions> bootstrap;
};

struct ComputedFit {
  fitter::FitResult result;
  // The same as a record with its inputs; the store adds name, time and hash.
  v1::Fit fit;
};

// Computes it. `cancelled` is polled. Errors as fitter::FitLaw.
absl::StatusOr<ComputedFit> ComputeFit(const FitTask& task, std::function<bool()> cancelled);

// Version of this program.
std::string SoftwareVersion();

// What decides the last bits of a result beside the program's version.
std::string BuildDescription();

// Paths of the fields in which two fits differ, for example
// "coefficients[3].value", ascending in the order of the message. Names, times,
// hashes and the program that computed them do not count.
std::vector<std::string> DifferingFields(const v1::Fit& a, const v1::Fit& b);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_COMPUTE_FIT_H_
