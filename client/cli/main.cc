#include <CLI/CLI.hpp>

#include "client/cli/app.h"

int main(int argc, char** argv) {
  bitbudget::cli::Session session;
  CLI::App app;
  bitbudget::cli::BuildApp(app, session);
  return bitbudget::cli::Run(app, session, argc, argv);
}
