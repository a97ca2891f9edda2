#include "client/cli/experiment_file.h"

#include <csv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "client/cli/field.h"
#include "client/cli/suggest.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "util/status_macros.h"
#include "util/utf8.h"

namespace bitbudget::cli {
namespace {

using google::protobuf::FieldDescriptor;

constexpr size_t kRequiredColumns = 5;
constexpr std::array<const char*, 16> kColumns = {"parameters",
                                                  "fp_tokens",
                                                  "qat_tokens",
                                                  "weight_bits",
                                                  "loss_nats",
                                                  "embedding_parameters",
                                                  "role",
                                                  "recipe",
                                                  "optimizer",
                                                  "schedule",
                                                  "activation_bits",
                                                  "group_size",
                                                  "trunk",
                                                  "replicate",
                                                  "loss_stderr_nats",
                                                  "note"};

// A row of cells and the line that it begins on.
struct CsvRow {
  int64_t line = 0;
  std::vector<std::string> cells;
};

// Divides a CSV file into rows with libcsv, fed line by line, because libcsv
// counts none. Quoted cells may hold line ends; empty lines are no rows.
class CsvReader {
 public:
  explicit CsvReader(std::istream& input) : input_(input), parser_(new csv_parser) {
    csv_init(parser_.get(), CSV_STRICT | CSV_STRICT_FINI);
  }
  ~CsvReader() { csv_free(parser_.get()); }

  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  // The next row; nullopt at the end. INVALID_ARGUMENT for broken quotes.
  absl::StatusOr<std::optional<CsvRow>> Next() {
    while (next_ == rows_.size()) {
      rows_.clear();
      next_ = 0;
      std::string line;
      if (!std::getline(input_, line)) return AtEnd();
      ++line_;
      if (line_ == 1 && line.compare(0, 3, "\xEF\xBB\xBF") == 0) line.erase(0, 3);
      if (const absl::Status text = CheckText(line); !text.ok()) return text;
      if (!row_open_) {
        row_.line = line_;
        row_open_ = line.find_first_not_of(" \t\r") != std::string::npos;
      }
      if (!input_.eof()) line.push_back('\n');
      if (csv_parse(parser_.get(), line.data(), line.size(), &OnCell, &OnRow, this) !=
          line.size()) {
        return Broken("a quote stands where none may be; write \" inside a quoted cell as \"\"");
      }
    }
    return std::move(rows_[next_++]);
  }

 private:
  static void OnCell(void* cell, size_t size, void* self) {
    static_cast<CsvReader*>(self)->row_.cells.emplace_back(static_cast<const char*>(cell), size);
  }

  // Bytes that are no text: the file is of another encoding, or no CSV at all.
  absl::Status CheckText(std::string_view line) const {
    int64_t column = 1;
    for (std::string_view rest = line; !rest.empty(); ++column) {
      const size_t size = Utf8CharacterSize(rest);
      if (size == 0 || rest[0] == '\0') {
        return absl::InvalidArgumentError(fmt::format(
            "line {}, column {}: the byte 0x{:02X} is no UTF-8 text; is this a CSV file? "
            "Save it as UTF-8",
            line_,
            column,
            static_cast<unsigned char>(rest[0])));
      }
      rest.remove_prefix(size);
    }
    return absl::OkStatus();
  }

  static void OnRow(int, void* self) {
    auto* reader = static_cast<CsvReader*>(self);
    reader->rows_.push_back(std::move(reader->row_));
    reader->row_ = {};
    reader->row_open_ = false;
  }

  absl::StatusOr<std::optional<CsvRow>> AtEnd() {
    if (ended_) return std::nullopt;
    ended_ = true;
    if (csv_fini(parser_.get(), &OnCell, &OnRow, this) != 0) {
      return Broken("the quote opened in this row is never closed");
    }
    if (rows_.empty()) return std::nullopt;
    return std::move(rows_[next_++]);
  }

  absl::Status Broken(std::string_view problem) const {
    return absl::InvalidArgumentError(fmt::format("line {}: {}", row_.line, problem));
  }

  std::istream& input_;
  const std::unique_ptr<csv_parser> parser_;
  int64_t line_ = 0;
  CsvRow row_;
  bool row_open_ = false;  // a quoted cell goes on in the next line
  std::vector<CsvRow> rows_;
  size_t next_ = 0;
  bool ended_ = false;
};

bool IsColumn(const std::string& name) {
  return std::find(kColumns.begin(), kColumns.end(), name) != kColumns.end();
}

absl::Status BadHeader(const CsvRow& header, std::string_view problem) {
  return absl::InvalidArgumentError(fmt::format("line {}: {}", header.line, problem));
}

// The fields that the columns of a file stand for.
absl::StatusOr<std::vector<const FieldDescriptor*>> ReadHeader(const CsvRow& header) {
  std::vector<const FieldDescriptor*> fields;
  for (const std::string& name : header.cells) {
    if (!IsColumn(name)) {
      const std::vector<std::string> known(kColumns.begin(), kColumns.end());
      return BadHeader(header,
                       fmt::format("unknown column '{}'{} (columns: {})",
                                   name,
                                   DidYouMean(name, known),
                                   fmt::join(kColumns, ", ")));
    }
    const FieldDescriptor* field = &FieldOf(v1::Experiment::default_instance(), name);
    if (std::find(fields.begin(), fields.end(), field) != fields.end()) {
      return BadHeader(header, fmt::format("column '{}' stands there twice", name));
    }
    fields.push_back(field);
  }
  for (size_t i = 0; i < kRequiredColumns; ++i) {
    const std::string required = kColumns[i];
    if (std::find(header.cells.begin(), header.cells.end(), required) == header.cells.end()) {
      return BadHeader(header, fmt::format("the required column '{}' is missing", required));
    }
  }
  return fields;
}

bool IsRequired(const FieldDescriptor& field) {
  const auto end = kColumns.begin() + kRequiredColumns;
  return std::find(kColumns.begin(), end, field.name()) != end;
}

// Reads one row into `experiment`; returns what is wrong with it.
std::vector<RejectedRow> ReadRow(const CsvRow& row,
                                 const std::vector<const FieldDescriptor*>& fields,
                                 v1::Experiment& experiment) {
  std::vector<RejectedRow> problems;
  if (row.cells.size() != fields.size()) {
    problems.push_back(
        {0,
         row.line,
         "",
         fmt::format(
             "has {} cells where the header has {} columns", row.cells.size(), fields.size())});
    return problems;
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const FieldDescriptor& field = *fields[i];
    if (row.cells[i].empty()) {
      if (IsRequired(field)) problems.push_back({0, row.line, field.name(), "is empty"});
      continue;
    }
    const absl::Status status = SetField(experiment, field, row.cells[i]);
    if (!status.ok()) {
      problems.push_back({0, row.line, field.name(), std::string(status.message())});
    }
  }
  return problems;
}

// Adds a row that was read, or what is wrong with it.
void Keep(v1::Experiment experiment,
          std::vector<RejectedRow> problems,
          int64_t line,
          ParsedFile& file) {
  if (problems.empty()) {
    experiment.mutable_provenance()->set_line(line);
    file.rows.push_back(std::move(experiment));
    return;
  }
  const int64_t index = static_cast<int64_t>(file.rows.size()) + file.rejected_row_count++;
  for (RejectedRow& problem : problems) {
    problem.index = index;
    file.rejected.push_back(std::move(problem));
  }
}

// As CSV has it: quoted if it must be.
std::string Cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    // libcsv, as most readers, takes spaces off the ends of a cell without quotes.
    if (text.empty() || (text.front() != ' ' && text.back() != ' ')) return text;
  }
  std::string cell(2 * text.size() + 2, '\0');
  cell.resize(csv_write(cell.data(), cell.size(), text.data(), text.size()));
  return cell;
}

}  // namespace

absl::StatusOr<ParsedFile> ReadCsv(std::istream& input) {
  CsvReader reader(input);
  ASSIGN_OR_RETURN(const std::optional<CsvRow> header, reader.Next());
  if (!header) {
    return absl::InvalidArgumentError("line 1: the file is empty; it needs a header row");
  }
  ASSIGN_OR_RETURN(const std::vector<const FieldDescriptor*> fields, ReadHeader(*header));
  ParsedFile file;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<CsvRow> row, reader.Next());
    if (!row) return file;
    v1::Experiment experiment;
    std::vector<RejectedRow> problems = ReadRow(*row, fields, experiment);
    Keep(std::move(experiment), std::move(problems), row->line, file);
  }
}

ParsedFile ReadJsonLines(std::istream& input) {
  ParsedFile file;
  std::string text;
  for (int64_t line = 1; std::getline(input, text); ++line) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    v1::Experiment experiment;
    std::vector<RejectedRow> problems;
    const auto status = google::protobuf::util::JsonStringToMessage(text, &experiment);
    // Its words quote the line.
    if (!status.ok()) problems.push_back({0, line, "", ToUtf8(std::string(status.message()))});
    Keep(std::move(experiment), std::move(problems), line, file);
  }
  return file;
}

std::string CsvHeader() { return fmt::format("{}\n", fmt::join(kColumns, ",")); }

std::string CsvLine(const v1::Experiment& experiment) {
  std::vector<std::string> cells;
  cells.reserve(kColumns.size());
  for (const char* column : kColumns) {
    cells.push_back(Cell(FieldText(experiment, FieldOf(experiment, column))));
  }
  return fmt::format("{}\n", fmt::join(cells, ","));
}

}  // namespace bitbudget::cli
