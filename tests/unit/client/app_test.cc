#include "client/cli/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/cli/completion.h"
#include "tests/process/process.h"

namespace bitbudget::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AppTest : public ::testing::Test {
 protected:
  AppTest() { BuildApp(app_, session_); }

  // All commands of the tree, the program itself first.
  std::vector<const CLI::App*> Commands() const {
    std::vector<const CLI::App*> commands = {&app_};
    for (size_t i = 0; i < commands.size(); ++i) {
      for (const CLI::App* child : commands[i]->get_subcommands({})) commands.push_back(child);
    }
    return commands;
  }

  // What bash would offer for a command line whose last word is being typed.
  std::string Complete(const std::string& line) {
    const std::string script = BashCompletion(app_) + "COMP_WORDS=(" + line +
                               ")\n"
                               "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                               "_bitbudget\necho \"${COMPREPLY[*]}\"\n";
    const auto completed = testing::Run({"bash", "-s"}, {.input = script});
    EXPECT_EQ(completed->errors, "");
    return completed->output;
  }

  Session session_;
  CLI::App app_;
};

TEST_F(AppTest, TheHelpOfEveryCommandOpensWithExamplesOfIt) {
  for (const CLI::App* command : Commands()) {
    const std::string help = command->help();
    EXPECT_THAT(help, StartsWith("Examples:\n  ")) << command->get_name();
    EXPECT_THAT(help.substr(0, help.find("\n\n")), HasSubstr(command->get_name()));
  }
}

TEST_F(AppTest, EveryFlagAndCommandIsDescribed) {
  for (const CLI::App* command : Commands()) {
    EXPECT_NE(command->get_description(), "") << command->get_name();
    for (const CLI::Option* option : command->get_options()) {
      EXPECT_NE(option->get_description(), "") << command->get_name() << option->get_name();
    }
  }
}

TEST_F(AppTest, CompletionOffersCommands) {
  EXPECT_EQ(Complete("bitbudget fr"), "fraction\n");
  EXPECT_EQ(Complete("bitbudget study cr"), "create\n");
}

TEST_F(AppTest, CompletionOffersFlagsGlobalOnesToo) {
  EXPECT_EQ(Complete("bitbudget fraction --total"), "--total-tokens\n");
  EXPECT_EQ(Complete("bitbudget fit show --js"), "--json\n");
}

TEST_F(AppTest, CompletionOffersTheValuesOfAFlag) {
  EXPECT_EQ(Complete("bitbudget study create x --loss-unit nats-per-b"), "nats-per-byte\n");
}

TEST_F(AppTest, CompletionOffersLawsAndFormats) {
  EXPECT_EQ(Complete("bitbudget study create x --law chin"), "chinchilla\n");
  EXPECT_EQ(Complete("bitbudget experiments import --format js"), "jsonl\n");
  EXPECT_EQ(Complete("bitbudget experiments export --format c"), "csv\n");
}

TEST_F(AppTest, CompletionLooksPastFlagsAndTheirValues) {
  EXPECT_EQ(Complete("bitbudget --server 127.0.0.1:1 study sh"), "show\n");
}

}  // namespace
}  // namespace bitbudget::cli
