// Checks that the file is undamaged, as far as SQLite can tell.

#ifndef BITBUDGET_DB_INTEGRITY_H_
#define BITBUDGET_DB_INTEGRITY_H_

#include "absl/status/status.h"
#include "db/connection.h"

namespace bitbudget::db {

// DATA_LOSS, DATABASE_DAMAGED, with SQLite's first finding. Takes up to about a
// second: small files are checked in full, large ones without their indexes,
// very large ones not at all. What rows hold is checked by their hashes when
// they are read.
absl::Status CheckIntegrity(Connection& connection);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_INTEGRITY_H_
