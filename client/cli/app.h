// The whole command line.

#ifndef BITBUDGET_CLIENT_CLI_APP_H_
#define BITBUDGET_CLIENT_CLI_APP_H_

#include <CLI/CLI.hpp>

#include "client/cli/session.h"

namespace bitbudget::cli {

// Adds all commands and the global options to `app`, which parses into `session`.
void BuildApp(CLI::App& app, Session& session);

// Parses the arguments, does what they ask for, and returns the exit code.
int Run(CLI::App& app, Session& session, int argument_count, const char* const* arguments);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_APP_H_
