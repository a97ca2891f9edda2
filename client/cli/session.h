// One run of the program: its global options, its connection, its output. Data
// go to standard output, all else to standard error; what a terminal is given goes
// through Printable here, and nowhere else.

#ifndef BITBUDGET_CLIENT_CLI_SESSION_H_
#define BITBUDGET_CLIENT_CLI_SESSION_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "google/protobuf/message.h"

namespace bitbudget::cli {

class Session {
 public:
  // Global options, set while the command line is parsed.
  std::string server = client::kDefaultAddress;
  bool json = false;
  std::optional<absl::Duration> timeout;  // of every call

  // What the command line asks for; set by the command that was parsed.
  std::function<absl::Status(Session&)> action;

  // The file that rows are read from, to name the lines of errors.
  std::string source;

  // The client, connected on the first use. `long_timeout` (positive) replaces
  // its default for calls that work or wait; --timeout goes before both. WrongUsage
  // for an address that is none.
  absl::StatusOr<client::Client*> Client(std::optional<absl::Duration> long_timeout = std::nullopt);

  // Writes data to standard output: byte by byte, unless that is a terminal.
  void Print(std::string_view data) const;

  // Writes `message` as JSON with --json, otherwise `text`.
  void Print(const google::protobuf::Message& message, std::string_view text) const;

  // Writes a line to standard error; nothing with --json, whose readers find it
  // in the message.
  void Note(std::string_view line) const;

  // Writes lines to standard error.
  void PrintError(std::string_view text) const;

  // Flushes standard output. DATA_LOSS if not all of it could be written.
  absl::Status Flush() const;

 private:
  std::unique_ptr<client::Client> client_;
};

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_SESSION_H_
