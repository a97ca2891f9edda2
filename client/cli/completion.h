// Completion for bash, written from the tree of commands itself. Pure.

#ifndef BITBUDGET_CLIENT_CLI_COMPLETION_H_
#define BITBUDGET_CLIENT_CLI_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <string>

namespace bitbudget::cli {

// A script for bash that completes commands, flags, and the values of flags that
// take one of a few names; file names elsewhere.
std::string BashCompletion(const CLI::App& app);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_COMPLETION_H_
