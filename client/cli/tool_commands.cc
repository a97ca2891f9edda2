#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/completion.h"
#include "client/cli/flags.h"
#include "client/cli/quantity.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

absl::Status RunBackup(Session& session, const std::string& file) {
  v1::BackupRequest request;
  request.set_path(std::filesystem::absolute(file).lexically_normal().string());
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto response, client->Backup(request));
  session.Print(response,
                fmt::format("{}: {}B\n",
                            response.path(),
                            FormatQuantity(static_cast<double>(response.size_bytes()))));
  return absl::OkStatus();
}

}  // namespace

void AddBackupCommand(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app,
                                 "backup",
                                 "Writes a consistent copy of the whole database while the server "
                                 "goes on working",
                                 "bitbudget backup /var/backups/bitbudget-monday.db");
  auto file = std::make_shared<std::string>();
  command->add_option("file", *file, "New file, on the server's machine")->required();
  OnCommand(command, session, file, &RunBackup);
}

void AddCompletionCommand(CLI::App& app, Session& session) {
  CLI::App* completion = AddCommand(app,
                                    "completion",
                                    "Completion of commands and flags in a shell",
                                    "source <(bitbudget completion bash)");
  completion->require_subcommand(1);
  CLI::App* bash = AddCommand(*completion,
                              "bash",
                              "Prints the script for bash",
                              "source <(bitbudget completion bash)\n"
                              "bitbudget completion bash > "
                              "~/.local/share/bash-completion/completions/bitbudget");
  bash->final_callback([&app, &session] {
    session.action = [&app](Session& s) {
      s.Print(BashCompletion(app));
      return absl::OkStatus();
    };
  });
}

}  // namespace bitbudget::cli
