// From experiments and options of the contract to the values of the fitter.
// Together with convert_fit.h (fits) and convert_planner.h (questions and answers)
// the only place where the two meet. Pure, thread-safe where not said otherwise.

#ifndef BITBUDGET_SERVER_CONVERT_H_
#define BITBUDGET_SERVER_CONVERT_H_

#include <string>
#include <string_view>
#include <unordered_map>

#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/fit.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "fitter/bootstrap.h"
#include "fitter/fit.h"
#include "fitter/observation.h"

namespace bitbudget::server {

// Turns experiments into observations and gives their labels and trunks
// numbers. One for each Dataset; not thread-safe.
class ObservationConverter {
 public:
  explicit ObservationConverter(v1::ParameterConvention convention) : convention_(convention) {}

  // Appends a stored experiment to `data`, the same one on every call.
  void Append(const v1::Experiment& experiment, fitter::Dataset& data);

 private:
  int LabelIndex(const std::string& label, fitter::Dataset& data);
  int TrunkIndex(const std::string& trunk);

  v1::ParameterConvention convention_;
  std::unordered_map<std::string, int> labels_;
  std::unordered_map<std::string, int> trunks_;
};

// Valid options of a study of law `law` as the fitter takes them; what is unset
// gets its default.
fitter::FitOptions ToFitterOptions(const v1::FitOptions& options, std::string_view law);

// The reverse, every field set that has a value.
v1::FitOptions FromFitterOptions(const fitter::FitOptions& options);

// A bootstrap as the fitter takes it; what is unset gets its default.
fitter::BootstrapOptions ToFitterBootstrap(const v1::BootstrapOptions& options);

// The reverse, every field set.
v1::BootstrapOptions FromFitterBootstrap(const fitter::BootstrapOptions& options);

// True if both ask for the same fit: unset and stated defaults are equal.
bool AreSameOptions(const v1::FitOptions& a, const v1::FitOptions& b, std::string_view law);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONVERT_H_
