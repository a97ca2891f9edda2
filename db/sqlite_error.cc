#include "db/sqlite_error.h"

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "util/error.h"

namespace bitbudget::db {
namespace {

absl::Status Full(const std::string& path) {
  return DatabaseError(absl::StatusCode::kUnavailable,
                       "DATABASE_FULL",
                       path,
                       fmt::format("database {} is full: nothing was written; make room on its "
                                   "file system or raise its size limit, then repeat",
                                   path));
}

absl::Status Busy(const std::string& path, Activity activity) {
  if (activity == Activity::kOpening) {
    return DatabaseError(absl::StatusCode::kFailedPrecondition,
                         "DATABASE_LOCKED",
                         path,
                         fmt::format("database {} is locked by another program; close it", path));
  }
  return DatabaseError(
      absl::StatusCode::kUnavailable,
      activity == Activity::kWriting ? "DATABASE_WRITE_FAILED" : "DATABASE_READ_FAILED",
      path,
      fmt::format("database {} is locked by another program; close it, then repeat", path));
}

absl::Status ReadOnly(const std::string& path, Activity activity) {
  if (activity == Activity::kOpening) {
    return DatabaseError(absl::StatusCode::kPermissionDenied,
                         "DATABASE_READ_ONLY",
                         path,
                         fmt::format("database {} or its directory cannot be written; "
                                     "give the server permission to write both",
                                     path));
  }
  return DatabaseError(absl::StatusCode::kUnavailable,
                       "DATABASE_WRITE_FAILED",
                       path,
                       fmt::format("database {} can no longer be written: nothing was written; "
                                   "restore the permission, then repeat",
                                   path));
}

absl::Status Failed(const std::string& path, Activity activity, std::string_view what) {
  const bool writing = activity == Activity::kWriting;
  return DatabaseError(absl::StatusCode::kUnavailable,
                       writing ? "DATABASE_WRITE_FAILED" : "DATABASE_READ_FAILED",
                       path,
                       fmt::format("{} database {} failed ({}){}; check its disk, then repeat",
                                   writing ? "writing" : "reading",
                                   path,
                                   what,
                                   writing ? ": nothing was written" : ""));
}

}  // namespace

absl::Status DatabaseError(absl::StatusCode code,
                           std::string_view reason,
                           const std::string& path,
                           std::string_view message) {
  ErrorDetails details;
  details.reason = reason;
  details.metadata["path"] = path;
  return MakeError(code, message, std::move(details));
}

absl::Status DatabaseDamaged(const std::string& path, std::string_view finding) {
  return DatabaseError(
      absl::StatusCode::kDataLoss,
      "DATABASE_DAMAGED",
      path,
      fmt::format("database {} is damaged: {}; restore it from a backup", path, finding));
}

absl::Status StatusOf(const std::exception& error, const std::string& path, Activity activity) {
  const auto* sqlite_error = dynamic_cast<const SQLite::Exception*>(&error);
  // The low byte is the primary code; the rest refines it.
  const int code = sqlite_error == nullptr ? SQLITE_ERROR : sqlite_error->getErrorCode() & 0xff;
  switch (code) {
    case SQLITE_FULL:
      return Full(path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Busy(path, activity);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ReadOnly(path, activity);
    case SQLITE_CANTOPEN:
      return activity == Activity::kOpening ? ReadOnly(path, activity)
                                            : Failed(path, activity, error.what());
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DatabaseDamaged(path, error.what());
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
      return Failed(path, activity, error.what());
    default:
      return DatabaseError(absl::StatusCode::kInternal,
                           "DATABASE_ERROR",
                           path,
                           fmt::format("database {}: {}", path, error.what()));
  }
}

}  // namespace bitbudget::db
