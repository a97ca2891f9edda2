// The written rules of the Connect protocol (version 1) that need no network:
// content types, headers, errors, envelopes. Pure functions, thread-safe.

#ifndef BITBUDGET_SERVER_CONNECT_PROTOCOL_H_
#define BITBUDGET_SERVER_CONNECT_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace bitbudget::server {

// How messages are written.
enum class Codec { kJson, kProto };

// Whether bodies are one bare message or a row of envelopes.
enum class Framing { kBare, kEnvelopes };

struct ContentFormat {
  Codec codec = Codec::kJson;
  Framing framing = Framing::kBare;

  bool operator==(const ContentFormat&) const = default;
};

// The format that a Content-Type names, in any case, with no parameter but
// charset=utf-8; nullopt for a type that is not of the protocol.
std::optional<ContentFormat> ParseContentType(std::string_view content_type);
std::string_view ContentTypeOf(ContentFormat format);

// The value of Accept-Post beside a 415.
std::string_view AcceptPost(Framing framing);

// Checks the header Connect-Protocol-Version, which may be absent (empty).
absl::Status CheckProtocolVersion(std::string_view version);

// Reads the header Connect-Timeout-Ms; infinite if it is absent (empty).
absl::StatusOr<absl::Duration> ParseTimeout(std::string_view milliseconds);

// Compression of a body or of an envelope.
enum class Compression { kIdentity, kGzip };

// Reads Content-Encoding or Connect-Content-Encoding; UNIMPLEMENTED for a
// compression that the server does not know.
absl::StatusOr<Compression> ParseCompression(std::string_view encoding);

// Whether a list of encodings (Accept-Encoding) takes gzip.
bool AcceptsGzip(std::string_view accept_encoding);

// What the body of a failed unary call says.
std::string ErrorJson(const absl::Status& error);

// What the last envelope of a stream says; `outcome` may be OK.
std::string EndStreamJson(const absl::Status& outcome);

// One message of a stream, as it travels.
struct Envelope {
  static constexpr uint8_t kCompressed = 1;
  static constexpr uint8_t kEndOfStream = 2;
  static constexpr size_t kHeadBytes = 5;

  uint8_t flags = 0;
  std::string_view data;

  bool operator==(const Envelope&) const = default;
};

std::string WriteEnvelope(const Envelope& envelope);

// The first envelope of `bytes`, which keeps its data, and takes it off; nullopt if
// `bytes` ends before it does. RESOURCE_EXHAUSTED if its data exceed `limit`.
absl::StatusOr<std::optional<Envelope>> TakeEnvelope(std::string_view* bytes, size_t limit);

// RESOURCE_EXHAUSTED, MESSAGE_TOO_LARGE.
absl::Status MessageTooLarge(size_t limit);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONNECT_PROTOCOL_H_
