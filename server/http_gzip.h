// Compression of bodies (RFC 1952). Pure functions, thread-safe.

#ifndef BITBUDGET_SERVER_HTTP_GZIP_H_
#define BITBUDGET_SERVER_HTTP_GZIP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bitbudget::server {

// Bodies below are sent as they are: they fit into a packet.
inline constexpr size_t kLeastGzipBytes = 1'400;

std::string Gzip(std::string_view bytes);

// INVALID_ARGUMENT if `bytes` is not gzip; RESOURCE_EXHAUSTED if it holds more than
// `limit`, however much more.
absl::StatusOr<std::string> Gunzip(std::string_view bytes, size_t limit);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_GZIP_H_
