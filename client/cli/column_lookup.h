// Where the fields of a column map stand in a table. Pure.

#ifndef BITBUDGET_CLIENT_CLI_COLUMN_LOOKUP_H_
#define BITBUDGET_CLIENT_CLI_COLUMN_LOOKUP_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/column_map.h"
#include "client/cli/run_table.h"

namespace bitbudget::cli {

class ColumnLookup {
 public:
  // `map` must outlive the lookup.
  explicit ColumnLookup(const ColumnMap& map) : map_(map) {}

  // Looks the fields up in the columns of a table. Cheap for those it knows already.
  void SetColumns(const std::vector<std::string>& columns);

  // Text for a field, and where it stood.
  struct Found {
    std::string text;
    std::string origin;        // "eval/loss", "16 (default)"
    bool is_converted = true;  // words, scale and unit of the source hold for it
  };
  // What a row has for a field of the map; nullopt if it has nothing.
  std::optional<Found> Find(const std::string& field, const TableRow& row) const;

  // Why a condition leaves a row out, "State is crashed"; nullopt if none does.
  std::optional<std::string> LeftOutBecause(const TableRow& row) const;

  // The names of the columns that are read for a field, the first choice first.
  std::vector<std::string> ColumnsOf(const std::string& field) const;

  // INVALID_ARGUMENT if a column that the map names is not there or is there twice, or if
  // no column can tell a field that every experiment needs.
  absl::Status Check() const;

  // Columns that nothing reads, in the order of the table.
  std::vector<std::string> UnreadColumns() const;

 private:
  struct Resolved {
    std::vector<size_t> columns;
    std::vector<size_t> hash_of;
  };

  bool HasSource(const std::string& field) const;
  absl::Status CheckNamed() const;
  absl::Status CheckNeeded() const;
  std::string Listing() const;

  const ColumnMap& map_;
  std::vector<std::string> columns_;
  std::map<std::string, Resolved> resolved_;
};

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_COLUMN_LOOKUP_H_
