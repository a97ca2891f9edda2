// The files of an import, read whole: our own CSV and JSON Lines, or tables of other
// programs by a column map.

#ifndef BITBUDGET_CLIENT_CLI_IMPORT_SOURCE_H_
#define BITBUDGET_CLIENT_CLI_IMPORT_SOURCE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.pb.h"
#include "client/cli/experiment_file.h"

namespace bitbudget::cli {

struct ImportSource {
  std::vector<std::string> files;  // "-": standard input
  std::string format;              // "csv", "jsonl", or empty: by name or content
  std::string columns;             // preset or file of a column map; empty: our own columns

  // For errors and reports; empty if there are several files, whose rows name theirs.
  std::string Name() const;
  // By which the import can be listed: the name of the first file; none for standard input.
  std::string Batch() const;
};

struct ImportRows {
  ParsedFile file;
  std::string report;  // how the column map was understood; empty without one
};

// Reads all files. NOT_FOUND if one cannot be read, INVALID_ARGUMENT if it is not what it
// is taken for, WrongUsage for what does not go together.
absl::StatusOr<ImportRows> ReadImport(const ImportSource& source);

// An error of the server, or the rows that it refused, with the places of rows that their
// lines do not tell.
absl::Status WithPlaces(const absl::Status& error, const ParsedFile& file);
void AddPlaces(const ParsedFile& file, v1::ImportExperimentsResponse& response);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_IMPORT_SOURCE_H_
