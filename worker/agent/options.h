// What the agent is started with.

#ifndef BITBUDGET_WORKER_AGENT_OPTIONS_H_
#define BITBUDGET_WORKER_AGENT_OPTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "absl/time/time.h"

namespace bitbudget::agent {

struct Options {
  std::string server = "127.0.0.1:7411";
  std::string name;                         // of this worker; else HOST-PROCESS
  std::string study;                        // "studies/NAME"; empty: of all studies
  std::string trainer;                      // path of bitbudget-train
  std::map<std::string, std::string> data;  // token files by the name that jobs use
  std::string work_directory;

  absl::Duration wall_time = absl::InfiniteDuration();  // until it has to be gone
  absl::Duration idle_exit = absl::InfiniteDuration();  // leaves after so long without a job
  absl::Duration lease = absl::Seconds(60);
  absl::Duration checkpoint_interval = absl::Seconds(60);
  absl::Duration stall_limit = absl::Minutes(10);  // a silent trainer is ended
  int64_t memory_bytes = 0;                        // that a job may take; 0: anything
  int64_t kept_bytes = int64_t{4} << 30;           // of checkpoints of jobs that are not at hand
  bool keep_blas_environment = false;
};

// The program has said what was asked, or what is wrong, and shall end.
struct Exit {
  int code = 0;  // 0 done, 2 wrong usage
};

// Reads the command line, and BITBUDGET_SERVER.
std::variant<Options, Exit> ReadOptions(int argc, const char* const* argv);

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_OPTIONS_H_
