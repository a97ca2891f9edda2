// From SQLite's errors to statuses: the one place where that is decided.

#ifndef BITBUDGET_DB_SQLITE_ERROR_H_
#define BITBUDGET_DB_SQLITE_ERROR_H_

#include <exception>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace bitbudget::db {

// What was being done when an error came up.
enum class Activity { kOpening, kReading, kWriting };

// The status for `error`, thrown while working on the database at `path`. Its
// message says what to do; its details have the reason and metadata "path".
absl::Status StatusOf(const std::exception& error, const std::string& path, Activity activity);

// DATA_LOSS, DATABASE_DAMAGED. `finding` is a clause: "the row ... does not match
// its hash".
absl::Status DatabaseDamaged(const std::string& path, std::string_view finding);

// An error about the database file as such, with metadata "path".
absl::Status DatabaseError(absl::StatusCode code,
                           std::string_view reason,
                           const std::string& path,
                           std::string_view message);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_SQLITE_ERROR_H_
