// bitbudget-train: prepares text, trains one job, exports what came of it. See
// docs/worker.md.

#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "worker/data/prepare.h"
#include "worker/run/config.h"
#include "worker/run/reporter.h"
#include "worker/run/run.h"

namespace bitbudget::worker {
namespace {

// docs/worker.md, "Exit codes".
enum ExitCode { kSuccess = 0, kFailure = 1, kUsage = 2, kDivergedRun = 3, kInterruptedRun = 4 };

// Set by signals; a lock-free atomic may be touched from their handler.
std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void RequestStop(int /*signal*/) { stop_requested = true; }

void HandleSignals() {
  struct sigaction action = {};
  action.sa_handler = RequestStop;
  for (const int signal : {SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
  // A full file system or quota is an error to be reported, not a death.
  signal(SIGXFSZ, SIG_IGN);
  // Nobody reads any more: finish the run, its checkpoints count.
  signal(SIGPIPE, SIG_IGN);
}

// Stops, with a checkpoint, as soon as the process `parent` is gone.
void EndWith(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It may have gone before.
  if (getppid() != parent) stop_requested = true;
}

int Prepare(const PrepareOptions& options) {
  const auto summary = PrepareTokens(options);
  if (!summary.ok()) {
    fmt::print(stderr, "error: {}\n", std::string(summary.status().message()));
    return kFailure;
  }
  fmt::print("{} files: {} tokens to train, {} to validate, {} bytes outside the vocabulary\n",
             summary->file_count,
             summary->train_tokens,
             summary->validation_tokens,
             summary->dropped_bytes);
  fmt::print("{} sha256 {}\n", options.output, summary->sha256_hex);
  return kSuccess;
}

struct ExportArguments {
  std::string config;
  std::string checkpoint;
  std::string output;
};

// By the program beside this one that has LibTorch, whose loading would cost every
// run a third of a second.
int Export(const ExportArguments& arguments) {
  std::error_code ignored;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const std::string program = (here / "bitbudget-train-export").string();
  execl(program.c_str(),
        program.c_str(),
        arguments.config.c_str(),
        arguments.checkpoint.c_str(),
        arguments.output.c_str(),
        nullptr);
  fmt::print(stderr, "error: cannot start {}: {}\n", program, std::strerror(errno));
  return kFailure;
}

struct RunArguments {
  std::string config;
  RunOptions options;
  double checkpoint_seconds = 60;
  double progress_seconds = 1;
  std::string format = "auto";
  pid_t parent = 0;  // to end with; 0: none
};

std::unique_ptr<Reporter> MakeReporter(const std::string& format) {
  const bool terminal = format == "auto" ? isatty(STDOUT_FILENO) == 1 : format == "terminal";
  return terminal ? MakeTerminalReporter(stdout) : MakeJsonReporter(stdout);
}

absl::StatusOr<Outcome> ReadAndRun(const RunArguments& arguments, Reporter& reporter) {
  const auto config = ReadRunConfig(arguments.config);
  if (!config.ok()) {
    reporter.Failed(config.status());
    return config.status();
  }
  RunOptions options = arguments.options;
  options.checkpoint_interval = absl::Seconds(arguments.checkpoint_seconds);
  options.progress_interval = absl::Seconds(arguments.progress_seconds);
  if (!options.checkpoint_directory.empty()) {
    // If this fails, writing the first checkpoint says why.
    std::error_code ignored;
    std::filesystem::create_directories(options.checkpoint_directory, ignored);
  }
  return RunJob(*config, options, stop_requested, reporter);
}

absl::StatusOr<Outcome> RunWithinMemory(const RunArguments& arguments, Reporter& reporter) {
  try {
    return ReadAndRun(arguments, reporter);
  } catch (const std::bad_alloc&) {
    const absl::Status status =
        MakeError(absl::StatusCode::kResourceExhausted,
                  "out of memory; a smaller model, batch or context needs less",
                  {.reason = "OUT_OF_MEMORY"});
    reporter.Failed(status);
    return status;
  }
}

int Run(const RunArguments& arguments) {
  HandleSignals();
  if (arguments.parent != 0) EndWith(arguments.parent);
  const auto reporter = MakeReporter(arguments.format);
  const auto outcome = RunWithinMemory(arguments, *reporter);
  if (!outcome.ok()) {
    fmt::print(stderr, "error: {}\n", std::string(outcome.status().message()));
    return kFailure;
  }
  if (*outcome == Outcome::kDiverged) return kDivergedRun;
  return *outcome == Outcome::kInterrupted ? kInterruptedRun : kSuccess;
}

void AddPrepare(CLI::App& app, PrepareOptions& options) {
  CLI::App* const command = app.add_subcommand("prepare", "Turn text into a file of byte tokens");
  command->add_option("inputs", options.inputs, "Files, and directories searched in depth")
      ->required();
  command->add_option("-o,--output", options.output, "The token file")->required();
  command->add_option("--vocabulary", options.vocabulary, "Leave bytes from here on out");
  command->add_option("--seed", options.seed, "Of the shuffle");
  command->add_option("--chunk-bytes", options.chunk_bytes, "What stays together");
  command->add_option("--validation-fraction", options.validation_fraction, "Kept to validate");
}

void AddRun(CLI::App& app, RunArguments& arguments) {
  CLI::App* const command = app.add_subcommand("run", "Train one job");
  command->add_option("config", arguments.config, "JSON file that states the job")->required();
  RunOptions& options = arguments.options;
  command->add_option("--checkpoints", options.checkpoint_directory, "Made if it is not there");
  command->add_flag("--resume", options.resume, "Go on from latest.ckpt among the checkpoints");
  command->add_option("--checkpoint-seconds", arguments.checkpoint_seconds, "From one to the next")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--progress-seconds", arguments.progress_seconds, "From one to the next")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--gemm-rate",
                   options.gemm_flops_per_second,
                   "FLOP/s of a large product, as an earlier run here measured; 0: measure")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--format", arguments.format, "auto, json or terminal")
      ->check(CLI::IsMember({"auto", "json", "terminal"}));
  command->add_option("--end-with-parent",
                      arguments.parent,
                      "Stop as by SIGTERM when this process, which started it, ends");
}

void AddExport(CLI::App& app, ExportArguments& arguments) {
  CLI::App* const command = app.add_subcommand("export", "Write a checkpoint for PyTorch");
  command->add_option("config", arguments.config, "JSON file of its job")->required();
  command->add_option("checkpoint", arguments.checkpoint, "The checkpoint")->required();
  command->add_option("-o,--output", arguments.output, "What torch.load will read")->required();
}

int Main(int argc, char** argv) {
  CLI::App app("Trains small quantized transformers on bytes", "bitbudget-train");
  app.set_version_flag("--version", "bitbudget-train " BITBUDGET_VERSION, "Print the version");
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default();
  PrepareOptions prepare;
  RunArguments run;
  AddPrepare(app, prepare);
  AddRun(app, run);
  ExportArguments export_arguments;
  AddExport(app, export_arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  }
  if (app.got_subcommand("prepare")) return Prepare(prepare);
  if (app.got_subcommand("export")) return Export(export_arguments);
  return Run(run);
}

}  // namespace
}  // namespace bitbudget::worker

int main(int argc, char** argv) {
  try {
    return bitbudget::worker::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
