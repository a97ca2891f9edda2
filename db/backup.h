// Copies of the whole database.

#ifndef BITBUDGET_DB_BACKUP_H_
#define BITBUDGET_DB_BACKUP_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "db/connection.h"

namespace bitbudget::db {

// Writes one state of the database to a new file at `path` and returns its size
// in bytes. The file appears under its name when it is complete and durable.
// ALREADY_EXISTS if there is a file, NOT_FOUND if there is no such directory.
absl::StatusOr<int64_t> CopyDatabase(Connection& connection, const std::string& path);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_BACKUP_H_
