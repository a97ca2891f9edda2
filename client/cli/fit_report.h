// Fits as text for people. Pure.

#ifndef BITBUDGET_CLIENT_CLI_FIT_REPORT_H_
#define BITBUDGET_CLIENT_CLI_FIT_REPORT_H_

#include <string>

#include "bitbudget/v1/fit.pb.h"
#include "client/cli/table.h"

namespace bitbudget::cli {

// A fit from what it is over its coefficients to what it cannot say.
std::string FitText(const v1::Fit& fit);

// One line a fit.
Table FitTable(const v1::ListFitsResponse& fits);

// One sentence on a replay, and the fields that differ.
std::string ReplayText(const v1::ReplayFitResponse& response, const std::string& fit_name);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_FIT_REPORT_H_
