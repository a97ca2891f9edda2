#include "worker/data/token_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "fmt/format.h"
#include "util/error.h"
#include "util/sha256.h"
#include "util/status_macros.h"

namespace bitbudget::worker {
namespace {

static_assert(std::endian::native == std::endian::little, "token files are mapped as they are");

std::string_view Text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

absl::Status NotPrepared(const std::string& path, std::string_view why) {
  return InvalidField("data",
                      fmt::format("{} is not a prepared token file: {}; make one with "
                                  "bitbudget-train prepare",
                                  path,
                                  why));
}

absl::Status Damaged(const std::string& path, std::string_view how) {
  return MakeError(absl::StatusCode::kDataLoss,
                   fmt::format("{} is damaged: {}; prepare it again", path, how),
                   {.reason = "TOKEN_FILE_DAMAGED"});
}

// The fault of the machine, not of the job that names the file.
absl::Status Unreadable(const std::string& path, int error) {
  return MakeError(absl::StatusCode::kUnavailable,
                   fmt::format("{}: {}", path, std::strerror(error)),
                   {.reason = "DATA_UNREADABLE"});
}

}  // namespace

std::string HashTokens(uint32_t vocabulary,
                       std::span<const uint8_t> train,
                       std::span<const uint8_t> validation) {
  FieldHasher hasher;
  hasher.Add(static_cast<int64_t>(vocabulary));
  hasher.Add(Text(train));
  hasher.Add(Text(validation));
  return hasher.Finish();
}

absl::StatusOr<std::unique_ptr<TokenFile>> TokenFile::Open(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) return NotFound("token_file", path);
    return Unreadable(path, errno);
  }
  struct stat status = {};
  const bool readable = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const auto size = readable ? static_cast<size_t>(status.st_size) : 0;
  if (size < sizeof(TokenFileHeader)) {
    close(file);
    return NotPrepared(path, "it is shorter than a header");
  }
  void* const map = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  const int map_error = errno;
  close(file);
  if (map == MAP_FAILED) {
    return Unreadable(path, map_error);
  }
  std::unique_ptr<TokenFile> result(new TokenFile(map, size));
  RETURN_IF_ERROR(result->Check(path));
  return result;
}

absl::Status TokenFile::Check(const std::string& path) const {
  const TokenFileHeader expected;
  if (header().magic != expected.magic) return NotPrepared(path, "it has another signature");
  if (header().version != expected.version) {
    return NotPrepared(path, fmt::format("it has version {}", header().version));
  }
  const uint64_t tokens = size_ - sizeof(TokenFileHeader);
  if (header().train_tokens > tokens ||
      header().validation_tokens != tokens - header().train_tokens) {
    return Damaged(path, "its length differs from its header");
  }
  const std::string hash = HashTokens(header().vocabulary, train(), validation());
  if (!std::ranges::equal(hash, header().sha256)) {
    return Damaged(path, "its hash differs from its header");
  }
  return absl::OkStatus();
}

TokenFile::~TokenFile() { munmap(map_, size_); }

std::span<const uint8_t> TokenFile::train() const {
  return {static_cast<const uint8_t*>(map_) + sizeof(TokenFileHeader), header().train_tokens};
}

std::span<const uint8_t> TokenFile::validation() const {
  return {train().data() + train().size(), header().validation_tokens};
}

std::string TokenFile::sha256_hex() const {
  return ToHex({header().sha256.data(), header().sha256.size()});
}

}  // namespace bitbudget::worker
