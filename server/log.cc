#include "server/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace bitbudget::server {
namespace {

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E3SZ";

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view NameOf(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<int>(level)];
}

std::atomic<LogFormat>& Format() {
  static std::atomic<LogFormat> format = LogFormat::kText;
  return format;
}

// Writes lines as they are: both formats are made here.
spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("bitbudget",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

std::string Timestamp() { return absl::FormatTime(kTimeFormat, absl::Now(), absl::UTCTimeZone()); }

// A value of the text format; quoted, as JSON quotes, if it is not one word.
std::string Quoted(const std::string& value) {
  const bool is_word = !value.empty() && value.find_first_of(" \"\\\n\r\t=") == std::string::npos;
  if (is_word) return value;
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string TextLine(LogLevel level, std::string_view event, const std::vector<LogField>& fields) {
  std::string line = fmt::format("{} {:<7} {}", Timestamp(), NameOf(level), event);
  for (const auto& [name, value] : fields) line += fmt::format(" {}={}", name, Quoted(value));
  return line;
}

std::string JsonLine(LogLevel level, std::string_view event, const std::vector<LogField>& fields) {
  nlohmann::ordered_json line = {{"time", Timestamp()}, {"level", NameOf(level)}, {"event", event}};
  for (const auto& [name, value] : fields) line[std::string(name)] = value;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

void ConfigureLog(LogLevel least, LogFormat format) {
  Format() = format;
  Logger().set_level(ToSpdlog(least));
}

bool IsLogged(LogLevel level) { return Logger().should_log(ToSpdlog(level)); }

void Log(LogLevel level, std::string_view event, const std::vector<LogField>& fields) {
  if (!IsLogged(level)) return;
  const std::string line = Format() == LogFormat::kJson ? JsonLine(level, event, fields)
                                                        : TextLine(level, event, fields);
  Logger().log(ToSpdlog(level), line);
}

}  // namespace bitbudget::server
