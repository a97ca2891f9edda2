// Studies and experiments as text for people. Pure.

#ifndef BITBUDGET_CLIENT_CLI_STUDY_REPORT_H_
#define BITBUDGET_CLIENT_CLI_STUDY_REPORT_H_

#include <string>

#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "client/cli/table.h"

namespace bitbudget::cli {

// A study with all that is known of it.
std::string StudyText(const v1::Study& study);

// One line a study.
Table StudyTable(const v1::ListStudiesResponse& studies);

// One line an experiment.
Table ExperimentTable(const v1::ListExperimentsResponse& experiments);

// "463 stored, 0 unchanged, 0 refused; revision 5"; "would be stored" for a check
// alone. Says so if there was nothing to store.
std::string ImportSummary(const v1::ImportExperimentsResponse& response, bool validate_only);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_STUDY_REPORT_H_
