#include "client/cli/import_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <utility>

#include "client/cli/column_map.h"
#include "client/cli/error_text.h"
#include "client/cli/mapping_report.h"
#include "client/cli/run_mapper.h"
#include "client/cli/run_table.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "util/utf8.h"

namespace bitbudget::cli {
namespace {

constexpr char kStandardInput[] = "-";
// Of conflicts that the message of an error names.
constexpr size_t kNamedRows = 5;

std::string NameOf(const std::string& file) {
  return file == kStandardInput ? "standard input" : file;
}

// Opens a file, hands it over, and names it in the error of what reads it.
absl::Status ReadStream(const std::string& file,
                        const std::function<absl::Status(std::istream&)>& read) {
  const std::string name = NameOf(file);
  std::ifstream stream;
  if (file != kStandardInput) {
    stream.open(file, std::ios::binary);
    if (!stream || std::filesystem::is_directory(file)) {
      return absl::NotFoundError(fmt::format("cannot read {}", name));
    }
  }
  std::istream& input = file == kStandardInput ? std::cin : stream;
  absl::Status status = read(input);
  if (input.bad()) return absl::DataLossError(fmt::format("cannot read all of {}", name));
  if (status.ok()) return status;
  return MakeError(status.code(),
                   fmt::format("{}, {}", name, std::string(status.message())),
                   {.reason = "UNREADABLE_FILE"});
}

bool IsJsonLines(const ImportSource& source) {
  if (!source.format.empty()) return source.format == "jsonl";
  return std::filesystem::path(source.files[0]).extension() == ".jsonl";
}

absl::StatusOr<ImportRows> ReadOwnColumns(const ImportSource& source) {
  if (source.files.size() > 1) return WrongUsage("several files are read with --columns only");
  ImportRows rows;
  RETURN_IF_ERROR(ReadStream(source.files[0], [&](std::istream& input) -> absl::Status {
    if (source.format.empty() && !IsJsonLines(source) && LooksLikeJson(input)) {
      return absl::InvalidArgumentError(
          "line 1: is JSON: add --columns mlflow for runs of MLflow, or --format jsonl for JSON "
          "Lines with our fields");
    }
    absl::StatusOr<ParsedFile> parsed = IsJsonLines(source) ? ReadJsonLines(input) : ReadCsv(input);
    if (!parsed.ok()) return parsed.status();
    rows.file = *std::move(parsed);
    return absl::OkStatus();
  }));
  return rows;
}

absl::StatusOr<RunTable> ReadTable(std::istream& input,
                                   const ImportSource& source,
                                   const RowHandler& handler) {
  if (source.format != "csv" && LooksLikeJson(input)) return ReadMlflowRuns(input, handler);
  return ReadCsvTable(input, handler);
}

// MLflow's reply is a page; the last one names no next.
std::string PagesText(const std::string& token) {
  return fmt::format(
      "  More runs follow: ask runs/search again with \"page_token\": \"{}\", and give all pages "
      "to one import.\n",
      token);
}

absl::StatusOr<ImportRows> ReadByMap(const ImportSource& source) {
  if (source.format == "jsonl") {
    return WrongUsage("--columns reads CSV and the JSON of MLflow; JSON Lines have our columns");
  }
  absl::StatusOr<ColumnMap> map = LoadColumnMap(source.columns);
  if (!map.ok()) return map.status();
  RunMapper mapper(*std::move(map));
  size_t open_page_count = 0;
  std::string next_page;
  for (const std::string& file : source.files) {
    RETURN_IF_ERROR(ReadStream(file, [&](std::istream& input) -> absl::Status {
      mapper.BeginTable(source.files.size() > 1 ? NameOf(file) : "");
      ASSIGN_OR_RETURN(
          const RunTable table,
          ReadTable(
              input, source, [&](const std::vector<std::string>& columns, const TableRow& row) {
                mapper.AddRow(columns, row);
              }));
      if (!table.next_page_token.empty()) ++open_page_count;
      next_page = table.next_page_token;
      // A page without runs has no columns.
      return table.columns.empty() ? absl::OkStatus() : mapper.EndTable(table.columns);
    }));
  }
  const std::string name =
      source.files.size() > 1 ? fmt::format("{} files", source.files.size()) : source.Name();
  ImportRows rows{.report = MappingText(mapper, name)};
  rows.file = mapper.TakeFile();
  if (open_page_count == source.files.size()) rows.report += PagesText(next_page);
  return rows;
}

const std::string* PlaceOf(const ParsedFile& file, int64_t index) {
  if (index < 0 || static_cast<size_t>(index) >= file.places.size()) return nullptr;
  const std::string& place = file.places[static_cast<size_t>(index)];
  return place.empty() ? nullptr : &place;
}

}  // namespace

std::string ImportSource::Name() const { return files.size() == 1 ? NameOf(files[0]) : ""; }

std::string ImportSource::Batch() const {
  if (files[0] == kStandardInput) return "";
  return ToUtf8(std::filesystem::path(files[0]).filename().string());
}

absl::StatusOr<ImportRows> ReadImport(const ImportSource& source) {
  return source.columns.empty() ? ReadOwnColumns(source) : ReadByMap(source);
}

absl::Status WithPlaces(const absl::Status& error, const ParsedFile& file) {
  std::optional<ErrorDetails> details = GetErrorDetails(error);
  if (!details) return error;
  std::string message(error.message());
  for (RejectedRow& row : details->rejected_rows) {
    const std::string* place = PlaceOf(file, row.index);
    if (place == nullptr) continue;
    row.line = 0;
    row.description = fmt::format("{}: {}", *place, row.description);
  }
  size_t named_count = 0;
  for (RowConflict& conflict : details->conflicts) {
    const std::string* place = PlaceOf(file, conflict.index);
    if (place == nullptr) continue;
    conflict.line = 0;
    conflict.earlier_line = 0;
    if (named_count++ < kNamedRows) {
      message += fmt::format("; row {} is {}", conflict.index + 1, *place);
    }
  }
  return MakeError(error.code(), message, *std::move(details));
}

void AddPlaces(const ParsedFile& file, v1::ImportExperimentsResponse& response) {
  for (v1::RejectedRow& row : *response.mutable_rejected_rows()) {
    const std::string* place = PlaceOf(file, row.index());
    if (place == nullptr) continue;
    row.set_line(0);
    row.set_description(fmt::format("{}: {}", *place, row.description()));
  }
}

}  // namespace bitbudget::cli
