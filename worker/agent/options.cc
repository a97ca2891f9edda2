#include "worker/agent/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <utility>
#include <vector>

#include "client/cpp/client.h"

namespace bitbudget::agent {
namespace {

constexpr int kWrongUsage = 2;

std::string HostName() {
  std::array<char, 256> name = {};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

// bitbudget-train beside this program, or where the preset "worker" builds it.
std::string DefaultTrainer() {
  std::error_code ignored;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const auto beside = here / "bitbudget-train";
  if (std::filesystem::exists(beside, ignored)) return beside.string();
  return (here.parent_path().parent_path() / "worker/bin/bitbudget-train").string();
}

absl::Duration ParseTime(const std::string& flag, const std::string& text) {
  const bool seconds = text.find_first_not_of("0123456789.") == std::string::npos;
  absl::Duration time;
  if (absl::ParseDuration(seconds ? text + "s" : text, &time) && time > absl::ZeroDuration()) {
    return time;
  }
  throw CLI::ValidationError(
      flag, fmt::format("'{}' is no time; write for example 30, 1.5s, 5m or 12h", text));
}

void AddTime(CLI::App& app, const char* flag, absl::Duration& target, const char* description) {
  app.add_option_function<std::string>(
         flag,
         [flag, &target](const std::string& text) { target = ParseTime(flag, text); },
         description)
      ->type_name("TIME");
}

void AddData(CLI::App& app, std::map<std::string, std::string>& data) {
  app.add_option_function<std::vector<std::string>>(
         "--data",
         [&data](const std::vector<std::string>& values) {
           for (const std::string& value : values) {
             const size_t equals = value.find('=');
             const bool named = equals != std::string::npos;
             data[named ? value.substr(0, equals) : "tokens"] =
                 std::filesystem::absolute(named ? value.substr(equals + 1) : value).string();
           }
         },
         "Token file that jobs may name; without NAME: tokens. May be given again")
      ->allow_extra_args(false)
      ->required()
      ->type_name("[NAME=]FILE");
}

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--server", options.server, "Address of the server")
      ->envname("BITBUDGET_SERVER")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--name", options.name, "Name of this worker; else HOST-PROCESS");
  app.add_option_function<std::string>(
      "--study",
      [&options](const std::string& name) { options.study = client::StudyName(name); },
      "Take jobs of this study alone");
  AddData(app, options.data);
  app.add_option("--work-directory", options.work_directory, "For checkpoints and results")
      ->required()
      ->type_name("FOLDER");
  app.add_option("--trainer", options.trainer, "Path of bitbudget-train")->type_name("FILE");
  app.add_option("--memory", options.memory_bytes, "Memory that a job may take")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->type_name("BYTES");
  app.add_option("--keep-checkpoints",
                 options.kept_bytes,
                 "Bytes of checkpoints that stay when their job has ended; else 4 GiB")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->type_name("BYTES");
  AddTime(app,
          "--wall-time",
          options.wall_time,
          "Be gone after this long: drains 30 s before, so that 30 s or less take no job");
  AddTime(app, "--idle-exit", options.idle_exit, "Leave after this long without a job");
  AddTime(app, "--lease", options.lease, "Period of a lease, 5 s to 1 h; else 60 s");
  AddTime(app,
          "--checkpoint-interval",
          options.checkpoint_interval,
          "From one checkpoint to the next; else 60 s");
  AddTime(app,
          "--stall-limit",
          options.stall_limit,
          "End a trainer that says nothing for this long; else 10 min");
  app.add_flag("--keep-blas-environment",
               options.keep_blas_environment,
               "Leave OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE to the trainer");
}

}  // namespace

std::variant<Options, Exit> ReadOptions(int argc, const char* const* argv) {
  Options options;
  CLI::App app("Leases trainings from bitbudget-server and carries them out", "bitbudget-worker");
  app.set_version_flag("--version", "bitbudget-worker " BITBUDGET_VERSION, "Print the version");
  app.footer(
      "Example:\n"
      "  bitbudget-worker --server 127.0.0.1:7411 --data tokens.bin --work-directory work\n"
      "SIGTERM: write a checkpoint, give the job back, exit. See docs/jobs.md.");
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Exit{app.exit(error) == 0 ? 0 : kWrongUsage};
  }
  if (options.name.empty()) options.name = fmt::format("{}-{}", HostName(), getpid());
  if (options.trainer.empty()) options.trainer = DefaultTrainer();
  options.work_directory = std::filesystem::absolute(options.work_directory).string();
  return options;
}

}  // namespace bitbudget::agent
