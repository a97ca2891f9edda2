#include "db/page_token.h"

#include "absl/strings/escaping.h"
#include "util/error.h"
#include "util/sha256.h"

namespace bitbudget::db {
namespace {

// Tokens guard against mistakes, not against forgery, which would gain nothing:
// eight bytes of hash are enough.
constexpr size_t kHashBytes = 8;

std::string ShortHash(std::string_view purpose, std::string_view bytes) {
  FieldHasher hasher;
  hasher.Add(purpose);
  hasher.Add(bytes);
  return hasher.Finish().substr(0, kHashBytes);
}

absl::Status NotAToken() {
  return InvalidField("page_token",
                      "was not made by this server; use the next_page_token of the page before");
}

}  // namespace

PageTokens::PageTokens(std::string_view query) : query_hash_(ShortHash("query", query)) {}

// Layout: hash of the rest, hash of the query, position.
std::string PageTokens::Make(std::string_view position) const {
  const std::string body = query_hash_ + std::string(position);
  const std::string bytes = ShortHash("token", body) + body;
  return absl::WebSafeBase64Escape(absl::string_view(bytes.data(), bytes.size()));
}

absl::StatusOr<std::string> PageTokens::Parse(const std::string& token) const {
  if (token.empty()) return std::string();
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(absl::string_view(token.data(), token.size()), &bytes) ||
      bytes.size() < 2 * kHashBytes) {
    return NotAToken();
  }
  const std::string body = bytes.substr(kHashBytes);
  if (bytes.compare(0, kHashBytes, ShortHash("token", body)) != 0) return NotAToken();
  if (body.compare(0, kHashBytes, query_hash_) != 0) {
    return InvalidField("page_token",
                        "belongs to another query; keep parent, filter and order while paging");
  }
  return body.substr(kHashBytes);
}

}  // namespace bitbudget::db
