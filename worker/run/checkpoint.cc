#include "worker/run/checkpoint.h"

#include <openssl/sha.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "util/error.h"
#include "util/sha256.h"
#include "util/status_macros.h"
#include "worker/data/atomic_file.h"

namespace bitbudget::worker {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "BBCKPT1\n";
constexpr size_t kHashBytes = 32;

std::string_view Bytes(const Buffer<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string Hash(std::string_view bytes) {
  std::string digest(kHashBytes, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()),
         bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string HeaderOf(const Checkpoint& checkpoint) {
  const TrainingState& state = checkpoint.state;
  return json{{"trunk_hash", checkpoint.hashes.trunk},
              {"fp_hash", checkpoint.hashes.fp},
              {"run_hash", checkpoint.hashes.run},
              {"tokens", checkpoint.tokens},
              {"shared_steps", checkpoint.shared_steps},
              {"fp_steps", checkpoint.fp_steps},
              {"step", state.step},
              {"moment_steps", state.moment_steps},
              {"quantizing", state.quantizing},
              {"count", state.parameters.size()}}
      .dump();
}

absl::Status Damaged(const std::string& path, std::string_view how) {
  return MakeError(absl::StatusCode::kDataLoss,
                   fmt::format("checkpoint {} {}; delete it to train anew", path, how),
                   {.reason = "CHECKPOINT_DAMAGED", .metadata = {{"path", path}}});
}

// Cuts `size` bytes off the front; false if there are fewer.
bool Take(size_t size, std::string_view& rest, std::string_view& taken) {
  if (rest.size() < size) return false;
  taken = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

bool TakeFloats(size_t count, std::string_view& rest, Buffer<float>& values) {
  std::string_view bytes;
  if (count > rest.size() / sizeof(float) || !Take(count * sizeof(float), rest, bytes)) {
    return false;
  }
  values.resize(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return true;
}

// The hash has been checked, so what does not parse was written by another
// version.
bool Parse(std::string_view rest, Checkpoint& checkpoint) {
  std::string_view length_bytes;
  std::string_view header_bytes;
  uint64_t length = 0;
  if (!Take(sizeof(length), rest, length_bytes)) return false;
  std::memcpy(&length, length_bytes.data(), sizeof(length));
  if (!Take(length, rest, header_bytes)) return false;
  const json header = json::parse(header_bytes, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return false;
  checkpoint.hashes = {.trunk = header.value("trunk_hash", ""),
                       .fp = header.value("fp_hash", ""),
                       .run = header.value("run_hash", "")};
  checkpoint.tokens = header.value("tokens", int64_t{0});
  checkpoint.shared_steps = header.value("shared_steps", int64_t{0});
  checkpoint.fp_steps = header.value("fp_steps", int64_t{0});
  TrainingState& state = checkpoint.state;
  state.step = header.value("step", int64_t{0});
  state.moment_steps = header.value("moment_steps", int64_t{0});
  state.quantizing = header.value("quantizing", false);
  const auto count = header.value("count", size_t{0});
  return TakeFloats(count, rest, state.parameters) &&
         TakeFloats(count, rest, state.first_moments) &&
         TakeFloats(count, rest, state.second_moments) && rest.empty();
}

}  // namespace

absl::StatusOr<std::string> WriteCheckpoint(const std::string& path, const Checkpoint& checkpoint) {
  const std::string header = HeaderOf(checkpoint);
  std::string content(kMagic);
  const uint64_t length = header.size();
  std::array<char, sizeof(length)> length_bytes;
  std::memcpy(length_bytes.data(), &length, sizeof(length));
  content.append(length_bytes.data(), length_bytes.size());
  content += header;
  content += Bytes(checkpoint.state.parameters);
  content += Bytes(checkpoint.state.first_moments);
  content += Bytes(checkpoint.state.second_moments);
  const std::string hash = Hash(content);
  RETURN_IF_ERROR(WriteFileAtomically(path, {content, hash}));
  return ToHex(hash);
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return NotFound("checkpoint", path);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return Damaged(path, "is a directory");
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!content.starts_with(kMagic) || content.size() < kMagic.size() + kHashBytes) {
    return Damaged(path, "is no checkpoint, or cut off");
  }
  const std::string_view hashed = std::string_view(content).substr(0, content.size() - kHashBytes);
  if (Hash(hashed) != content.substr(hashed.size())) {
    return Damaged(path, "does not match its hash");
  }
  Checkpoint checkpoint;
  checkpoint.path = path;
  if (!Parse(hashed.substr(kMagic.size()), checkpoint)) {
    return Damaged(path, "has a header that this version does not understand");
  }
  return checkpoint;
}

}  // namespace bitbudget::worker
