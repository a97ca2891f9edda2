// Tables of runs as other programs write them: CSV with a header row, or the reply of
// MLflow's runs/search as JSON. Row by row; pure but for the stream.

#ifndef BITBUDGET_CLIENT_CLI_RUN_TABLE_H_
#define BITBUDGET_CLIENT_CLI_RUN_TABLE_H_

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace bitbudget::cli {

// One run.
struct TableRow {
  std::string place;               // "line 12" or "run 5f3a", for readers
  int64_t line = 0;                // in the file; 0 if rows have none
  std::vector<std::string> cells;  // one for each column; later ones may be absent
  std::string problem;             // why it cannot be read; empty if it can
};

struct RunTable {
  std::vector<std::string> columns;
  std::string next_page_token;  // of MLflow: more pages follow this one
};

// Hears each row, and the columns known by then: those of JSON grow.
using RowHandler = std::function<void(const std::vector<std::string>& columns, TableRow row)>;

// Whether what follows is JSON: its first character, which stays in the stream, is a brace
// or a bracket.
bool LooksLikeJson(std::istream& input);

// Reads CSV. INVALID_ARGUMENT, with the line, for an empty file, broken quotes, and bytes
// that are no UTF-8 text.
absl::StatusOr<RunTable> ReadCsvTable(std::istream& input, const RowHandler& handler);

// Reads {"runs": [...]}, or the array alone, one run in memory at a time. The columns have
// the names that mlflow.search_runs gives them: those of `info` as they are ("run_id",
// "status"), "params.X", "metrics.X", "tags.X". INVALID_ARGUMENT, with the place, for
// what is no JSON or holds no runs.
absl::StatusOr<RunTable> ReadMlflowRuns(std::istream& input, const RowHandler& handler);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_RUN_TABLE_H_
