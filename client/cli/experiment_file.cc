#include "client/cli/experiment_file.h"

#include <csv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "client/cli/csv_reader.h"
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
      return BadHeader(
          header,
          fmt::format("unknown column '{}'{} (columns: {}; --columns MAP reads those of "
                      "other programs)",
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

void AddRow(v1::Experiment experiment,
            std::vector<RejectedRow> problems,
            int64_t line,
            ParsedFile& file) {
  if (problems.empty()) {
    if (line > 0) experiment.mutable_provenance()->set_line(line);
    file.rows.push_back(std::move(experiment));
    return;
  }
  const int64_t index = static_cast<int64_t>(file.rows.size()) + file.rejected_row_count++;
  for (RejectedRow& problem : problems) {
    problem.index = index;
    file.rejected.push_back(std::move(problem));
  }
}

std::span<const char* const> ExperimentColumns() { return kColumns; }

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
    AddRow(std::move(experiment), std::move(problems), row->line, file);
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
    AddRow(std::move(experiment), std::move(problems), line, file);
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
