// Measured runs in files: CSV with a header row, or JSON Lines. Pure but for the
// streams.
//
// The columns of a CSV file are fields of bitbudget.v1.Experiment under their own
// names, in any order; docs/cli.md lists them. A JSON Lines file has one
// Experiment as proto JSON on each line.

#ifndef BITBUDGET_CLIENT_CLI_EXPERIMENT_FILE_H_
#define BITBUDGET_CLIENT_CLI_EXPERIMENT_FILE_H_

#include <cstdint>
#include <istream>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.pb.h"
#include "util/error.h"

namespace bitbudget::cli {

// The rows of a file; `provenance.line` says where each stood.
struct ParsedFile {
  std::vector<v1::Experiment> rows;

  // Where each of `rows` stood, for readers, where its line does not tell; else empty.
  std::vector<std::string> places;

  // One for each problem of a row that could not be read; such rows are not
  // among `rows`. `index` counts all rows of the file.
  std::vector<RejectedRow> rejected;

  // Rows that could not be read: fewer than problems if a row has several.
  int64_t rejected_row_count = 0;
};

// Adds a row that stood in `line` (0 if it has none), or what is wrong with it.
void AddRow(v1::Experiment experiment,
            std::vector<RejectedRow> problems,
            int64_t line,
            ParsedFile& file);

// The columns of a CSV file, required ones first.
std::span<const char* const> ExperimentColumns();

// Reads a CSV file. INVALID_ARGUMENT for a header that cannot be used (an unknown
// column, a required one missing, one twice, none at all), for bytes that are no
// UTF-8 text, and for broken quotes, after which nothing can be told apart; the
// message begins with the line.
absl::StatusOr<ParsedFile> ReadCsv(std::istream& input);

// Reads a JSON Lines file. Empty lines are skipped.
ParsedFile ReadJsonLines(std::istream& input);

// A CSV file that ReadCsv reads back: the header, then a line for each run.
std::string CsvHeader();
std::string CsvLine(const v1::Experiment& experiment);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_EXPERIMENT_FILE_H_
