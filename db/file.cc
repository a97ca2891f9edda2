#include "db/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

#include "db/sqlite_error.h"

namespace bitbudget::db {
namespace {

// File systems whose files other machines, or the host of a virtual one, change
// too. Local FUSE file systems are not among them.
constexpr auto kNetworkFileSystems = std::to_array<std::string_view>({
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse.ceph",
    "fuse.cephfs",
    "fuse.curlftpfs",
    "fuse.davfs",
    "fuse.gcsfuse",
    "fuse.glusterfs",
    "fuse.goofys",
    "fuse.juicefs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.smbnetfs",
    "fuse.sshfs",
    "fuse.vmhgfs-fuse",
    "gfs2",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "pvfs2",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
});

constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);

absl::Status ReadOnly(const std::string& path, const std::string& what) {
  return DatabaseError(
      absl::StatusCode::kPermissionDenied,
      "DATABASE_READ_ONLY",
      path,
      fmt::format("database {}: {} cannot be written ({}); give the server permission to write "
                  "the file and its directory",
                  path,
                  what,
                  std::strerror(errno)));
}

absl::Status Locked(const std::string& path, const FileDescriptor& lock) {
  std::array<char, 32> holder{};
  const ssize_t size = pread(lock.get(), holder.data(), holder.size(), 0);
  const std::string process(holder.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return DatabaseError(absl::StatusCode::kFailedPrecondition,
                       "DATABASE_LOCKED",
                       path,
                       fmt::format("database {} is open in another server{}; stop it, or use "
                                   "another file",
                                   path,
                                   process.empty() ? "" : fmt::format(" (process {})", process)));
}

// Whether `path` still names the open file.
bool IsFileAt(const std::string& path, const FileDescriptor& file) {
  struct stat named {};
  struct stat opened {};
  return stat(path.c_str(), &named) == 0 && fstat(file.get(), &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

absl::Status NoDirectory(const std::string& path) {
  return DatabaseError(
      absl::StatusCode::kNotFound,
      "DIRECTORY_NOT_FOUND",
      path,
      fmt::format("database {}: its directory does not exist; create it first", path));
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<std::string> ResolvePath(const std::string& path) {
  std::error_code error;
  // A bare name that does not exist yet has no part of its own to resolve.
  const std::filesystem::path resolved =
      std::filesystem::weakly_canonical(std::filesystem::current_path(error) / path, error);
  if (error || path.empty() || !std::filesystem::is_directory(resolved.parent_path(), error)) {
    return NoDirectory(path);
  }
  return resolved.string();
}

std::string NetworkFileSystemType(std::string_view mountinfo, dev_t device) {
  // 36 35 98:0 / /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw
  const std::string wanted = fmt::format("{}:{}", major(device), minor(device));
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string mount_id;
    std::string parent_id;
    std::string numbers;
    fields >> mount_id >> parent_id >> numbers;
    const size_t separator = line.find(" - ");
    if (numbers != wanted || separator == std::string::npos) continue;
    const std::string rest = line.substr(separator + 3);
    const std::string type = rest.substr(0, rest.find(' '));
    const bool network = std::find(kNetworkFileSystems.begin(), kNetworkFileSystems.end(), type) !=
                         kNetworkFileSystems.end();
    return network ? type : "";
  }
  return "";
}

absl::Status CheckFileSystem(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0) return NoDirectory(path);
  std::ifstream file("/proc/self/mountinfo");
  const std::string mountinfo((std::istreambuf_iterator<char>(file)), {});
  const std::string type = NetworkFileSystemType(mountinfo, status.st_dev);
  if (type.empty()) return absl::OkStatus();
  return DatabaseError(absl::StatusCode::kFailedPrecondition,
                       "NETWORK_FILE_SYSTEM",
                       path,
                       fmt::format("database {} lies on a network file system ({}), whose locks "
                                   "are not reliable; put it on a local disk",
                                   path,
                                   type));
}

absl::Status CheckFile(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return absl::OkStatus();
    return ReadOnly(path, "the file");
  }
  std::array<char, kSqliteMagic.size()> start{};
  const ssize_t size = pread(file.get(), start.data(), start.size(), 0);
  if (size == 0 || std::string_view(start.data(), start.size()) == kSqliteMagic) {
    return absl::OkStatus();
  }
  return DatabaseError(absl::StatusCode::kFailedPrecondition,
                       "DATABASE_FOREIGN",
                       path,
                       fmt::format("{} is not a bitbudget database; name another file", path));
}

absl::StatusOr<DatabaseLock> DatabaseLock::Take(const std::string& path) {
  const std::string lock_path = path + ".lock";
  for (;;) {
    FileDescriptor file(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file.valid()) return ReadOnly(path, lock_path);
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Locked(path, file);
    // Its last holder may have removed the file between the two.
    if (!IsFileAt(lock_path, file)) continue;
    DatabaseLock lock(lock_path, std::move(file));
    const std::string process = fmt::to_string(getpid());
    const int fd = lock.file_.get();
    if (ftruncate(fd, 0) != 0 || pwrite(fd, process.data(), process.size(), 0) < 0) {
      return ReadOnly(path, lock_path);
    }
    return lock;
  }
}

DatabaseLock::~DatabaseLock() {
  if (file_.valid()) unlink(lock_path_.c_str());
}

}  // namespace bitbudget::db
