// Comparisons of laws, explanations of fits and the catalogue of laws as text.

#ifndef BITBUDGET_CLIENT_CLI_ANALYSIS_REPORT_H_
#define BITBUDGET_CLIENT_CLI_ANALYSIS_REPORT_H_

#include <string>

#include "bitbudget/v1/fit.pb.h"
#include "bitbudget/v1/law.pb.h"
#include "client/cli/table.h"

namespace bitbudget::cli {

std::string ComparisonText(const v1::LawComparison& comparison);
Table ComparisonTable(const v1::ListLawComparisonsResponse& comparisons);

// `unit` is that of the answer: "nats" or "".
std::string ExplanationText(const v1::ExplainFitResponse& explanation, const std::string& unit);

std::string LawText(const v1::Law& law);
Table LawTable(const v1::ListLawsResponse& laws);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_ANALYSIS_REPORT_H_
