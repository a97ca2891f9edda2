#include <fmt/format.h>

#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/experiment_file.h"
#include "client/cli/flags.h"
#include "client/cli/json.h"
#include "client/cli/terminal.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

struct ExportArguments {
  v1::ExportExperimentsRequest request;
  std::string format = "csv";
};

absl::Status RunExport(Session& session, const ExportArguments& arguments) {
  const bool json = session.json || arguments.format == "jsonl";
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  int64_t revision = 0;
  int64_t count = 0;
  bool begun = false;
  RETURN_IF_ERROR(client->ExportExperiments(
      arguments.request, [&](const v1::ExportExperimentsResponse& message) {
        if (!begun && !json) session.Print(CsvHeader());
        begun = true;
        for (const v1::Experiment& run : message.experiments()) {
          session.Print(json ? ToJsonLine(run) : CsvLine(run));
        }
        revision = message.revision();
        count += message.experiments_size();
        return session.Flush();
      }));
  session.Note(fmt::format("{} experiments, revision {}", count, revision));
  return absl::OkStatus();
}

}  // namespace

void AddExportCommand(CLI::App& experiments, Session& session) {
  CLI::App* command =
      AddCommand(experiments,
                 "export",
                 "Writes experiments as CSV, which import reads back, or as JSON Lines",
                 "bitbudget experiments export --study micro > runs.csv\n"
                 "bitbudget experiments export --study micro --format jsonl --exclusion any");
  auto arguments = std::make_shared<ExportArguments>();
  // An excluded run that is imported again would be a new one.
  arguments->request.mutable_filter()->set_exclusion(v1::ExperimentFilter::INCLUDED);
  AddStudy(command, arguments->request.mutable_parent())->required();
  command->add_option("--format", arguments->format, "Format of the output; else csv")
      ->check(CLI::IsMember({"csv", "jsonl"}).description(""))
      ->type_name("csv|jsonl");
  AddFilter(command, arguments->request.mutable_filter());
  OnCommand(command, session, arguments, &RunExport);
}

}  // namespace bitbudget::cli
