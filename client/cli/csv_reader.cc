#include "client/cli/csv_reader.h"

#include <csv.h>
#include <fmt/format.h>

#include <utility>

#include "util/status_macros.h"
#include "util/utf8.h"

namespace bitbudget::cli {

// libcsv is fed line by line, because it counts none.
CsvReader::CsvReader(std::istream& input) : input_(input), parser_(new csv_parser) {
  csv_init(parser_.get(), CSV_STRICT | CSV_STRICT_FINI);
}

CsvReader::~CsvReader() { csv_free(parser_.get()); }

absl::StatusOr<std::optional<CsvRow>> CsvReader::Next() {
  while (next_ == rows_.size()) {
    rows_.clear();
    next_ = 0;
    std::string line;
    if (!std::getline(input_, line)) return AtEnd();
    ++line_;
    if (line_ == 1 && line.compare(0, 3, "\xEF\xBB\xBF") == 0) line.erase(0, 3);
    RETURN_IF_ERROR(CheckText(line));
    if (!row_open_) {
      row_.line = line_;
      row_open_ = line.find_first_not_of(" \t\r") != std::string::npos;
    }
    if (!input_.eof()) line.push_back('\n');
    if (csv_parse(parser_.get(), line.data(), line.size(), &OnCell, &OnRow, this) != line.size()) {
      return Broken("a quote stands where none may be; write \" inside a quoted cell as \"\"");
    }
  }
  return std::move(rows_[next_++]);
}

void CsvReader::OnCell(void* cell, size_t size, void* self) {
  static_cast<CsvReader*>(self)->row_.cells.emplace_back(static_cast<const char*>(cell), size);
}

void CsvReader::OnRow(int, void* self) {
  auto* reader = static_cast<CsvReader*>(self);
  reader->rows_.push_back(std::move(reader->row_));
  reader->row_ = {};
  reader->row_open_ = false;
}

// Bytes that are no text: the file is of another encoding, or no CSV at all.
absl::Status CsvReader::CheckText(std::string_view line) const {
  int64_t column = 1;
  for (std::string_view rest = line; !rest.empty(); ++column) {
    const size_t size = Utf8CharacterSize(rest);
    if (size == 0 || rest[0] == '\0') {
      return absl::InvalidArgumentError(
          fmt::format("line {}, column {}: the byte 0x{:02X} is no UTF-8 text; is this a CSV file? "
                      "Save it as UTF-8",
                      line_,
                      column,
                      static_cast<unsigned char>(rest[0])));
    }
    rest.remove_prefix(size);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<CsvRow>> CsvReader::AtEnd() {
  if (ended_) return std::nullopt;
  ended_ = true;
  if (csv_fini(parser_.get(), &OnCell, &OnRow, this) != 0) {
    return Broken("the quote opened in this row is never closed");
  }
  if (rows_.empty()) return std::nullopt;
  return std::move(rows_[next_++]);
}

absl::Status CsvReader::Broken(std::string_view problem) const {
  return absl::InvalidArgumentError(fmt::format("line {}: {}", row_.line, problem));
}

}  // namespace bitbudget::cli
