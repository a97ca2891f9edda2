#include "client/cli/app.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/suggest.h"

namespace bitbudget::cli {
namespace {

// Help that opens with examples.
class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app,
                        std::string name,
                        CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
    std::string help = "Examples:\n";
    for (const auto& line : absl::StrSplit(app->get_footer(), '\n')) {
      help += fmt::format("  {}\n", std::string(line));
    }
    help += "\n" + make_description(app) + "\n" + make_usage(app, name) + make_positionals(app) +
            make_groups(app, mode) + make_subcommands(app, mode);
    if (app->get_parent() == nullptr) return help;
    return help + "\nOptions of all commands: --server, --json, --timeout; see bitbudget --help\n";
  }
};

// The command that the arguments led to, as far as they were understood.
const CLI::App& GivenCommand(const CLI::App& app) {
  const std::vector<CLI::App*> given = app.get_subcommands();
  return given.empty() ? app : GivenCommand(*given.front());
}

std::string FullName(const CLI::App& command) {
  if (command.get_parent() == nullptr) return command.get_name();
  return FullName(*command.get_parent()) + " " + command.get_name();
}

std::vector<std::string> CommandNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* child : command.get_subcommands({})) names.push_back(child->get_name());
  return names;
}

std::vector<std::string> FlagNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app = &command; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// What is wrong with a command line that CLI11 refused.
std::string UsageProblem(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = GivenCommand(app);
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  const std::vector<std::string> commands = CommandNames(command);
  if (unknown.empty() && !commands.empty() && error.get_name() == "RequiredError") {
    return fmt::format("{} needs a command: {}", FullName(command), fmt::join(commands, ", "));
  }
  if (unknown.empty()) return error.what();
  const std::string& first = unknown.front();
  if (first.substr(0, 1) == "-") {
    const std::string flag = first.substr(0, first.find('='));
    return fmt::format(
        "{} has no flag '{}'{}", FullName(command), flag, DidYouMean(flag, FlagNames(command)));
  }
  if (commands.empty()) {
    return fmt::format("{} takes no further argument '{}'", FullName(command), first);
  }
  return fmt::format(
      "{} has no command '{}'{}", FullName(command), first, DidYouMean(first, commands));
}

void PrintError(const Session& session, const absl::Status& error) {
  session.PrintError(session.json ? ErrorJson(error) : ErrorText(error, session.source));
}

int RefuseUsage(const CLI::App& app, Session& session, const CLI::ParseError& error) {
  PrintError(session, WrongUsage(UsageProblem(app, error)));
  if (!session.json) {
    session.PrintError(fmt::format("  see: {} --help\n", FullName(GivenCommand(app))));
  }
  return kWrongUsage;
}

void AddGlobalOptions(CLI::App& app, Session& session) {
  app.add_option("--server", session.server, "Address of the server; else 127.0.0.1:7411")
      ->envname("BITBUDGET_SERVER")
      ->type_name("HOST:PORT");
  app.add_flag("--json", session.json, "Print the reply as JSON; errors too, on standard error");
  app.add_option_function<std::string>(
         "--timeout",
         [&session](const std::string& text) {
           absl::Duration timeout;
           const bool seconds = text.find_first_not_of("0123456789.") == std::string::npos;
           if (!absl::ParseDuration(seconds ? text + "s" : text, &timeout) ||
               timeout <= absl::ZeroDuration()) {
             throw CLI::ValidationError(
                 "--timeout",
                 fmt::format("'{}' is no time; write for example 30, 1.5s, 5m or inf", text));
           }
           session.timeout = timeout;
         },
         "Give up on a call after this long; else 10 s, 10 min for long work")
      ->type_name("TIME");
}

}  // namespace

void BuildApp(CLI::App& app, Session& session) {
  app.name("bitbudget");
  app.description("Plans compute budgets for quantized models from measured training runs.");
  app.footer(
      "bitbudget study create micro --loss-unit nats-per-byte\n"
      "bitbudget experiments import --study micro runs.csv --wait\n"
      "bitbudget fit show --study micro\n"
      "bitbudget fraction --study micro --parameters 2.2B --total-tokens 1.4T "
      "--weight-bits 4");
  auto formatter = std::make_shared<ExamplesFirst>();
  formatter->column_width(36);
  app.formatter(formatter);
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", "bitbudget " BITBUDGET_VERSION, "Print the version");
  // Global options may follow the command.
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalOptions(app, session);
  AddStudyCommands(app, session);
  AddExperimentCommands(app, session);
  AddFitCommands(app, session);
  AddLawCommands(app, session);
  AddPredictCommand(app, session);
  AddFractionCommand(app, session);
  AddBitsCommand(app, session);
  AddCompareCommand(app, session);
  AddWasteCommand(app, session);
  AddPlanCommand(app, session);
  AddDevicesCommand(app, session);
  AddGridCommand(app, session);
  AddJobCommands(app, session);
  AddCampaignCommands(app, session);
  AddBackupCommand(app, session);
  AddCompletionCommand(app, session);
}

int Run(CLI::App& app, Session& session, int argument_count, const char* const* arguments) {
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    // The parse may have ended before it came to the flag.
    session.json = std::any_of(arguments, arguments + argument_count, [](std::string_view text) {
      return text == "--json";
    });
    return RefuseUsage(app, session, error);
  }
  absl::Status status = session.action(session);
  if (const absl::Status flushed = session.Flush(); status.ok()) status = flushed;
  if (!status.ok()) PrintError(session, status);
  return ExitCodeOf(status);
}

}  // namespace bitbudget::cli
