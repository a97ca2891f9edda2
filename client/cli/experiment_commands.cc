#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/flags.h"
#include "client/cli/study_report.h"
#include "client/cli/terminal.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

struct ListArguments {
  v1::ListExperimentsRequest request;
  bool all = false;
};

absl::Status RunList(Session& session, const ListArguments& arguments) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  v1::ListExperimentsRequest request = arguments.request;
  v1::ListExperimentsResponse shown;
  do {
    ASSIGN_OR_RETURN(v1::ListExperimentsResponse page, client->ListExperiments(request));
    request.set_page_token(page.next_page_token());
    shown.MergeFrom(page);
  } while (arguments.all && !request.page_token().empty());
  shown.set_next_page_token(request.page_token());
  const Table table = ExperimentTable(shown);
  session.Print(shown, OutputIsTerminal() ? table.Aligned() : table.TabSeparated());
  if (!shown.next_page_token().empty()) {
    session.Note(fmt::format("{} shown; the next page: --page-token '{}', all: --all",
                             shown.experiments_size(),
                             shown.next_page_token()));
  }
  return absl::OkStatus();
}

// Arguments of exclude and include.
struct MarkArguments {
  std::string study;
  std::vector<std::string> ids;
  std::string import_batch;
  std::string reason;
};

template <typename Request>
absl::StatusOr<Request> MarkRequest(const MarkArguments& arguments) {
  if (arguments.ids.empty() == arguments.import_batch.empty()) {
    return WrongUsage("say which experiments: either by name or with --batch LABEL");
  }
  Request request;
  request.set_parent(arguments.study);
  request.set_import_batch(arguments.import_batch);
  request.set_reason(arguments.reason);
  for (const std::string& id : arguments.ids) {
    const bool full = id.find('/') != std::string::npos;
    request.add_names(full ? id : fmt::format("{}/experiments/{}", arguments.study, id));
  }
  return request;
}

absl::Status RunExclude(Session& session, const MarkArguments& arguments) {
  ASSIGN_OR_RETURN(auto request, MarkRequest<v1::ExcludeExperimentsRequest>(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto response, client->ExcludeExperiments(std::move(request)));
  session.Print(
      response,
      fmt::format("{} excluded; revision {}\n", response.excluded_count(), response.revision()));
  return absl::OkStatus();
}

absl::Status RunInclude(Session& session, const MarkArguments& arguments) {
  ASSIGN_OR_RETURN(auto request, MarkRequest<v1::IncludeExperimentsRequest>(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto response, client->IncludeExperiments(std::move(request)));
  session.Print(
      response,
      fmt::format("{} included; revision {}\n", response.included_count(), response.revision()));
  return absl::OkStatus();
}

void AddMark(CLI::App* command,
             Session& session,
             absl::Status (*run)(Session&, const MarkArguments&)) {
  auto arguments = std::make_shared<MarkArguments>();
  AddStudy(command, &arguments->study)->required();
  command->add_option("names", arguments->ids, "Experiments, by their ids");
  command->add_option("--batch", arguments->import_batch, "All experiments of this import")
      ->type_name("LABEL");
  command->add_option("--reason", arguments->reason, "Why; kept in the history")
      ->required()
      ->type_name("TEXT");
  OnCommand(command, session, arguments, run);
}

void AddList(CLI::App& experiments, Session& session) {
  CLI::App* command =
      AddCommand(experiments,
                 "list",
                 "Lists experiments page by page",
                 "bitbudget experiments list --study micro\n"
                 "bitbudget experiments list --study micro --weight-bits 2,4 --order-by loss\n"
                 "bitbudget experiments list --study micro --exclusion excluded --all");
  auto arguments = std::make_shared<ListArguments>();
  v1::ListExperimentsRequest* request = &arguments->request;
  AddStudy(command, request->mutable_parent())->required();
  AddField(command, request, "page_size", "At most this many; else 100");
  AddField(command, request, "page_token", "Go on where another page ended");
  command->add_flag("--all", arguments->all, "All pages");
  AddField(command, request, "order_by", "Column to order by; else creation");
  AddField(command, request, "descending", "Largest first");
  AddFilter(command, request->mutable_filter());
  OnCommand(command, session, arguments, &RunList);
}

}  // namespace

void AddExperimentCommands(CLI::App& app, Session& session) {
  CLI::App* experiments = AddCommand(app,
                                     "experiments",
                                     "Experiments: measured training runs",
                                     "bitbudget experiments import --study micro runs.csv\n"
                                     "bitbudget experiments list --study micro");
  experiments->require_subcommand(1);
  AddImportCommand(*experiments, session);
  AddList(*experiments, session);
  AddExportCommand(*experiments, session);
  AddMark(AddCommand(*experiments,
                     "exclude",
                     "Keeps experiments from all fits; they stay stored",
                     "bitbudget experiments exclude --study micro 17 --reason 'diverged'\n"
                     "bitbudget experiments exclude --study micro --batch runs.csv --reason "
                     "'wrong evaluation set'"),
          session,
          &RunExclude);
  AddMark(AddCommand(*experiments,
                     "include",
                     "Takes exclusions back",
                     "bitbudget experiments include --study micro 17 --reason 'was right'"),
          session,
          &RunInclude);
}

}  // namespace bitbudget::cli
