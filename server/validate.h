// Every rule of the contract about a single request, checked once, here, before
// anything else looks at it. Each function returns all violations at once, with
// paths as in the request; none means valid. Rules that need the database (does
// the study exist?) are not here. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_VALIDATE_H_
#define BITBUDGET_SERVER_VALIDATE_H_

#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/fit.pb.h"
#include "bitbudget/v1/planner.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "server/field_rules.h"

namespace bitbudget::server {

// Rows that one message of a stream or one batch may have.
inline constexpr int kMostRowsInMessage = 10'000;
// Rows that one import may have.
inline constexpr int64_t kMostRowsInImport = 1'000'000;

// Studies.
FieldViolations Validate(const v1::CreateStudyRequest& request);
FieldViolations Validate(const v1::GetStudyRequest& request);
FieldViolations Validate(const v1::ListStudiesRequest& request);
// Name, mask and request_id; the fields themselves are checked as part of the
// study that results.
FieldViolations Validate(const v1::UpdateStudyRequest& request);
FieldViolations Validate(const v1::DeleteStudyRequest& request);
FieldViolations Validate(const v1::BackupRequest& request);

// The writable fields of a study.
FieldViolations ValidateStudy(const v1::Study& study);

// Experiments. Rows of a request are checked by ValidateExperiment.
FieldViolations Validate(const v1::CreateExperimentRequest& request);
FieldViolations Validate(const v1::BatchCreateExperimentsRequest& request);
// A message of an import; only the first may have more than rows.
FieldViolations Validate(const v1::ImportExperimentsRequest& request, bool is_first);
FieldViolations Validate(const v1::ExportExperimentsRequest& request);
FieldViolations Validate(const v1::GetExperimentRequest& request);
FieldViolations Validate(const v1::ListExperimentsRequest& request);
FieldViolations Validate(const v1::ExcludeExperimentsRequest& request);
FieldViolations Validate(const v1::IncludeExperimentsRequest& request);

// The writable fields of a run in a study of this convention.
FieldViolations ValidateExperiment(const v1::Experiment& experiment,
                                   v1::ParameterConvention convention);

// Brings a valid run into the form that is stored: output-only fields cleared,
// role derived, activation_bits unset if 16.
void Canonicalize(v1::Experiment& experiment);

// Fits. The options are checked against the law of the study.
FieldViolations Validate(const v1::RunFitRequest& request);
FieldViolations Validate(const v1::GetFitRequest& request);
FieldViolations Validate(const v1::ListFitsRequest& request);
FieldViolations Validate(const v1::WatchFitsRequest& request);
FieldViolations Validate(const v1::ReplayFitRequest& request);
FieldViolations Validate(const v1::CompareLawsRequest& request);
FieldViolations Validate(const v1::GetLawComparisonRequest& request);
FieldViolations Validate(const v1::ListLawComparisonsRequest& request);
// As for planning questions below; the answer's source is not read.
absl::Status Check(const v1::ExplainFitRequest& request);
FieldViolations ValidateFitOptions(const v1::FitOptions& options, std::string_view law);

// Planning questions: INVALID_ARGUMENT for a broken rule, OUT_OF_RANGE for a
// fraction to compare with of exactly 0 or 1.
absl::Status Check(const v1::PredictLossRequest& request);
absl::Status Check(const v1::OptimizeQatFractionRequest& request);
absl::Status Check(const v1::EvaluateGridRequest& request);
absl::Status Check(const v1::OptimizeBitWidthRequest& request);
absl::Status Check(const v1::CompareToFullPrecisionRequest& request);
absl::Status Check(const v1::EstimateWasteRequest& request);
absl::Status Check(const v1::PlanTrainingRequest& request);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_VALIDATE_H_
