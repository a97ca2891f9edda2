#include "worker/agent/work_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "util/error.h"
#include "util/sha256.h"
#include "util/status_macros.h"
#include "worker/data/atomic_file.h"

namespace bitbudget::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHashBytes = 32;
constexpr std::array kFolders = {"jobs", "results", "refused"};

absl::Status CannotMake(const std::string& path, const std::string& why) {
  return MakeError(absl::StatusCode::kInternal,
                   fmt::format("cannot make {}: {}", path, why),
                   {.reason = "FILE_NOT_WRITTEN", .metadata = {{"path", path}}});
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? CannotMake(path, error.message()) : absl::OkStatus();
}

// SHA-256 of the first `size` bytes of a stream; empty if there are fewer.
std::string HashOf(std::istream& stream, uint64_t size) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::array<char, 65536> bytes;
  while (size > 0) {
    const auto count = static_cast<std::streamsize>(std::min<uint64_t>(size, bytes.size()));
    if (!stream.read(bytes.data(), count)) return "";
    EVP_DigestUpdate(context.get(), bytes.data(), static_cast<size_t>(count));
    size -= static_cast<uint64_t>(count);
  }
  std::string digest(kHashBytes, '\0');
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

// "studies/s/jobs/j" -> "s.j".
std::string FileName(const std::string& job_name) {
  const size_t study = job_name.find('/') + 1;
  const size_t study_end = job_name.find('/', study);
  return job_name.substr(study, study_end - study) + "." + job_name.substr(job_name.rfind('/') + 1);
}

// A folder of the work directory, and what removal goes by.
struct Folder {
  fs::path path;
  fs::file_time_type last_use;
  int64_t bytes = 0;
};

std::vector<Folder> FoldersOf(const fs::path& parent) {
  std::vector<Folder> folders;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
    Folder folder = {.path = entry.path(), .last_use = entry.last_write_time(ignored)};
    for (const auto& file : fs::recursive_directory_iterator(entry.path(), ignored)) {
      if (file.is_regular_file(ignored)) {
        folder.bytes += static_cast<int64_t>(file.file_size(ignored));
      }
    }
    folders.push_back(std::move(folder));
  }
  std::ranges::sort(folders, {}, &Folder::last_use);
  return folders;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Take(const std::string& path,
                                                         absl::Duration timeout) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return CannotMake(path, std::strerror(errno));
  const absl::Time deadline = absl::Now() + timeout;
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (absl::Now() >= deadline) {
      close(file);
      return MakeError(absl::StatusCode::kFailedPrecondition,
                       fmt::format("{} is held by another process", path),
                       {.reason = "FOLDER_IN_USE", .metadata = {{"path", path}}});
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return std::unique_ptr<FileLock>(new FileLock(file));
}

FileLock::~FileLock() { close(descriptor_); }

std::string JobDirectory::Milestone(int64_t tokens) const {
  return fmt::format("{}/milestone-{}.ckpt", Checkpoints(), tokens);
}

absl::StatusOr<std::string> CheckpointHash(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file.is_open()) return NotFound("checkpoint", path);
  const auto size = static_cast<uint64_t>(std::max<std::streamoff>(file.tellg(), 0));
  std::string stored(kHashBytes, '\0');
  if (size > kHashBytes) {
    file.seekg(0);
    const std::string computed = HashOf(file, size - kHashBytes);
    if (file.read(stored.data(), kHashBytes) && computed == stored) return ToHex(stored);
  }
  return MakeError(absl::StatusCode::kDataLoss,
                   fmt::format("checkpoint {} does not match its hash", path),
                   {.reason = "CHECKPOINT_DAMAGED", .metadata = {{"path", path}}});
}

absl::StatusOr<std::unique_ptr<WorkDirectory>> WorkDirectory::Open(const std::string& path) {
  for (const char* folder : kFolders) RETURN_IF_ERROR(MakeFolder(path + "/" + folder));
  ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock,
                   FileLock::Take(path + "/agent.lock", absl::ZeroDuration()));
  return std::unique_ptr<WorkDirectory>(new WorkDirectory(path, std::move(lock)));
}

absl::StatusOr<JobDirectory> WorkDirectory::JobFolder(const v1::Job& job) const {
  const std::string key = job.training_hash().empty() ? FileName(job.name()) : job.training_hash();
  JobDirectory folder = {.path = path_ + "/jobs/" + key};
  RETURN_IF_ERROR(MakeFolder(folder.Checkpoints()));
  std::error_code ignored;
  fs::last_write_time(folder.path, fs::file_time_type::clock::now(), ignored);
  return folder;
}

void WorkDirectory::RemoveFinished(const JobDirectory& folder) const {
  std::error_code ignored;
  fs::remove(folder.Latest(), ignored);
  if (fs::is_empty(folder.Checkpoints(), ignored)) fs::remove_all(folder.path, ignored);
}

void WorkDirectory::RemoveOld(int64_t kept_bytes, const std::string& in_use) const {
  const std::vector<Folder> folders = FoldersOf(path_ + "/jobs");
  int64_t bytes = 0;
  for (const Folder& folder : folders) bytes += folder.bytes;
  for (const Folder& folder : folders) {
    if (bytes <= kept_bytes) return;
    if (folder.path == in_use) continue;
    // A trainer that outlived its agent may still write there.
    const auto lock = FileLock::Take(folder.path / "lock", absl::ZeroDuration());
    if (!lock.ok()) continue;
    std::error_code ignored;
    fs::remove_all(folder.path, ignored);
    bytes -= folder.bytes;
    spdlog::info("removed old checkpoints folder={} bytes={}", folder.path.string(), folder.bytes);
  }
}

absl::StatusOr<std::string> WorkDirectory::Spool(const v1::CompleteJobRequest& result) const {
  std::string path =
      fmt::format("{}/results/{}-{}.result", path_, FileName(result.name()), result.attempt());
  RETURN_IF_ERROR(worker::WriteFileAtomically(path, {result.SerializeAsString()}));
  return path;
}

std::vector<std::string> WorkDirectory::Spooled() const {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_ + "/results", ignored)) {
    if (entry.path().extension() != ".result") continue;
    found.emplace_back(entry.last_write_time(ignored), entry.path().string());
  }
  std::ranges::sort(found);
  std::vector<std::string> paths;
  paths.reserve(found.size());
  for (auto& [time, path] : found) paths.push_back(std::move(path));
  return paths;
}

absl::StatusOr<v1::CompleteJobRequest> WorkDirectory::ReadSpooled(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  v1::CompleteJobRequest result;
  if (file.is_open() && result.ParseFromString(bytes) && !result.name().empty()) return result;
  return MakeError(absl::StatusCode::kDataLoss,
                   fmt::format("{} holds no result", path),
                   {.reason = "RESULT_DAMAGED", .metadata = {{"path", path}}});
}

void WorkDirectory::RemoveSpooled(const std::string& path) const {
  std::error_code ignored;
  fs::remove(path, ignored);
}

void WorkDirectory::Refuse(const std::string& path) const {
  std::error_code ignored;
  fs::rename(path, path_ + "/refused/" + fs::path(path).filename().string(), ignored);
}

}  // namespace bitbudget::agent
