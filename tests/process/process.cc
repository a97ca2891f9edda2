#include "tests/process/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"

namespace bitbudget::testing {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

// Close-on-exec, so that no other program started meanwhile keeps an end open.
absl::StatusOr<Pipe> MakePipe(int flags = 0) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC | flags) != 0) {
    return absl::InternalError(std::strerror(errno));
  }
  return Pipe{ends[0], ends[1]};
}

// A pipe that has room for what was written last and no more: in packet mode each
// write takes a page of its own.
absl::StatusOr<Pipe> MakePipeOfOneWrite() {
  absl::StatusOr<Pipe> pipe = MakePipe(O_DIRECT);
  if (pipe.ok()) fcntl(pipe->write_end, F_SETPIPE_SZ, 1);
  return pipe;
}

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::vector<std::string> Environment(const std::vector<std::string>& changes) {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const auto same_name = [&](const std::string& change) {
      return NameOf(change) == NameOf(*variable);
    };
    if (std::none_of(changes.begin(), changes.end(), same_name)) environment.push_back(*variable);
  }
  for (const std::string& change : changes) {
    if (change.find('=') != std::string::npos) environment.push_back(change);
  }
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void WriteAll(int file, const std::string& text) {
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<size_t>(count);
  }
  close(file);
}

ExitStatus FromWaitStatus(int status) {
  if (WIFEXITED(status)) return {WEXITSTATUS(status), 0};
  return {-1, WTERMSIG(status)};
}

std::optional<std::string> FindLine(const std::string& text, std::string_view prefix) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    if (end == std::string::npos) return std::nullopt;
    if (text.compare(start, prefix.size(), prefix) == 0) return text.substr(start, end - start);
    start = end + 1;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(std::vector<std::string> arguments,
                                                        const ProcessOptions& options) {
  // A program that ends without reading all its input must not end the test.
  static const bool ignored = std::signal(SIGPIPE, SIG_IGN) != SIG_ERR;
  if (!ignored) return absl::InternalError("cannot ignore SIGPIPE");

  std::array<Pipe, 3> pipes;
  for (size_t i = 0; i < pipes.size(); ++i) {
    const bool held = i == STDOUT_FILENO && !options.hold_at.empty();
    absl::StatusOr<Pipe> made = held ? MakePipeOfOneWrite() : MakePipe();
    if (!made.ok()) return made.status();
    pipes[i] = *made;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[0].read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes[1].write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes[2].write_end, STDERR_FILENO);
  if (!options.directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> environment = Environment(options.environment);
  pid_t id = 0;
  const int error = posix_spawnp(&id,
                                 arguments[0].c_str(),
                                 &actions,
                                 &attributes,
                                 Pointers(arguments).data(),
                                 Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(pipes[0].read_end);
  close(pipes[1].write_end);
  close(pipes[2].write_end);
  if (error != 0) {
    close(pipes[0].write_end);
    close(pipes[1].read_end);
    close(pipes[2].read_end);
    return absl::InternalError(
        fmt::format("cannot start {}: {}", arguments[0], std::strerror(error)));
  }

  std::unique_ptr<Process> process(new Process(id));
  process->writer_ = std::thread(WriteAll, pipes[0].write_end, options.input);
  process->output_.reader =
      std::thread(Collect, pipes[1].read_end, options.hold_at, std::ref(process->output_));
  process->errors_.reader =
      std::thread(Collect, pipes[2].read_end, std::string(), std::ref(process->errors_));
  return process;
}

void Process::Collect(int file, const std::string& hold_at, Stream& stream) {
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t count = read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    absl::MutexLock lock(&stream.mutex);
    if (count <= 0) {
      stream.closed = true;
      break;
    }
    stream.text.append(buffer.data(), static_cast<size_t>(count));
    if (!hold_at.empty() && FindLine(stream.text, hold_at)) {
      stream.mutex.Await(absl::Condition(&stream.released));
    }
  }
  close(file);
}

void Process::Release() const {
  absl::MutexLock lock(&output_.mutex);
  output_.released = true;
}

Process::~Process() {
  if (!exit_status_) {
    Signal(SIGKILL);
    Wait(absl::InfiniteDuration());
  }
}

std::string Process::Output() const {
  absl::MutexLock lock(&output_.mutex);
  return output_.text;
}

std::string Process::Errors() const {
  absl::MutexLock lock(&errors_.mutex);
  return errors_.text;
}

std::optional<std::string> Process::WaitForLine(std::string_view prefix,
                                                absl::Duration timeout) const {
  std::optional<std::string> line;
  const auto found_or_closed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(output_.mutex) {
    line = FindLine(output_.text, prefix);
    return line.has_value() || output_.closed;
  };
  absl::MutexLock lock(&output_.mutex);
  output_.mutex.AwaitWithTimeout(absl::Condition(&found_or_closed), timeout);
  return line;
}

void Process::Signal(int signal) const {
  if (!exit_status_) kill(id_, signal);
  Release();
}

std::optional<ExitStatus> Process::Wait(absl::Duration timeout) {
  if (exit_status_) return exit_status_;
  Release();
  const absl::Time deadline = absl::Now() + timeout;
  int status = 0;
  while (true) {
    const pid_t ended = waitpid(id_, &status, WNOHANG);
    if (ended == id_) break;
    if (absl::Now() >= deadline) return std::nullopt;
    absl::SleepFor(absl::Milliseconds(2));
  }
  exit_status_ = FromWaitStatus(status);
  writer_.join();
  output_.reader.join();
  errors_.reader.join();
  return exit_status_;
}

absl::StatusOr<Completed> Run(std::vector<std::string> arguments,
                              const ProcessOptions& options,
                              absl::Duration timeout) {
  absl::StatusOr<std::unique_ptr<Process>> process = Process::Start(std::move(arguments), options);
  if (!process.ok()) return process.status();
  const std::optional<ExitStatus> status = (*process)->Wait(timeout);
  if (!status) {
    return absl::DeadlineExceededError(fmt::format("still running after {}; so far: {}{}",
                                                   absl::FormatDuration(timeout),
                                                   (*process)->Output(),
                                                   (*process)->Errors()));
  }
  return Completed{*status, (*process)->Output(), (*process)->Errors()};
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    const std::string& program,
    const std::string& database,
    const std::vector<std::string>& arguments) {
  constexpr std::string_view kListening = "bitbudget-server listening on ";
  std::vector<std::string> command = {program, "--database", database};
  command.insert(command.end(), arguments.begin(), arguments.end());
  // Of many servers at a time only one would get the default ports.
  const auto default_to = [&](const std::string& flag, const std::string& value) {
    if (std::ranges::count(arguments, flag) == 0) command.insert(command.end(), {flag, value});
  };
  default_to("--listen", "127.0.0.1:0");
  default_to("--http", "none");
  absl::StatusOr<std::unique_ptr<Process>> process = Process::Start(std::move(command));
  if (!process.ok()) return process.status();
  const std::optional<std::string> line = (*process)->WaitForLine(kListening, absl::Seconds(30));
  if (!line) {
    return absl::InternalError(
        fmt::format("{} does not listen: {}", program, (*process)->Errors()));
  }
  return std::unique_ptr<ServerProcess>(
      new ServerProcess(*std::move(process), line->substr(kListening.size())));
}

std::optional<ExitStatus> ServerProcess::Stop(absl::Duration timeout) {
  process_->Signal(SIGTERM);
  return process_->Wait(timeout);
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "bitbudget-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bitbudget::testing
