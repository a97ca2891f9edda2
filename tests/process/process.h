// Programs as tests see them: started, spoken to, stopped, always by their own
// process id. Thread-safe where said.

#ifndef BITBUDGET_TESTS_PROCESS_PROCESS_H_
#define BITBUDGET_TESTS_PROCESS_PROCESS_H_

#include <sys/types.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace bitbudget::testing {

// How a program ended.
struct ExitStatus {
  int code = 0;    // of exit(); -1 if a signal ended it
  int signal = 0;  // that ended it; 0 if none

  bool operator==(const ExitStatus&) const = default;
};

// What a program is started with.
struct ProcessOptions {
  // Written to its standard input, which is then closed.
  std::string input;

  // "NAME=value" added to the environment of the test; "NAME" alone takes the
  // variable away.
  std::vector<std::string> environment;

  // Its working directory; empty: that of the test.
  std::string directory;

  // If not empty: holds the program at the first line of standard output that begins
  // with this. Nothing more is read until it is sent a signal or waited for, and its
  // pipe takes one line beyond, so it waits when it writes a second one. It must write
  // each line at once.
  std::string hold_at;
};

// A running program with its output collected. One thread drives it; reading
// its output is safe from any thread.
class Process {
 public:
  // Starts `arguments[0]` (a path, or a name to be found on the PATH). INTERNAL
  // if the system refuses.
  static absl::StatusOr<std::unique_ptr<Process>> Start(std::vector<std::string> arguments,
                                                        const ProcessOptions& options = {});

  // Kills it with SIGKILL if it still runs.
  ~Process();

  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return id_; }

  // What it has written so far.
  std::string Output() const;
  std::string Errors() const;

  // Waits until standard output has a whole line that begins with `prefix` and
  // returns the first such line without its end; nullopt if the program closes
  // its output or `timeout` passes first.
  std::optional<std::string> WaitForLine(std::string_view prefix, absl::Duration timeout) const;

  // Sends a signal; no effect once it has been waited for.
  void Signal(int signal) const;

  // Waits for its end and for all of its output; nullopt if `timeout` passes
  // first. May be called again.
  std::optional<ExitStatus> Wait(absl::Duration timeout);

 private:
  // One stream of output, read by a thread of its own.
  struct Stream {
    mutable absl::Mutex mutex;
    std::string text ABSL_GUARDED_BY(mutex);
    bool closed ABSL_GUARDED_BY(mutex) = false;
    bool released ABSL_GUARDED_BY(mutex) = false;  // not held any more
    std::thread reader;
  };

  explicit Process(pid_t id) : id_(id) {}
  static void Collect(int file, const std::string& hold_at, Stream& stream);

  // Reads on where it was held.
  void Release() const;

  const pid_t id_;
  std::optional<ExitStatus> exit_status_;
  mutable Stream output_;
  Stream errors_;
  std::thread writer_;
};

// A program run to its end.
struct Completed {
  ExitStatus status;
  std::string output;
  std::string errors;
};

// Runs a program to its end. INTERNAL if the system refuses to start it,
// DEADLINE_EXCEEDED (and the program killed) if it takes longer than `timeout`.
absl::StatusOr<Completed> Run(std::vector<std::string> arguments,
                              const ProcessOptions& options = {},
                              absl::Duration timeout = absl::Minutes(1));

// A `bitbudget-server` on a free port of loopback, with a database file of its
// own. Gone, process and all, when this is destroyed; the file stays.
class ServerProcess {
 public:
  // Starts `program` on `database` (made if it does not exist) and waits until
  // it listens. `arguments` are added to its command line; without "--listen" among
  // them it takes a free port, without "--http" it has no HTTP port. INTERNAL, with
  // what it wrote to standard error, if it does not come up within 30 s.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      const std::string& program,
      const std::string& database,
      const std::vector<std::string>& arguments = {});

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }
  Process& process() { return *process_; }

  // Asks it to stop with SIGTERM and waits; nullopt if it has not within
  // `timeout`.
  std::optional<ExitStatus> Stop(absl::Duration timeout = absl::Seconds(30));

 private:
  ServerProcess(std::unique_ptr<Process> process, std::string address)
      : process_(std::move(process)), address_(std::move(address)) {}

  std::unique_ptr<Process> process_;
  std::string address_;
};

// A new empty directory, removed with all it holds when this is destroyed.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace bitbudget::testing

#endif  // BITBUDGET_TESTS_PROCESS_PROCESS_H_
