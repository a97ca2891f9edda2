// What the server is started with: flags over environment over file over
// defaults.

#ifndef BITBUDGET_SERVER_CONFIG_H_
#define BITBUDGET_SERVER_CONFIG_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "server/log.h"

namespace bitbudget::server {

struct Config {
  std::string database;                   // file
  std::string listen = "127.0.0.1:7411";  // loopback only; port 0: any free one
  std::string http = "127.0.0.1:7410";    // the same of the HTTP port; "none": no such port
  // Whether `http` was asked for: the default may be taken by another server.
  bool is_http_asked = false;
  std::string dashboard;                          // directory of its files
  std::vector<std::string> http_allowed_origins;  // whose pages may call, beside our own
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  int max_message_bytes = 4 * 1024 * 1024;  // of one received message
  int request_threads = 32;
  int64_t max_page_count = 0;  // of the database, 4096 bytes each; 0: no limit
  absl::Duration shutdown_grace = absl::Seconds(10);
};

// The program has done what was asked (help, version, the effective
// configuration) or was misused; it has said so and shall end.
struct Exit {
  int code = 0;  // 0 done, 2 wrong usage
};

// $XDG_DATA_HOME/bitbudget/bitbudget.db; empty if there is no such place.
std::string DefaultDatabase();

// Reads the command line, BITBUDGET_* variables and the file named by --config.
std::variant<Config, Exit> ReadConfig(int argc, const char* const* argv);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONFIG_H_
