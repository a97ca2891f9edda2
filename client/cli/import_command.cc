#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/experiment_file.h"
#include "client/cli/flags.h"
#include "client/cli/study_report.h"
#include "client/cli/terminal.h"
#include "util/status_macros.h"
#include "util/utf8.h"

namespace bitbudget::cli {
namespace {

constexpr char kStandardInput[] = "-";

// As many as the server's own replies list.
constexpr int kMaxReportedRows = 100;

struct ImportArguments {
  std::string study;
  std::string file;
  std::string format;
  std::string import_batch;
  bool skip_invalid = false;
  bool dry_run = false;
  bool wait = false;
};

std::string SourceName(const ImportArguments& arguments) {
  return arguments.file == kStandardInput ? "standard input" : arguments.file;
}

bool IsJsonLines(const ImportArguments& arguments) {
  if (!arguments.format.empty()) return arguments.format == "jsonl";
  return std::filesystem::path(arguments.file).extension() == ".jsonl";
}

// Standard input has no name that would tell one import from another.
std::string Batch(const ImportArguments& arguments) {
  if (!arguments.import_batch.empty() || arguments.file == kStandardInput) {
    return arguments.import_batch;
  }
  return ToUtf8(std::filesystem::path(arguments.file).filename().string());
}

absl::StatusOr<ParsedFile> Parse(const ImportArguments& arguments, std::istream& input) {
  if (IsJsonLines(arguments)) return ReadJsonLines(input);
  return ReadCsv(input);
}

absl::StatusOr<ParsedFile> ReadFile(const ImportArguments& arguments) {
  const std::string source = SourceName(arguments);
  std::ifstream file;
  if (arguments.file != kStandardInput) {
    file.open(arguments.file, std::ios::binary);
    if (!file || std::filesystem::is_directory(arguments.file)) {
      return absl::NotFoundError(fmt::format("cannot read {}", source));
    }
  }
  std::istream& input = arguments.file == kStandardInput ? std::cin : file;
  absl::StatusOr<ParsedFile> parsed = Parse(arguments, input);
  if (input.bad()) return absl::DataLossError(fmt::format("cannot read all of {}", source));
  if (!parsed.ok()) {
    return MakeError(parsed.status().code(),
                     fmt::format("{}, {}", source, std::string(parsed.status().message())),
                     {.reason = "UNREADABLE_FILE"});
  }
  return parsed;
}

// All rows at once or none: rows that could not be read refuse the import, unless
// they are to be skipped.
absl::Status CheckReadable(const ParsedFile& file, const ImportArguments& arguments) {
  if (file.rejected.empty() || arguments.skip_invalid) return absl::OkStatus();
  const size_t reported = std::min<size_t>(file.rejected.size(), kMaxReportedRows);
  return MakeError(
      absl::StatusCode::kInvalidArgument,
      fmt::format(
          "{} of {} cannot be read; nothing was imported (--skip-invalid imports the rest)",
          file.rejected_row_count == 1 ? "1 row" : fmt::format("{} rows", file.rejected_row_count),
          SourceName(arguments)),
      {.reason = "UNREADABLE_ROWS",
       .rejected_rows = {file.rejected.begin(), file.rejected.begin() + reported}});
}

// What the server refused and what never reached it, as one answer.
void AddUnreadable(const ParsedFile& file, v1::ImportExperimentsResponse& response) {
  response.set_rejected_count(response.rejected_count() + file.rejected_row_count);
  for (const RejectedRow& row : file.rejected) {
    if (response.rejected_rows_size() == kMaxReportedRows) break;
    v1::RejectedRow* entry = response.add_rejected_rows();
    entry->set_index(row.index);
    entry->set_line(row.line);
    entry->set_field(row.field);
    entry->set_description(row.description);
  }
}

absl::StatusOr<v1::ImportExperimentsResponse> Send(client::Client& client,
                                                   const ParsedFile& file,
                                                   const ImportArguments& arguments) {
  v1::ImportExperimentsRequest header;
  header.set_parent(arguments.study);
  header.set_import_batch(Batch(arguments));
  header.set_skip_invalid(arguments.skip_invalid);
  header.set_validate_only(arguments.dry_run);
  ProgressLine progress;
  return client.ImportExperiments(std::move(header), file.rows, [&](int64_t sent) {
    progress.Show(fmt::format("{} of {} rows sent", sent, file.rows.size()));
  });
}

void Report(const Session& session,
            const v1::ImportExperimentsResponse& response,
            const ImportArguments& arguments) {
  for (const v1::RejectedRow& row : response.rejected_rows()) {
    std::string line = RejectedRowText({row.index(), row.line(), row.field(), row.description()},
                                       SourceName(arguments));
    line.pop_back();
    session.Note(line);
  }
  session.Print(response, ImportSummary(response, arguments.dry_run) + "\n");
}

absl::Status WaitForFit(Session& session,
                        client::Client& client,
                        const std::string& study,
                        int64_t revision) {
  ASSIGN_OR_RETURN(const v1::Study fitted, client.WaitForFit(study, revision));
  session.Note(fmt::format("fitted: {}", fitted.fit_status().latest_fit()));
  return absl::OkStatus();
}

absl::Status RunImport(Session& session, const ImportArguments& arguments) {
  session.source = SourceName(arguments);
  ASSIGN_OR_RETURN(const ParsedFile file, ReadFile(arguments));
  RETURN_IF_ERROR(CheckReadable(file, arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(v1::ImportExperimentsResponse response, Send(*client, file, arguments));
  AddUnreadable(file, response);
  Report(session, response, arguments);
  if (!arguments.wait || arguments.dry_run) return absl::OkStatus();
  return WaitForFit(session, *client, arguments.study, response.revision());
}

}  // namespace

void AddImportCommand(CLI::App& experiments, Session& session) {
  CLI::App* command = AddCommand(experiments,
                                 "import",
                                 "Stores the runs of a file, all or none; importing it again "
                                 "changes nothing",
                                 "bitbudget experiments import --study micro runs.csv\n"
                                 "bitbudget experiments import --study micro runs.csv --dry-run\n"
                                 "zcat runs.csv.gz | bitbudget experiments import --study micro -");
  auto arguments = std::make_shared<ImportArguments>();
  AddStudy(command, &arguments->study)->required();
  command
      ->add_option(
          "file",
          arguments->file,
          "CSV with a header row, or JSON Lines if it ends in .jsonl; - for standard input")
      ->required();
  command->add_option("--format", arguments->format, "Format of the file, whatever its name")
      ->check(CLI::IsMember({"csv", "jsonl"}).description(""))
      ->type_name("csv|jsonl");
  command
      ->add_option("--batch",
                   arguments->import_batch,
                   "Label by which the import can be listed and excluded; else the file's name")
      ->type_name("LABEL");
  command->add_flag(
      "--skip-invalid", arguments->skip_invalid, "Store the valid rows even if others are refused");
  command->add_flag("--dry-run", arguments->dry_run, "Check everything, store nothing");
  command->add_flag("--wait", arguments->wait, "Wait until the study is fitted to the new rows");
  OnCommand(command, session, arguments, &RunImport);
}

}  // namespace bitbudget::cli
