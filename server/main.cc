// bitbudget-server: the program.

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <variant>

#include "server/config.h"
#include "server/daemon.h"
#include "server/log.h"

namespace {

using bitbudget::server::Config;
using bitbudget::server::Exit;

constexpr int kFailed = 1;

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits for a signal to end; a second one ends the program at once.
void WaitForEndingSignal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

// Only the default directory is made: a mistyped one should be noticed.
void CreateDefaultDirectory(const Config& config) {
  if (config.database != bitbudget::server::DefaultDatabase()) return;
  std::error_code ignored;  // opening the database says what is wrong
  std::filesystem::create_directories(std::filesystem::path(config.database).parent_path(),
                                      ignored);
}

int Run(int argc, char** argv) {
  const std::variant<Config, Exit> read = bitbudget::server::ReadConfig(argc, argv);
  if (const Exit* exit = std::get_if<Exit>(&read)) return exit->code;
  const Config& config = std::get<Config>(read);
  bitbudget::server::ConfigureLog(config.log_level, config.log_format);

  // Before any thread is made, so that all of them leave the signals to us.
  const sigset_t signals = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  CreateDefaultDirectory(config);
  const absl::Status status = bitbudget::server::RunDaemon(
      config,
      [](const bitbudget::server::Addresses& addresses) {
        fmt::print("bitbudget-server listening on {}\n", addresses.grpc);
        if (!addresses.http.empty()) {
          fmt::print("bitbudget-server dashboard at http://{}/\n", addresses.http);
        }
        std::fflush(stdout);
      },
      [&signals] { WaitForEndingSignal(signals); });
  if (status.ok()) return 0;
  fmt::print(stderr, "bitbudget-server: {}\n", std::string(status.message()));
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& exception) {
    std::fputs(exception.what(), stderr);
    return kFailed;
  }
}
