#include "db/connection.h"

#include <fmt/format.h>

namespace bitbudget::db {
namespace {

// Only a program outside can hold a lock against us: the store has one writer,
// and readers of a WAL file wait for nobody.
constexpr int kBusyTimeoutMs = 5000;

// A connection belongs to one thread at a time; SQLite's own locks, one for each
// value read or bound, would cost a fifth of the time.
const int kNoMutex = SQLite::OPEN_NOMUTEX;

// Keeps a file that one large import has blown up from staying large.
constexpr int64_t kWalSizeLimitBytes = int64_t{64} << 20;

}  // namespace

Connection::Connection(const ConnectionOptions& options)
    : path_(options.path),
      database_(options.path,
                kNoMutex | (options.read_only ? SQLite::OPEN_READONLY
                                              : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE),
                kBusyTimeoutMs,
                options.vfs) {
  database_.exec("PRAGMA foreign_keys = ON");
  database_.exec("PRAGMA synchronous = FULL");
  database_.exec("PRAGMA trusted_schema = OFF");
  database_.exec("PRAGMA cell_size_check = ON");
  database_.exec("PRAGMA temp_store = MEMORY");
  database_.exec("PRAGMA cache_size = -32768");  // KiB
  database_.exec(fmt::format("PRAGMA journal_size_limit = {}", kWalSizeLimitBytes));
  if (options.max_page_count > 0) {
    database_.exec(fmt::format("PRAGMA max_page_count = {}", options.max_page_count));
  }
}

SQLite::Statement& Connection::Prepared(const char* sql) {
  std::unique_ptr<SQLite::Statement>& statement = statements_[sql];
  if (statement == nullptr) statement = std::make_unique<SQLite::Statement>(database_, sql);
  return *statement;
}

int64_t Connection::Pragma(std::string_view name) {
  return database_.execAndGet(fmt::format("PRAGMA {}", name)).getInt64();
}

}  // namespace bitbudget::db
