#include "db/schema.h"

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include "db/migrations.h"
#include "db/sqlite_error.h"

namespace bitbudget::db {
namespace {

bool HasTables(Connection& connection) {
  return connection.database().execAndGet("SELECT count(*) FROM sqlite_schema").getInt() > 0;
}

}  // namespace

int64_t SchemaVersion() { return static_cast<int64_t>(Migrations().size()); }

absl::Status CheckIdentity(Connection& connection) {
  const std::string& path = connection.path();
  const int64_t application_id = connection.Pragma("application_id");
  const int64_t version = connection.Pragma("user_version");
  // A crash before the first commit of Migrate leaves a file that is valid and
  // empty.
  const bool empty = application_id == 0 && version == 0 && !HasTables(connection);
  if (application_id != kApplicationId && !empty) {
    return DatabaseError(absl::StatusCode::kFailedPrecondition,
                         "DATABASE_FOREIGN",
                         path,
                         fmt::format("{} is an SQLite file of another program (application_id "
                                     "{:#x}); name another file",
                                     path,
                                     application_id));
  }
  if (version > SchemaVersion()) {
    return DatabaseError(absl::StatusCode::kFailedPrecondition,
                         "DATABASE_NEWER",
                         path,
                         fmt::format("database {} has schema version {}, this server knows "
                                     "versions up to {}; run a newer server",
                                     path,
                                     version,
                                     SchemaVersion()));
  }
  return absl::OkStatus();
}

void Migrate(Connection& connection) {
  SQLite::Database& database = connection.database();
  database.exec("PRAGMA journal_mode = WAL");
  const int64_t version = connection.Pragma("user_version");
  if (version == SchemaVersion()) return;
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  for (const char* script : Migrations().subspan(static_cast<size_t>(version))) {
    database.exec(script);
  }
  database.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
  database.exec(fmt::format("PRAGMA user_version = {}", SchemaVersion()));
  transaction.commit();
}

}  // namespace bitbudget::db
