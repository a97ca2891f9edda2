#include "worker/agent/trainer_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/time/clock.h"

namespace bitbudget::agent {
namespace {

// A line of the trainer is a few hundred bytes; what has no end after so many is
// none of its.
constexpr size_t kLongestLine = 1 << 20;

// Where the child holds the file that stays locked while it lives.
constexpr int kLockInChild = 3;

bool ForcesKernels(std::string_view variable) {
  return variable.starts_with("OPENBLAS_CORETYPE=") || variable.starts_with("OPENBLAS_L2_SIZE=");
}

// What a child is started with; freed on every way out.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  // A process group of its own, so that a signal of the terminal reaches the agent
  // alone; no blocked or ignored signals.
  void Detach() {
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  // posix_spawn takes char* and changes nothing.
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<char*> Environment(bool keep_blas_environment) {
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (keep_blas_environment || !ForcesKernels(*variable)) environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  return environment;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainerProcess>> TrainerProcess::Start(
    const TrainerCommand& command) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return absl::InternalError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  SpawnSettings settings;
  settings.Detach();
  posix_spawn_file_actions_addopen(&settings.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&settings.actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&settings.actions,
                                   STDERR_FILENO,
                                   command.error_file.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC,
                                   0644);
  if (command.lock >= 0) {
    posix_spawn_file_actions_adddup2(&settings.actions, command.lock, kLockInChild);
  }
  pid_t id = 0;
  const int error = posix_spawn(&id,
                                command.arguments[0].c_str(),
                                &settings.actions,
                                &settings.attributes,
                                Pointers(command.arguments).data(),
                                Environment(command.keep_blas_environment).data());
  close(ends[1]);
  if (error == 0) return std::unique_ptr<TrainerProcess>(new TrainerProcess(id, ends[0]));
  close(ends[0]);
  return absl::InternalError(
      fmt::format("cannot start {}: {}", command.arguments[0], std::strerror(error)));
}

TrainerProcess::~TrainerProcess() {
  if (!end_) {
    Kill();
    Wait();
  }
  close(output_);
}

std::optional<std::string> TrainerProcess::TakeLine() {
  const size_t end = buffer_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

std::optional<std::string> TrainerProcess::ReadLine(absl::Duration timeout) {
  if (kill_time_ && absl::Now() >= *kill_time_) Kill();
  if (std::optional<std::string> line = TakeLine()) return line;
  if (output_ended_) return std::nullopt;
  pollfd wanted = {.fd = output_, .events = POLLIN};
  if (poll(&wanted, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) <= 0) {
    return std::nullopt;
  }
  std::array<char, 65536> bytes;
  const ssize_t count = read(output_, bytes.data(), bytes.size());
  if (count < 0 && errno == EINTR) return std::nullopt;
  if (count <= 0) {
    output_ended_ = true;
    return std::nullopt;
  }
  if (buffer_.size() > kLongestLine) buffer_.clear();
  buffer_.append(bytes.data(), static_cast<size_t>(count));
  return TakeLine();
}

void TrainerProcess::Terminate(absl::Duration grace) {
  if (end_ || kill_time_) return;
  kill(id_, SIGTERM);
  kill_time_ = absl::Now() + grace;
}

void TrainerProcess::Kill() const {
  if (!end_) kill(-id_, SIGKILL);
}

TrainerEnd TrainerProcess::Wait() {
  if (end_) return *end_;
  int status = 0;
  while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  end_ = WIFEXITED(status) ? TrainerEnd{WEXITSTATUS(status), 0} : TrainerEnd{-1, WTERMSIG(status)};
  return *end_;
}

}  // namespace bitbudget::agent
