#include "client/cli/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "client/cli/error_text.h"
#include "client/cli/json.h"
#include "client/cli/terminal.h"

namespace bitbudget::cli {
namespace {

void Write(std::string_view text, std::FILE* stream) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

}  // namespace

absl::StatusOr<client::Client*> Session::Client(std::optional<absl::Duration> long_timeout) {
  if (client_ == nullptr) {
    client::ClientOptions options;
    options.long_timeout = timeout.value_or(long_timeout.value_or(options.long_timeout));
    options.timeout = timeout.value_or(options.timeout);
    absl::StatusOr<std::unique_ptr<client::Client>> client =
        client::Client::Connect(server, options);
    if (!client.ok()) return WrongUsage(std::string(client.status().message()));
    client_ = *std::move(client);
  }
  return client_.get();
}

void Session::Print(std::string_view data) const {
  if (OutputIsTerminal()) {
    Write(Printable(data), stdout);
  } else {
    Write(data, stdout);
  }
}

void Session::Print(const google::protobuf::Message& message, std::string_view text) const {
  if (json) return Print(ToJson(message));
  Write(Printable(text), stdout);
}

void Session::Note(std::string_view line) const {
  if (!json) PrintError(fmt::format("{}\n", line));
}

void Session::PrintError(std::string_view text) const { Write(Printable(text), stderr); }

absl::Status Session::Flush() const {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::DataLossError(std::string("cannot write the output: ") + std::strerror(errno));
}

}  // namespace bitbudget::cli
