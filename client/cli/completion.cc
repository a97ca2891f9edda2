#include "client/cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace bitbudget::cli {
namespace {

// Three cases of the script: which words lead to a command, what may follow a
// command, and which values a flag takes.
struct Cases {
  std::vector<std::string> paths;
  std::string words;
  std::string values;
};

void AddFlags(const CLI::App& command, std::vector<std::string>& words) {
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
}

// Flags of `command` that take one of a few names, which their type name lists.
void AddValues(const CLI::App& command, const std::string& path, Cases& cases) {
  for (const CLI::Option* option : command.get_options()) {
    std::string names = option->get_type_name();
    if (names.find('|') == std::string::npos) continue;
    std::replace(names.begin(), names.end(), '|', ' ');
    for (const std::string& flag : option->get_lnames()) {
      cases.values += fmt::format("    \"{} --{}\") words=\"{}\" ;;\n", path, flag, names);
    }
  }
}

void Walk(const CLI::App& command, const std::string& path, Cases& cases) {
  std::vector<std::string> words;
  for (const CLI::App* child : command.get_subcommands({})) {
    words.push_back(child->get_name());
    const std::string child_path = path + " " + child->get_name();
    cases.paths.push_back(fmt::format("\"{}\"", child_path));
    Walk(*child, child_path, cases);
  }
  AddFlags(command, words);
  // Global flags may follow any command.
  for (const CLI::App* parent = command.get_parent(); parent; parent = parent->get_parent()) {
    AddFlags(*parent, words);
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  cases.words += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, fmt::join(words, " "));
  AddValues(command, path, cases);
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  Cases cases;
  Walk(app, "", cases);
  return fmt::format(R"(# bash completion for {0}; load it with: source <({0} completion bash)
_{0}() {{
  local path="" words="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
    case "$path $word" in
    {1}) path="$path $word" ;;
    esac
  done
  case "$path" in
{2}  esac
  case "$path ${{COMP_WORDS[COMP_CWORD - 1]}}" in
{3}  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _{0} {0}
)",
                     app.get_name(),
                     fmt::join(cases.paths, " | "),
                     cases.words,
                     cases.values);
}

}  // namespace bitbudget::cli
