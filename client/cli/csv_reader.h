// Rows of CSV files. Pure but for the stream.

#ifndef BITBUDGET_CLIENT_CLI_CSV_READER_H_
#define BITBUDGET_CLIENT_CLI_CSV_READER_H_

#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct csv_parser;

namespace bitbudget::cli {

// A row of cells and the line that it begins on, from 1.
struct CsvRow {
  int64_t line = 0;
  std::vector<std::string> cells;
};

// Divides a CSV file into rows, one at a time. Quoted cells may hold line ends;
// empty lines are no rows; a byte order mark does not matter.
class CsvReader {
 public:
  // `input` must outlive the reader.
  explicit CsvReader(std::istream& input);
  ~CsvReader();

  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  // The next row; nullopt at the end. INVALID_ARGUMENT, with the line, for broken
  // quotes and for bytes that are no UTF-8 text; there is no next row after that.
  absl::StatusOr<std::optional<CsvRow>> Next();

 private:
  static void OnCell(void* cell, size_t size, void* self);
  static void OnRow(int terminator, void* self);

  absl::Status CheckText(std::string_view line) const;
  absl::StatusOr<std::optional<CsvRow>> AtEnd();
  absl::Status Broken(std::string_view problem) const;

  std::istream& input_;
  const std::unique_ptr<csv_parser> parser_;
  int64_t line_ = 0;
  CsvRow row_;
  bool row_open_ = false;  // a quoted cell goes on in the next line
  std::vector<CsvRow> rows_;
  size_t next_ = 0;
  bool ended_ = false;
};

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_CSV_READER_H_
