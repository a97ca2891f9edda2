#include "worker/data/prepare.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string_view>

#include "fmt/format.h"
#include "util/error.h"
#include "util/sha256.h"
#include "util/status_macros.h"
#include "worker/data/atomic_file.h"
#include "worker/data/shuffle.h"
#include "worker/data/token_file.h"

namespace bitbudget::worker {
namespace {

namespace fs = std::filesystem;

absl::Status ValidateOptions(const PrepareOptions& options) {
  if (options.inputs.empty()) return InvalidField("inputs", "none; name a file or a directory");
  if (options.vocabulary < 2 || options.vocabulary > 256) {
    return InvalidField("vocabulary", fmt::format("{} is outside 2 to 256", options.vocabulary));
  }
  if (options.chunk_bytes < 1) {
    return InvalidField("chunk_bytes", fmt::format("{} is not positive", options.chunk_bytes));
  }
  if (!(options.validation_fraction > 0 && options.validation_fraction < 1)) {
    return InvalidField("validation_fraction",
                        fmt::format("{} is not between 0 and 1", options.validation_fraction));
  }
  return absl::OkStatus();
}

absl::Status AddFiles(const std::string& input, std::vector<fs::path>& files) {
  std::error_code error;
  const fs::file_status status = fs::status(input, error);
  if (!fs::exists(status)) return NotFound("text", input);
  if (!fs::is_directory(status)) {
    files.emplace_back(input);
    return absl::OkStatus();
  }
  for (fs::recursive_directory_iterator it(input, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file(error)) files.push_back(it->path());
  }
  if (error) return InvalidField("inputs", fmt::format("{}: {}", input, error.message()));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<fs::path>> FindFiles(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  for (const std::string& input : inputs) RETURN_IF_ERROR(AddFiles(input, files));
  std::sort(files.begin(), files.end());
  return files;
}

// Appends what is in the vocabulary; adds the rest to `dropped`.
absl::Status AppendText(const fs::path& path,
                        uint32_t vocabulary,
                        std::vector<uint8_t>& text,
                        int64_t& dropped) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return InvalidField("inputs", fmt::format("{} cannot be read", path.string()));
  }
  for (const char byte : bytes) {
    const auto token = static_cast<uint8_t>(byte);
    if (token < vocabulary) {
      text.push_back(token);
    } else {
      ++dropped;
    }
  }
  return absl::OkStatus();
}

// Whole chunks in shuffled order; what is left over at the end is not used.
std::vector<uint8_t> ShuffleChunks(const std::vector<uint8_t>& text,
                                   const PrepareOptions& options) {
  std::vector<int64_t> order(text.size() / options.chunk_bytes);
  std::iota(order.begin(), order.end(), 0);
  ShuffleInPlace(order, options.seed);
  std::vector<uint8_t> shuffled;
  shuffled.reserve(order.size() * options.chunk_bytes);
  for (const int64_t chunk : order) {
    const auto begin = text.begin() + chunk * options.chunk_bytes;
    shuffled.insert(shuffled.end(), begin, begin + options.chunk_bytes);
  }
  return shuffled;
}

}  // namespace

absl::StatusOr<PrepareSummary> PrepareTokens(const PrepareOptions& options) {
  RETURN_IF_ERROR(ValidateOptions(options));
  ASSIGN_OR_RETURN(const std::vector<fs::path> files, FindFiles(options.inputs));
  PrepareSummary summary = {.file_count = static_cast<int64_t>(files.size())};
  std::vector<uint8_t> text;
  for (const fs::path& path : files) {
    RETURN_IF_ERROR(AppendText(path, options.vocabulary, text, summary.dropped_bytes));
  }
  const auto chunks = static_cast<int64_t>(text.size()) / options.chunk_bytes;
  if (chunks < 2) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("{} bytes of text in {} files are less than 2 chunks of {} bytes, one to "
                    "train and one to validate; give more text",
                    text.size(),
                    files.size(),
                    options.chunk_bytes),
        {.reason = "TEXT_TOO_SHORT"});
  }
  const std::vector<uint8_t> tokens = ShuffleChunks(text, options);
  const int64_t validation_chunks = std::clamp<int64_t>(
      std::llround(options.validation_fraction * static_cast<double>(chunks)), 1, chunks - 1);

  TokenFileHeader header;
  header.vocabulary = options.vocabulary;
  header.train_tokens = (chunks - validation_chunks) * options.chunk_bytes;
  header.validation_tokens = validation_chunks * options.chunk_bytes;
  header.seed = options.seed;
  header.chunk_bytes = options.chunk_bytes;
  const std::span all(tokens);
  const std::string hash = HashTokens(
      options.vocabulary, all.first(header.train_tokens), all.subspan(header.train_tokens));
  std::copy(hash.begin(), hash.end(), header.sha256.begin());
  RETURN_IF_ERROR(WriteFileAtomically(
      options.output,
      {std::string_view(reinterpret_cast<const char*>(&header), sizeof(header)),
       std::string_view(reinterpret_cast<const char*>(tokens.data()), tokens.size())}));

  summary.train_tokens = static_cast<int64_t>(header.train_tokens);
  summary.validation_tokens = static_cast<int64_t>(header.validation_tokens);
  summary.sha256_hex = ToHex(hash);
  return summary;
}

}  // namespace bitbudget::worker
