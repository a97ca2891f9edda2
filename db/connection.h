// One connection to the database file, and queries on it.
//
// Functions of this folder below store.h let SQLite::Exception pass; it is
// caught where a connection is handed out (writer.h, reader_pool.h, store.cc)
// and turned into a status by sqlite_error.h. Not thread-safe: a connection
// belongs to one thread at a time.

#ifndef BITBUDGET_DB_CONNECTION_H_
#define BITBUDGET_DB_CONNECTION_H_

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace bitbudget::db {

struct ConnectionOptions {
  std::string path;
  std::string vfs;  // empty: the default
  bool read_only = true;
  int64_t max_page_count = 0;  // 0: no limit
};

class Connection {
 public:
  // Opens the file; creates it if absent and not `read_only`.
  explicit Connection(const ConnectionOptions& options);

  SQLite::Database& database() { return database_; }
  const std::string& path() const { return path_; }

  // The statement of `sql`, a literal, prepared on first use. Use Query instead.
  SQLite::Statement& Prepared(const char* sql);

  // The number that "PRAGMA `name`" gives.
  int64_t Pragma(std::string_view name);

 private:
  const std::string path_;
  SQLite::Database database_;
  // By address: SQL texts are literals. Destroyed before the database.
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
};

// Bytes to be bound as a BLOB.
struct Blob {
  const std::string& bytes;
};

// Binds one value; strings are copied unless the name says otherwise.
template <typename Number>
requires std::integral<Number> || std::is_enum_v<Number>
void BindValue(SQLite::Statement& statement, int index, Number value) {
  statement.bind(index, static_cast<int64_t>(value));
}
inline void BindValue(SQLite::Statement& statement, int index, double value) {
  statement.bind(index, value);
}
inline void BindValue(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bind(index, value);
}
inline void BindValue(SQLite::Statement& statement, int index, Blob value) {
  statement.bind(index, value.bytes.data(), static_cast<int>(value.bytes.size()));
}

// One run of a prepared statement with the values of ?1, ?2, ... Resets it when
// done, which ends the read. Two queries of one SQL text must not overlap.
class Query {
 public:
  template <typename... Values>
  Query(Connection& connection, const char* sql, const Values&... values)
      : statement_(connection.Prepared(sql)) {
    int index = 0;
    (BindValue(statement_, ++index, values), ...);
  }
  ~Query() {
    statement_.tryReset();
    statement_.clearBindings();
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Moves to the next row; false after the last.
  bool Next() { return statement_.executeStep(); }
  // Runs a statement that returns no rows; the number of rows changed.
  int64_t Run() { return statement_.exec(); }

  int64_t Int(int column) const { return statement_.getColumn(column).getInt64(); }
  double Double(int column) const { return statement_.getColumn(column).getDouble(); }
  bool IsNull(int column) const { return statement_.isColumnNull(column); }
  std::string Bytes(int column) const { return statement_.getColumn(column).getString(); }
  SQLite::Statement& statement() { return statement_; }

 private:
  SQLite::Statement& statement_;
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_CONNECTION_H_
