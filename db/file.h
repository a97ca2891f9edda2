// The file itself: where it may lie, and who holds it.

#ifndef BITBUDGET_DB_FILE_H_
#define BITBUDGET_DB_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace bitbudget::db {

// Owns an open file. Closes it in the end.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}  // negative: none
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

// The absolute path of the database, links resolved, so that one file has one
// lock. NOT_FOUND, DIRECTORY_NOT_FOUND.
absl::StatusOr<std::string> ResolvePath(const std::string& path);

// Type of the network file system that `mountinfo`, in the format of
// /proc/self/mountinfo, says is mounted as `device`; empty for any other.
std::string NetworkFileSystemType(std::string_view mountinfo, dev_t device);

// FAILED_PRECONDITION, NETWORK_FILE_SYSTEM if the directory of `path` lies on
// one: locks and shared memory are not reliable there.
absl::Status CheckFileSystem(const std::string& path);

// FAILED_PRECONDITION, DATABASE_FOREIGN if there is a file that is not SQLite's;
// PERMISSION_DENIED, DATABASE_READ_ONLY if it cannot be written. Call with the
// lock held: closing a file drops the locks that this process has on it.
absl::Status CheckFile(const std::string& path);

// The lock that a server holds on its database while it runs, a file beside it
// with ".lock" at the end. Gone, file and all, when this is destroyed; the kernel
// releases what a killed server held.
class DatabaseLock {
 public:
  // FAILED_PRECONDITION, DATABASE_LOCKED, naming the holder.
  static absl::StatusOr<DatabaseLock> Take(const std::string& path);

  ~DatabaseLock();
  DatabaseLock(DatabaseLock&&) = default;
  DatabaseLock& operator=(DatabaseLock&&) = delete;

 private:
  DatabaseLock(std::string lock_path, FileDescriptor file)
      : lock_path_(std::move(lock_path)), file_(std::move(file)) {}

  std::string lock_path_;
  FileDescriptor file_;  // none once moved from
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_FILE_H_
