// How a column map has been understood, for people. Pure.

#ifndef BITBUDGET_CLIENT_CLI_MAPPING_REPORT_H_
#define BITBUDGET_CLIENT_CLI_MAPPING_REPORT_H_

#include <string>

#include "client/cli/run_mapper.h"

namespace bitbudget::cli {

// Lines: where each field comes from, which rows are left out and why, which columns are
// not read.
std::string MappingText(const RunMapper& mapper, const std::string& source);

// The first rows as experiments, a table; empty if there are none.
std::string FirstRowsText(const ParsedFile& file);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_MAPPING_REPORT_H_
