#include <fmt/format.h>

#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/flags.h"
#include "client/cli/import_source.h"
#include "client/cli/mapping_report.h"
#include "client/cli/study_report.h"
#include "client/cli/terminal.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

// As many as the server's own replies list.
constexpr int kMaxReportedRows = 100;

struct ImportArguments {
  std::string study;
  ImportSource source;
  std::string import_batch;
  bool skip_invalid = false;
  bool dry_run = false;
  bool wait = false;
};

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
          arguments.source.files.size() == 1
              ? arguments.source.Name()
              : fmt::format("{} files", arguments.source.files.size())),
      {.reason = "UNREADABLE_ROWS",
       .rejected_rows = {file.rejected.begin(),
                         file.rejected.begin() + static_cast<std::ptrdiff_t>(reported)}});
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
  header.set_import_batch(arguments.import_batch.empty() ? arguments.source.Batch()
                                                         : arguments.import_batch);
  header.set_skip_invalid(arguments.skip_invalid);
  header.set_validate_only(arguments.dry_run);
  ProgressLine progress;
  absl::StatusOr<v1::ImportExperimentsResponse> response =
      client.ImportExperiments(std::move(header), file.rows, [&](int64_t sent) {
        progress.Show(fmt::format("{} of {} rows sent", sent, file.rows.size()));
      });
  if (!response.ok()) return WithPlaces(response.status(), file);
  AddPlaces(file, *response);
  return response;
}

// How a column map was understood, and with --dry-run what it makes of the first rows.
void ReportColumns(const Session& session, const ImportRows& rows, bool dry_run) {
  if (rows.report.empty() || session.json) return;
  session.PrintError(rows.report);
  if (dry_run) session.PrintError(FirstRowsText(rows.file));
}

void Report(const Session& session,
            const v1::ImportExperimentsResponse& response,
            const ImportArguments& arguments) {
  for (const v1::RejectedRow& row : response.rejected_rows()) {
    std::string line = RejectedRowText({row.index(), row.line(), row.field(), row.description()},
                                       arguments.source.Name());
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
  session.source = arguments.source.Name();
  ASSIGN_OR_RETURN(const ImportRows rows, ReadImport(arguments.source));
  const ParsedFile& file = rows.file;
  ReportColumns(session, rows, arguments.dry_run);
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
                                 "bitbudget experiments import --study micro wandb.csv --columns "
                                 "wandb --dry-run\n"
                                 "zcat runs.csv.gz | bitbudget experiments import --study micro -");
  auto arguments = std::make_shared<ImportArguments>();
  AddStudy(command, &arguments->study)->required();
  command
      ->add_option(
          "file",
          arguments->source.files,
          "CSV with a header row, or JSON Lines if it ends in .jsonl; - for standard input; "
          "with --columns also pages of MLflow's runs/search, all in one import")
      ->required();
  command
      ->add_option("--columns",
                   arguments->source.columns,
                   "Reads other columns than ours, by a column map: wandb, mlflow, chinchilla or "
                   "a file (docs/import.md); says what it makes of them")
      ->type_name("MAP");
  command->add_option("--format", arguments->source.format, "Format of the file, whatever its name")
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
