// Makes experiments of the rows of other programs' tables, by a column map. Pure.

#ifndef BITBUDGET_CLIENT_CLI_RUN_MAPPER_H_
#define BITBUDGET_CLIENT_CLI_RUN_MAPPER_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/column_lookup.h"
#include "client/cli/column_map.h"
#include "client/cli/experiment_file.h"
#include "client/cli/run_table.h"

namespace bitbudget::cli {

// What the map has made of the tables so far.
struct MappingUse {
  // For each field, where its values came from ("eval/loss", "total_tokens - qat_tokens"),
  // and of how many rows.
  std::map<std::string, std::map<std::string, int64_t>> sources;

  // Rows that a condition leaves out, by why: "State is crashed".
  std::map<std::string, int64_t> left_out;

  // Columns that nothing reads, in the order of the tables.
  std::vector<std::string> unread;
};

class RunMapper {
 public:
  explicit RunMapper(ColumnMap map);

  // Lookups refer to the map.
  RunMapper(const RunMapper&) = delete;
  RunMapper& operator=(const RunMapper&) = delete;

  // Begins a table. `name` is put before the place of its rows, if not empty.
  void BeginTable(std::string name);

  // Takes the next row of the table: as an experiment, as one that cannot be read, or not
  // at all if a condition leaves it out. What is not given is derived: token counts from
  // all tokens and the QAT fraction, all tokens and parameters by C = 6 N D.
  void AddRow(const std::vector<std::string>& columns, const TableRow& row);

  // Ends the table. INVALID_ARGUMENT as ColumnLookup::Check.
  absl::Status EndTable(const std::vector<std::string>& columns);

  const ParsedFile& file() const { return file_; }
  ParsedFile TakeFile() { return std::move(file_); }
  const ColumnMap& map() const { return map_; }
  const MappingUse& use() const { return use_; }

 private:
  struct Reading;

  void ReadField(const std::string& field, const ColumnSource& source, Reading& reading) const;
  void Require(const std::string& field, Reading& reading) const;
  void Keep(Reading reading);

  const ColumnMap map_;
  ColumnLookup lookup_;
  std::string table_;
  ParsedFile file_;
  MappingUse use_;
};

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_RUN_MAPPER_H_
