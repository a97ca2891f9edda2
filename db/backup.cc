#include "db/backup.h"

#include <SQLiteCpp/Exception.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "db/file.h"
#include "db/sqlite_error.h"
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
    return WriteFailed(path, exception.what());
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
