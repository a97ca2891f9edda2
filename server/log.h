// One line an event on standard error, for people ("text") or programs
// ("json"). Thread-safe.

#ifndef BITBUDGET_SERVER_LOG_H_
#define BITBUDGET_SERVER_LOG_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitbudget::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// A fact about an event: name and value.
using LogField = std::pair<std::string_view, std::string>;

// Sets what is written from now on; the default is kInfo in kText.
void ConfigureLog(LogLevel least, LogFormat format);

// True if events of `level` are written; callers may spare themselves the work.
bool IsLogged(LogLevel level);

// Writes one event. `event` is a constant phrase, what varies is in `fields`.
void Log(LogLevel level, std::string_view event, const std::vector<LogField>& fields = {});

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_LOG_H_
