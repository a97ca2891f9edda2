#include "util/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cstring>

#include "absl/strings/escaping.h"

namespace bitbudget {
namespace {

std::array<char, 9> Tagged(char tag, uint64_t value) {
  std::array<char, 9> bytes;
  bytes[0] = tag;
  for (int i = 0; i < 8; ++i) bytes[1 + i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace

struct FieldHasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }

  void Update(std::string_view bytes) { EVP_DigestUpdate(context, bytes.data(), bytes.size()); }
  void UpdateTagged(char tag, uint64_t value) {
    const auto bytes = Tagged(tag, value);
    Update({bytes.data(), bytes.size()});
  }
};

FieldHasher::FieldHasher() : state_(std::make_unique<State>()) {
  EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr);
}

FieldHasher::~FieldHasher() = default;

void FieldHasher::Add(int64_t value) { state_->UpdateTagged('i', static_cast<uint64_t>(value)); }

void FieldHasher::Add(double value) {
  state_->UpdateTagged('d', std::bit_cast<uint64_t>(value == 0 ? 0.0 : value));
}

void FieldHasher::Add(std::string_view value) {
  state_->UpdateTagged('s', value.size());
  state_->Update(value);
}

void FieldHasher::AddAbsent() { state_->Update("n"); }

std::string FieldHasher::Finish() {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()), &size);
  digest.resize(size);
  return digest;
}

std::string ToHex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

}  // namespace bitbudget
