#include "server/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "server/http_rules.h"

namespace bitbudget::server {
namespace {

constexpr int kUsageError = 2;
constexpr char kVariablePrefix[] = "BITBUDGET_";
constexpr int kOneGibibyte = 1 << 30;

constexpr char kDescription[] =
    R"(Stores measured training runs, fits the QAT scaling law, answers how to split a token budget.

Examples:
  bitbudget-server                    # 127.0.0.1:7411, dashboard at http://127.0.0.1:7410/
  bitbudget-server --database runs.db --listen 127.0.0.1:0
  BITBUDGET_LOG_LEVEL=debug bitbudget-server --log-format json
  bitbudget-server --print-config > bitbudget.toml && bitbudget-server --config bitbudget.toml

Every option may stand in the file (max-page-count = 100000) or in the environment
(BITBUDGET_MAX_PAGE_COUNT=100000); a flag outdoes the environment, that outdoes the file.)";

// "max-page-count" -> "BITBUDGET_MAX_PAGE_COUNT".
std::string VariableOf(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return kVariablePrefix + name;
}

// What a file says that cannot be read, in words of our own.
CLI::ConfigError BadLine(const CLI::ConfigItem& item) {
  if (item.name == "++" || item.name == "--" || !item.parents.empty()) {
    return CLI::ConfigError("--config: the file has a [section]; options stand without one");
  }
  const bool is_name = std::all_of(
      item.name.begin(), item.name.end(), [](char c) { return c == '-' || std::islower(c) != 0; });
  return CLI::ConfigError(
      is_name ? fmt::format("--config: there is no option '{}'; see --print-config", item.name)
              : fmt::format("--config: '{}' is not of the form NAME = VALUE", item.name));
}

// The library reads the environment after the file and leaves alone what the
// file has set; here the environment comes first.
class FileBelowEnvironment : public CLI::ConfigTOML {
 public:
  // `app` is borrowed.
  explicit FileBelowEnvironment(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> items = CLI::ConfigTOML::from_config(input);
    for (const CLI::ConfigItem& item : items) {
      if (!item.parents.empty() || app_.get_option_no_throw("--" + item.name) == nullptr) {
        throw BadLine(item);
      }
    }
    std::erase_if(items, [](const CLI::ConfigItem& item) {
      return std::getenv(VariableOf(item.name).c_str()) != nullptr;
    });
    return items;
  }

 private:
  const CLI::App& app_;
};

// A check that the text is a whole number from `lower` to `upper`.
std::function<std::string(const std::string&)> WholeNumber(int64_t lower, int64_t upper) {
  return [lower, upper](const std::string& text) -> std::string {
    int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && parsed == end && value >= lower && value <= upper) return "";
    if (upper == std::numeric_limits<int64_t>::max()) {
      return fmt::format("'{}' is not a whole number from {}", text, lower);
    }
    return fmt::format("'{}' is not a whole number from {} to {}", text, lower, upper);
  };
}

std::string CheckNotEmpty(const std::string& text) {
  return text.empty() ? "is empty; name a file, for example runs.db" : "";
}

// Says what is wrong with an address to listen on; empty if nothing is.
std::string CheckListen(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return fmt::format("\"{}\" is not HOST:PORT", address);
  const std::string host = address.substr(0, colon);
  const std::string port = address.substr(colon + 1);
  const bool is_number =
      !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number || std::stoi(port) > 65'535) {
    return fmt::format("\"{}\" has no port between 0 and 65535", address);
  }
  if (IsLoopbackHost(HostOf(host))) return "";
  return fmt::format(
      "\"{}\" is not a loopback address. This server has no authentication and no encryption yet, "
      "so it serves its own machine only: use 127.0.0.1:PORT, and a tunnel (ssh -L) from elsewhere",
      host);
}

std::string CheckHttp(const std::string& value) {
  return value == "none" ? "" : CheckListen(value);
}

std::string CheckOrigin(const std::string& value) {
  if (IsOrigin(value)) return "";
  return fmt::format("\"{}\" is not of the form http://HOST[:PORT] or https://HOST[:PORT]", value);
}

template <typename T>
CLI::Option* AddOption(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  return app.add_option("--" + name, value, help)->envname(VariableOf(name))->capture_default_str();
}

// What is typed, before it becomes a Config.
struct Typed {
  Config config{.database = DefaultDatabase(), .dashboard = BITBUDGET_DASHBOARD};
  std::string log_level = "info";
  std::string log_format = "text";
  double shutdown_grace_seconds = 10;
  bool print_config = false;
};

void AddOptions(CLI::App& app, Typed& typed) {
  AddOption(app, "database", typed.config.database, "Database file; created if absent")
      ->type_name("FILE")
      ->check(CheckNotEmpty);
  AddOption(app,
            "listen",
            typed.config.listen,
            "Address to serve on, loopback only; port 0 takes a free one and prints it")
      ->type_name("HOST:PORT")
      ->check(CheckListen);
  AddOption(app,
            "http",
            typed.config.http,
            "Address of the dashboard, of calls by Connect and of metrics, loopback only; port 0 "
            "takes a free one and prints it")
      ->type_name("HOST:PORT|none")
      ->check(CheckHttp);
  AddOption(app, "dashboard", typed.config.dashboard, "Directory of the dashboard's files")
      ->type_name("DIR");
  AddOption(app,
            "http-allow-origin",
            typed.config.http_allowed_origins,
            "Origins beside the server's own whose pages may call; may be repeated")
      ->type_name("URL")
      ->check(CheckOrigin)
      // CLI11 prints an empty list as a text that it cannot read; so it prints none.
      ->default_str("")
      ->run_callback_for_default(false);
  AddOption(app, "log-level", typed.log_level, "Least level that is logged")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  AddOption(app, "log-format", typed.log_format, "Form of a line of the log, on standard error")
      ->check(CLI::IsMember({"text", "json"}));
  AddOption(
      app, "max-message-bytes", typed.config.max_message_bytes, "Largest message that is received")
      ->type_name("BYTES")
      ->check(WholeNumber(1024, kOneGibibyte));
  AddOption(app,
            "request-threads",
            typed.config.request_threads,
            "Most threads for requests; further requests are refused")
      ->type_name("COUNT")
      ->check(WholeNumber(8, 1024));
  AddOption(app,
            "max-page-count",
            typed.config.max_page_count,
            "Most pages of 4096 bytes that the database may have; 0 for no limit")
      ->type_name("COUNT")
      ->check(WholeNumber(0, std::numeric_limits<int64_t>::max()));
  AddOption(app,
            "shutdown-grace",
            typed.shutdown_grace_seconds,
            "Time that calls under way have to end after SIGTERM or SIGINT")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 3600.0));
}

Config ToConfig(const CLI::App& app, const Typed& typed) {
  static const std::map<std::string, LogLevel> kLevels = {{"debug", LogLevel::kDebug},
                                                          {"info", LogLevel::kInfo},
                                                          {"warning", LogLevel::kWarning},
                                                          {"error", LogLevel::kError}};
  Config config = typed.config;
  config.is_http_asked = app.get_option("--http")->count() > 0;
  config.log_level = kLevels.at(typed.log_level);
  config.log_format = typed.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  config.shutdown_grace = absl::Seconds(typed.shutdown_grace_seconds);
  return config;
}

}  // namespace

std::string DefaultDatabase() {
  const auto below = [](const char* directory, std::string_view rest) {
    return (std::filesystem::path(directory) / rest).string();
  };
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && data[0] != '\0') {
    return below(data, "bitbudget/bitbudget.db");
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != '\0') {
    return below(home, ".local/share/bitbudget/bitbudget.db");
  }
  return "";
}

std::variant<Config, Exit> ReadConfig(int argc, const char* const* argv) {
  Typed typed;
  CLI::App app(kDescription, "bitbudget-server");
  app.set_version_flag("--version", std::string("bitbudget-server ") + BITBUDGET_VERSION);
  app.config_formatter(std::make_shared<FileBelowEnvironment>(app));
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--config", "", "Read options from a TOML file")->envname("BITBUDGET_CONFIG");
  app.add_flag("--print-config", typed.print_config, "Print the options in force as TOML and end")
      ->configurable(false);
  AddOptions(app, typed);
  try {
    app.parse(argc, argv);
    if (typed.config.database.empty()) {
      throw CLI::RequiredError("--database (HOME is not set, so there is no default)");
    }
  } catch (const CLI::ParseError& error) {
    return Exit{app.exit(error) == 0 ? 0 : kUsageError};
  }
  if (typed.print_config) {
    std::cout << app.config_to_str(/*default_also=*/true);
    return Exit{0};
  }
  return ToConfig(app, typed);
}

}  // namespace bitbudget::server
