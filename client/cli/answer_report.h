// Answers of the planner as text for people: a sentence first, then the numbers
// behind it, then where they come from. Pure.

#ifndef BITBUDGET_CLIENT_CLI_ANSWER_REPORT_H_
#define BITBUDGET_CLIENT_CLI_ANSWER_REPORT_H_

#include <string>

#include "bitbudget/v1/planner.pb.h"

namespace bitbudget::cli {

// `request` is the question that was answered.
std::string PredictionText(const v1::PredictLossRequest& request,
                           const v1::PredictLossResponse& answer);

std::string FractionText(const v1::OptimizeQatFractionRequest& request,
                         const v1::OptimizeQatFractionResponse& answer);

// CSV with a header row: a column for each axis, the quantity, with intervals its
// ends, and whether the point lies inside the data. Numbers are exact; a point
// that the law does not describe has an empty value.
std::string GridCsv(const v1::EvaluateGridRequest& request, const v1::EvaluateGridResponse& answer);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_ANSWER_REPORT_H_
