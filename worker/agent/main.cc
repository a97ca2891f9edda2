// bitbudget-worker: leases trainings and carries them out. See docs/jobs.md.

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "client/cpp/client.h"
#include "util/clock.h"
#include "util/status_macros.h"
#include "worker/agent/agent.h"

namespace bitbudget::agent {
namespace {

constexpr int kFailed = 1;
// What a drain may take: a step, a checkpoint, a call.
constexpr absl::Duration kDrainTime = absl::Seconds(30);

// One line an event on standard error, as the server writes it.
void ConfigureLog() {
  auto logger = std::make_shared<spdlog::logger>("bitbudget-worker",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(logger);
}

absl::Status Work(const Options& options, Shutdown& shutdown) {
  const absl::Duration drain_at = Clock::System()->Steady() + options.wall_time - kDrainTime;
  ASSIGN_OR_RETURN(const auto work, WorkDirectory::Open(options.work_directory));
  ASSIGN_OR_RETURN(const auto client, client::Client::Connect(options.server));
  spdlog::info("working name={} server={} work_directory={} trainer={}",
               options.name,
               options.server,
               options.work_directory,
               options.trainer);
  std::map<int, double> gemm_rates;
  return Agent({.options = options,
                .client = *client,
                .work = *work,
                .shutdown = shutdown,
                .drain_at = drain_at,
                .gemm_rates = gemm_rates})
      .Run();
}

int Main(int argc, char** argv) {
  const std::variant<Options, Exit> read = ReadOptions(argc, argv);
  if (const Exit* exit = std::get_if<Exit>(&read)) return exit->code;
  ConfigureLog();
  std::signal(SIGPIPE, SIG_IGN);
  // Referred to by the thread of the signals, which ends with the process.
  static Shutdown shutdown;
  shutdown.HandleSignals();
  const absl::Status status = Work(std::get<Options>(read), shutdown);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bitbudget-worker: %s\n", std::string(status.message()).c_str());
  return kFailed;
}

}  // namespace
}  // namespace bitbudget::agent

int main(int argc, char** argv) {
  try {
    return bitbudget::agent::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bitbudget-worker: %s\n", error.what());
    return 1;
  }
}
