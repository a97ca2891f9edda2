// bitbudget-train as a child: started, read line by line, stopped.

#ifndef BITBUDGET_WORKER_AGENT_TRAINER_PROCESS_H_
#define BITBUDGET_WORKER_AGENT_TRAINER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace bitbudget::agent {

// How the trainer ended.
struct TrainerEnd {
  int code = 0;    // of exit(); -1 if a signal ended it
  int signal = 0;  // that ended it; 0 if none
};

struct TrainerCommand {
  std::vector<std::string> arguments;  // the program first, a path
  std::string error_file;              // its standard error, written anew
  int lock = -1;                       // a file that stays locked while it lives; borrowed
  bool keep_blas_environment = false;
};

// Used by one thread.
class TrainerProcess {
 public:
  // INTERNAL if the system does not start it.
  static absl::StatusOr<std::unique_ptr<TrainerProcess>> Start(const TrainerCommand& command);

  // Kills it if it still runs.
  ~TrainerProcess();

  TrainerProcess(const TrainerProcess&) = delete;
  TrainerProcess& operator=(const TrainerProcess&) = delete;

  // The next line of its output without the end; nullopt if there is none within
  // `timeout`, or no more.
  std::optional<std::string> ReadLine(absl::Duration timeout);

  // No more lines will come: it has ended, or is about to.
  bool output_ended() const { return output_ended_; }

  // Asks it to write a checkpoint and end; kills it if it has not when `grace` has
  // passed and a line is read next.
  void Terminate(absl::Duration grace);

  void Kill() const;

  // Waits for its end, once its output has ended.
  TrainerEnd Wait();

 private:
  TrainerProcess(pid_t id, int output) : id_(id), output_(output) {}
  std::optional<std::string> TakeLine();

  const pid_t id_;
  const int output_;
  std::string buffer_;
  bool output_ended_ = false;
  std::optional<absl::Time> kill_time_;
  std::optional<TrainerEnd> end_;
};

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_TRAINER_PROCESS_H_
