// Prepared text: byte tokens in one file that is mapped, not read.
//
// Layout: the 128 bytes of TokenFileHeader, little endian, then the training
// tokens, then the validation tokens, one byte each. The hash in the header
// covers all tokens and the vocabulary, so that a run can name its data.

#ifndef BITBUDGET_WORKER_DATA_TOKEN_FILE_H_
#define BITBUDGET_WORKER_DATA_TOKEN_FILE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace bitbudget::worker {

struct TokenFileHeader {
  std::array<char, 8> magic = {'B', 'B', 'T', 'O', 'K', 'E', 'N', 'S'};
  uint32_t version = 1;
  uint32_t vocabulary = 256;  // all tokens are below
  uint64_t train_tokens = 0;
  uint64_t validation_tokens = 0;
  uint64_t seed = 0;         // of the shuffle
  uint64_t chunk_bytes = 0;  // what was shuffled as one piece
  std::array<char, 32> sha256 = {};
  std::array<char, 48> reserved = {};
};
static_assert(sizeof(TokenFileHeader) == 128);

// SHA-256, 32 bytes, of vocabulary and tokens.
std::string HashTokens(uint32_t vocabulary,
                       std::span<const uint8_t> train,
                       std::span<const uint8_t> validation);

// Immutable, thread-safe.
class TokenFile {
 public:
  // Maps the file and checks its hash.
  //
  // Errors:
  // - NOT_FOUND: there is no such file.
  // - INVALID_ARGUMENT: it cannot be read, or is no prepared file.
  // - DATA_LOSS: its length or its hash differs from its header.
  static absl::StatusOr<std::unique_ptr<TokenFile>> Open(const std::string& path);

  ~TokenFile();
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  const TokenFileHeader& header() const { return *static_cast<const TokenFileHeader*>(map_); }
  std::span<const uint8_t> train() const;
  std::span<const uint8_t> validation() const;
  std::string sha256_hex() const;

 private:
  TokenFile(void* map, size_t size) : map_(map), size_(size) {}
  absl::Status Check(const std::string& path) const;

  void* map_;
  size_t size_;
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_DATA_TOKEN_FILE_H_
