#include "db/schema.h"

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <array>

#include "db/sqlite_error.h"

namespace bitbudget::db {
namespace {

// Version 1. Times are microseconds since 1970; names end in _key where a number
// is internal. docs/database.md explains each table.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE studies (
  study_key INTEGER PRIMARY KEY,
  study_id TEXT NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
  definition BLOB NOT NULL,
  definition_hash BLOB NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0,
  experiment_count INTEGER NOT NULL DEFAULT 0 CHECK (experiment_count >= 0),
  excluded_experiment_count INTEGER NOT NULL DEFAULT 0 CHECK (excluded_experiment_count >= 0),
  last_row_number INTEGER NOT NULL,
  last_fit_number INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX studies_by_id ON studies (study_id) WHERE deleted = 0;

CREATE TABLE experiments (
  experiment_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  row_number INTEGER NOT NULL,
  role INTEGER NOT NULL,
  recipe TEXT NOT NULL,
  optimizer TEXT NOT NULL,
  schedule TEXT NOT NULL,
  parameters INTEGER NOT NULL,
  fp_tokens INTEGER NOT NULL,
  qat_tokens INTEGER NOT NULL,
  weight_bits REAL NOT NULL,
  activation_bits REAL NOT NULL,
  group_size INTEGER NOT NULL,
  replicate INTEGER NOT NULL,
  embedding_parameters INTEGER NOT NULL,
  trunk TEXT NOT NULL,
  loss_nats REAL NOT NULL,
  loss_stderr_nats REAL,
  note TEXT NOT NULL,
  content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
  import_batch TEXT NOT NULL,
  source_line INTEGER NOT NULL,
  job TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  code_version TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  create_revision INTEGER NOT NULL,
  excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1)),
  exclude_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX experiments_by_row ON experiments (study_key, row_number);
CREATE UNIQUE INDEX experiments_by_natural_key ON experiments (
  study_key, parameters, fp_tokens, qat_tokens, weight_bits, replicate, role, schedule, recipe,
  optimizer, activation_bits, group_size
) WHERE excluded = 0;
CREATE INDEX experiments_by_batch ON experiments (study_key, import_batch, row_number)
  WHERE import_batch <> '';
CREATE TRIGGER experiments_are_immutable BEFORE UPDATE OF
  experiment_key, study_key, row_number, role, recipe, optimizer, schedule, parameters, fp_tokens,
  qat_tokens, weight_bits, activation_bits, group_size, replicate, embedding_parameters, trunk,
  loss_nats, loss_stderr_nats, note, content_hash, import_batch, source_line, job, attempt,
  code_version, create_time, create_revision
ON experiments BEGIN SELECT raise(ABORT, 'experiments are immutable'); END;
CREATE TRIGGER experiments_stay BEFORE DELETE ON experiments
BEGIN SELECT raise(ABORT, 'experiments are never deleted'); END;

CREATE TABLE changes (
  change_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  revision INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN
    ('create_study', 'update_study', 'delete_study', 'insert', 'exclude', 'include')),
  first_row_number INTEGER,
  last_row_number INTEGER,
  definition BLOB,
  description TEXT NOT NULL,
  request_id TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_by_revision ON changes (study_key, revision);
CREATE TRIGGER changes_are_immutable BEFORE UPDATE ON changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;
CREATE TRIGGER changes_stay BEFORE DELETE ON changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;

CREATE TABLE exclusion_changes (
  study_key INTEGER NOT NULL REFERENCES studies,
  revision INTEGER NOT NULL,
  row_number INTEGER NOT NULL,
  excluded INTEGER NOT NULL CHECK (excluded IN (0, 1)),
  PRIMARY KEY (study_key, revision, row_number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER exclusion_changes_are_immutable BEFORE UPDATE ON exclusion_changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;
CREATE TRIGGER exclusion_changes_stay BEFORE DELETE ON exclusion_changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;

CREATE TABLE requests (
  request_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL,
  scope TEXT NOT NULL,
  request_id TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  result BLOB NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_by_id ON requests (study_key, scope, request_id);
CREATE INDEX requests_by_time ON requests (time);

CREATE TABLE fits (
  fit_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  fit_number INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  standard_options INTEGER NOT NULL CHECK (standard_options IN (0, 1)),
  content BLOB NOT NULL,
  content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
  create_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX fits_by_number ON fits (study_key, fit_number);
CREATE INDEX standard_fits_by_revision ON fits (study_key, revision, fit_number)
  WHERE standard_options = 1;
CREATE TRIGGER fits_are_immutable BEFORE UPDATE ON fits
BEGIN SELECT raise(ABORT, 'fits are immutable'); END;
CREATE TRIGGER fits_stay BEFORE DELETE ON fits
BEGIN SELECT raise(ABORT, 'fits are never deleted'); END;
)sql";

// The script at index i leads from version i to i + 1. Scripts are never
// changed once released; a change of the schema is a new one at the end.
constexpr std::array kMigrations = {kVersion1};

bool HasTables(Connection& connection) {
  return connection.database().execAndGet("SELECT count(*) FROM sqlite_schema").getInt() > 0;
}

}  // namespace

int64_t SchemaVersion() { return static_cast<int64_t>(kMigrations.size()); }

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
  for (int64_t next = version; next < SchemaVersion(); ++next) database.exec(kMigrations.at(next));
  database.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
  database.exec(fmt::format("PRAGMA user_version = {}", SchemaVersion()));
  transaction.commit();
}

}  // namespace bitbudget::db
