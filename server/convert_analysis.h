// Comparisons of laws and explanations of fits between contract and fitter. Pure,
// thread-safe.

#ifndef BITBUDGET_SERVER_CONVERT_ANALYSIS_H_
#define BITBUDGET_SERVER_CONVERT_ANALYSIS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/fit.pb.h"
#include "fitter/explain.h"
#include "fitter/law_comparison.h"

namespace bitbudget::server {

// The laws to compare; without any, all variants of `family`. INVALID_ARGUMENT for an
// unknown family.
absl::StatusOr<std::vector<fitter::Candidate>> ToCandidates(const v1::CompareLawsRequest& request,
                                                            const std::string& family);

v1::LawComparison ToMessage(const fitter::LawComparison& comparison);

// The parts of an explanation that name no runs.
v1::ExplainFitResponse ToMessage(const fitter::Explanation& explanation,
                                 const fitter::FittedLaw& law);

v1::ExplainFitResponse::Run ToMessage(const fitter::ExplainedRun& run, bool has_answer);
v1::ExplainFitResponse::Trunk ToMessage(const fitter::ExplainedTrunk& trunk, bool has_answer);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONVERT_ANALYSIS_H_
