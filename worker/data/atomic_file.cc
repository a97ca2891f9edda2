#include "worker/data/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "fmt/format.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::worker {
namespace {

// Closes on every way out; Close tells whether that worked.
class File {
 public:
  File(const std::string& path, int flags) : descriptor_(open(path.c_str(), flags, 0644)) {}
  ~File() { Close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  bool Flush() const { return fsync(descriptor_) == 0; }

  bool Write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }

  bool Close() {
    if (descriptor_ < 0) return true;
    return close(std::exchange(descriptor_, -1)) == 0;
  }

 private:
  int descriptor_;
};

absl::Status SystemError(const std::string& path, int error) {
  absl::StatusCode code = absl::StatusCode::kInternal;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    code = absl::StatusCode::kResourceExhausted;
  }
  if (error == ENOENT) code = absl::StatusCode::kNotFound;
  return MakeError(code,
                   fmt::format("cannot write {}: {}", path, std::strerror(error)),
                   {.reason = "FILE_NOT_WRITTEN", .metadata = {{"path", path}}});
}

bool WriteParts(const std::string& path, std::initializer_list<std::string_view> parts) {
  File file(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
  if (!file.is_open()) return false;
  for (const std::string_view part : parts) {
    if (!file.Write(part)) return false;
  }
  return file.Flush() && file.Close();
}

bool FlushDirectory(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const File directory(parent.empty() ? "." : parent.string(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return directory.is_open() && directory.Flush();
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path,
                                 std::initializer_list<std::string_view> parts) {
  const std::string partial = path + ".partial";
  const bool written = WriteParts(partial, parts) &&
                       std::rename(partial.c_str(), path.c_str()) == 0 && FlushDirectory(path);
  if (written) return absl::OkStatus();
  const int error = errno;
  unlink(partial.c_str());
  return SystemError(path, error);
}

}  // namespace bitbudget::worker
