#include "db/backup.h"

#include <SQLiteCpp/Exception.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "db/experiments.h"
#include "db/file.h"
#include "db/fits.h"
#include "db/integrity.h"
#include "db/sqlite_error.h"
#include "db/studies.h"
#include "util/error.h"
#include "util/ids.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

absl::Status BackupError(absl::StatusCode code,
                         std::string_view reason,
                         const std::string& path,
                         std::string_view message) {
  ErrorDetails details;
  details.reason = reason;
  details.metadata["path"] = path;
  return MakeError(code, message, std::move(details));
}

absl::Status AlreadyExists(const std::string& path) {
  return BackupError(absl::StatusCode::kAlreadyExists,
                     "BACKUP_EXISTS",
                     path,
                     fmt::format("{} exists already; name a new file", path));
}

absl::Status WriteFailed(const std::string& path, const std::string& what) {
  return BackupError(absl::StatusCode::kUnavailable,
                     "BACKUP_WRITE_FAILED",
                     path,
                     fmt::format("writing {} failed: {}; check its disk, then repeat", path, what));
}

// Removes the unfinished copy, whatever happens.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Reads all pages of `study`'s fits.
absl::Status CheckFits(Connection& copy, const std::string& study) {
  PageRequest page;
  do {
    ASSIGN_OR_RETURN(const FitPage fits, ListFits(copy, study, page));
    page.token = fits.next_page_token;
  } while (!page.token.empty());
  return absl::OkStatus();
}

// Reads the copy, whose pages SQLite has copied without a look at what stands in
// them: the hashes tell whether it is what was once stored.
absl::Status CheckCopy(const std::string& path) {
  Connection copy({.path = path});
  RETURN_IF_ERROR(CheckIntegrity(copy));
  const auto ignore = [](const v1::Experiment&) {};
  const auto never = [] { return false; };
  PageRequest page;
  do {
    ASSIGN_OR_RETURN(const StudyPage studies, ListStudies(copy, page));
    for (const v1::Study& study : studies.studies) {
      RETURN_IF_ERROR(ExportExperiments(copy, study.name(), {}, ignore, never).status());
      RETURN_IF_ERROR(CheckFits(copy, study.name()));
    }
    page.token = studies.next_page_token;
  } while (!page.token.empty());
  return absl::OkStatus();
}

// What was found damaged in the copy is so in the database.
absl::Status DamagedSource(const std::string& path, const absl::Status& finding) {
  return DatabaseError(absl::StatusCode::kDataLoss,
                       "DATABASE_DAMAGED",
                       path,
                       fmt::format("no backup was made, because {} is damaged: {}; earlier backups "
                                   "may be whole",
                                   path,
                                   std::string(finding.message())));
}

absl::Status SyncPath(const std::string& path, int flags) {
  const FileDescriptor file(open(path.c_str(), flags | O_CLOEXEC));
  if (!file.valid() || fsync(file.get()) != 0) return WriteFailed(path, std::strerror(errno));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int64_t> CopyDatabase(Connection& connection, const std::string& path) {
  const std::filesystem::path target(path);
  const std::string directory = target.parent_path().string();
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    return BackupError(absl::StatusCode::kNotFound,
                       "DIRECTORY_NOT_FOUND",
                       path,
                       fmt::format("there is no directory {}; create it first", directory));
  }
  if (std::filesystem::exists(std::filesystem::symlink_status(target, error))) {
    return AlreadyExists(path);
  }
  const TemporaryFile copy(fmt::format("{}.{}.partial", path, RandomUuid()));
  try {
    // Not the online backup API in steps: that starts again with every write.
    SQLite::Statement statement(connection.database(), "VACUUM INTO ?1");
    statement.bind(1, copy.path());
    statement.exec();
  } catch (const SQLite::Exception& exception) {
    const absl::Status failure = StatusOf(exception, connection.path(), Activity::kReading);
    return absl::IsDataLoss(failure) ? DamagedSource(connection.path(), failure)
                                     : WriteFailed(path, exception.what());
  }
  if (const absl::Status whole = CheckCopy(copy.path()); !whole.ok()) {
    return DamagedSource(connection.path(), whole);
  }
  RETURN_IF_ERROR(SyncPath(copy.path(), O_RDONLY));
  const auto size = static_cast<int64_t>(std::filesystem::file_size(copy.path(), error));
  // A link, because it never replaces a file that came in between.
  if (link(copy.path().c_str(), path.c_str()) != 0) {
    return errno == EEXIST ? AlreadyExists(path) : WriteFailed(path, std::strerror(errno));
  }
  RETURN_IF_ERROR(SyncPath(directory, O_RDONLY | O_DIRECTORY));
  return size;
}

}  // namespace bitbudget::db
