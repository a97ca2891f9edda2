// Whose file this is, and bringing its tables up to date.

#ifndef BITBUDGET_DB_SCHEMA_H_
#define BITBUDGET_DB_SCHEMA_H_

#include <cstdint>

#include "absl/status/status.h"
#include "db/connection.h"

namespace bitbudget::db {

// Marks a file as ours: "bbdg". Never changes.
inline constexpr int64_t kApplicationId = 0x62626467;

// The newest schema this program knows; stored as user_version.
int64_t SchemaVersion();

// Checks that the file is empty or ours and not newer than this program.
// FAILED_PRECONDITION: DATABASE_FOREIGN, DATABASE_NEWER. Writes nothing.
absl::Status CheckIdentity(Connection& connection);

// Brings the schema up to SchemaVersion() in one transaction and switches the
// file to WAL. Call after CheckIdentity.
void Migrate(Connection& connection);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_SCHEMA_H_
