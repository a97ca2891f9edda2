#include "server/http_gzip.h"

#include <zlib.h>

#include <algorithm>

#include "server/connect_protocol.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

// Window bits that tell zlib to write and to read the form of gzip.
constexpr int kGzipWindow = 15 + 16;
constexpr int kMemoryLevel = 8;  // zlib's default
// Text of JSON shrinks to a tenth at the fastest level, and hardly more at others.
constexpr int kLevel = 3;
constexpr size_t kStep = size_t{64} * 1024;

Bytef* BytesOf(const char* data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data));  // zlib only reads its input
}

absl::Status NotGzip() {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the body says that it is gzip and is not, or breaks off",
                   {.reason = "INVALID_FIELD"});
}

}  // namespace

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = BytesOf(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = BytesOf(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

absl::StatusOr<std::string> Gunzip(std::string_view bytes, size_t limit) {
  z_stream stream{};
  inflateInit2(&stream, kGzipWindow);
  stream.next_in = BytesOf(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string unpacked;
  int outcome = Z_OK;
  while (outcome == Z_OK && stream.total_out <= limit) {
    unpacked.resize(stream.total_out + std::min(kStep, limit + 1));
    stream.next_out = BytesOf(unpacked.data()) + stream.total_out;
    stream.avail_out = static_cast<uInt>(unpacked.size() - stream.total_out);
    outcome = inflate(&stream, Z_NO_FLUSH);
  }
  const size_t size = stream.total_out;
  const bool is_whole = outcome == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (size > limit) return MessageTooLarge(limit);
  if (!is_whole) return NotGzip();
  unpacked.resize(size);
  return unpacked;
}

}  // namespace bitbudget::server
