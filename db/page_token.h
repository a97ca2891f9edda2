// Page tokens: opaque positions in a list, bound to the query they came from.

#ifndef BITBUDGET_DB_PAGE_TOKEN_H_
#define BITBUDGET_DB_PAGE_TOKEN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bitbudget::db {

// Makes and reads the tokens of one query. Immutable.
class PageTokens {
 public:
  // `query` identifies what is listed and in which order: any bytes.
  explicit PageTokens(std::string_view query);

  // The token for the page after `position`, which may be any bytes. Printable
  // ASCII without characters that a URL or shell would change.
  std::string Make(std::string_view position) const;

  // The position of a token made by Make; empty for an empty token.
  // INVALID_ARGUMENT, naming page_token, for anything else.
  absl::StatusOr<std::string> Parse(const std::string& token) const;

 private:
  const std::string query_hash_;
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_PAGE_TOKEN_H_
