#include "server/connect_protocol.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "proto/rich_status.h"
#include "util/codes.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

// In the order in which people read them: code, message, details.
using json = nlohmann::ordered_json;

struct FormatRow {
  std::string_view content_type;
  ContentFormat format;
};

constexpr auto kFormats = std::to_array<FormatRow>({
    {"application/json", {Codec::kJson, Framing::kBare}},
    {"application/proto", {Codec::kProto, Framing::kBare}},
    {"application/connect+json", {Codec::kJson, Framing::kEnvelopes}},
    {"application/connect+proto", {Codec::kProto, Framing::kEnvelopes}},
});

constexpr size_t kMostTimeoutDigits = 10;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the part before the next `separator` off `text`, and that off too.
std::string_view TakePart(std::string_view* text, char separator) {
  const size_t end = std::min(text->find(separator), text->size());
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return Trimmed(part);
}

// Base64 as the protocol has it, without padding.
std::string Base64(const std::string& bytes) {
  std::string text = absl::Base64Escape(bytes);
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

// A detail in readable form, for people; null if it cannot be had.
json DebugOf(const google::protobuf::Any& detail) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!MessageToJsonString(detail, &text, options).ok()) return nullptr;
  json readable = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!readable.is_object()) return nullptr;
  readable.erase("@type");
  return readable;
}

json DetailJson(const google::protobuf::Any& detail) {
  json entry;
  entry["type"] = detail.type_url().substr(detail.type_url().rfind('/') + 1);
  entry["value"] = Base64(detail.value());
  if (json debug = DebugOf(detail); !debug.is_null()) entry["debug"] = std::move(debug);
  return entry;
}

json ToJson(const absl::Status& error) {
  const google::rpc::Status rich = ToRichStatus(error);
  json body;
  body["code"] = CodeRowOf(error.code()).connect_name;
  body["message"] = rich.message();
  for (const google::protobuf::Any& detail : rich.details()) {
    body["details"].push_back(DetailJson(detail));
  }
  return body;
}

}  // namespace

std::optional<ContentFormat> ParseContentType(std::string_view content_type) {
  std::string lower(content_type);
  absl::AsciiStrToLower(&lower);
  std::string_view unread = lower;
  const std::string_view type = TakePart(&unread, ';');
  while (!unread.empty()) {
    const std::string_view parameter = TakePart(&unread, ';');
    if (parameter != "charset=utf-8" && parameter != "charset=\"utf-8\"") return std::nullopt;
  }
  const auto row = std::find_if(kFormats.begin(), kFormats.end(), [type](const FormatRow& format) {
    return format.content_type == type;
  });
  if (row == kFormats.end()) return std::nullopt;
  return row->format;
}

std::string_view ContentTypeOf(ContentFormat format) {
  return std::find_if(kFormats.begin(),
                      kFormats.end(),
                      [format](const FormatRow& row) { return row.format == format; })
      ->content_type;
}

std::string_view AcceptPost(Framing framing) {
  return framing == Framing::kBare ? "application/json, application/proto"
                                   : "application/connect+json, application/connect+proto";
}

absl::Status CheckProtocolVersion(std::string_view version) {
  if (version.empty() || version == "1") return absl::OkStatus();
  return InvalidField("Connect-Protocol-Version",
                      fmt::format("is \"{}\"; this server speaks version 1", version));
}

absl::StatusOr<absl::Duration> ParseTimeout(std::string_view milliseconds) {
  if (milliseconds.empty()) return absl::InfiniteDuration();
  const bool is_number = milliseconds.size() <= kMostTimeoutDigits &&
                         std::all_of(milliseconds.begin(), milliseconds.end(), [](char c) {
                           return c >= '0' && c <= '9';
                         });
  if (!is_number) {
    return InvalidField("Connect-Timeout-Ms",
                        fmt::format("is \"{}\"; a whole number of milliseconds of at most {} "
                                    "digits is needed",
                                    milliseconds,
                                    kMostTimeoutDigits));
  }
  return absl::Milliseconds(std::strtoll(std::string(milliseconds).c_str(), nullptr, 10));
}

absl::StatusOr<Compression> ParseCompression(std::string_view encoding) {
  std::string name(Trimmed(encoding));
  absl::AsciiStrToLower(&name);
  if (name.empty() || name == "identity") return Compression::kIdentity;
  if (name == "gzip") return Compression::kGzip;
  return MakeError(
      absl::StatusCode::kUnimplemented,
      fmt::format("unknown compression \"{}\": this server knows gzip and identity", name),
      {.reason = "UNKNOWN_COMPRESSION"});
}

bool AcceptsGzip(std::string_view accept_encoding) {
  std::string list(accept_encoding);
  absl::AsciiStrToLower(&list);
  std::string_view unread = list;
  while (!unread.empty()) {
    std::string_view entry = TakePart(&unread, ',');
    if (TakePart(&entry, ';') != "gzip") continue;
    return entry != "q=0" && entry != "q=0.0";
  }
  return false;
}

std::string ErrorJson(const absl::Status& error) { return ToJson(error).dump(); }

std::string EndStreamJson(const absl::Status& outcome) {
  json end = json::object();
  if (!outcome.ok()) end["error"] = ToJson(outcome);
  return end.dump();
}

std::string WriteEnvelope(const Envelope& envelope) {
  std::string bytes;
  bytes.reserve(Envelope::kHeadBytes + envelope.data.size());
  bytes.push_back(static_cast<char>(envelope.flags));
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(envelope.data.size() >> shift & 0xff));
  }
  bytes.append(envelope.data);
  return bytes;
}

absl::StatusOr<std::optional<Envelope>> TakeEnvelope(std::string_view* bytes, size_t limit) {
  if (bytes->size() < Envelope::kHeadBytes) return std::nullopt;
  size_t size = 0;
  for (size_t i = 1; i < Envelope::kHeadBytes; ++i) {
    size = size << 8 | static_cast<unsigned char>((*bytes)[i]);
  }
  if (size > limit) return MessageTooLarge(limit);
  if (bytes->size() - Envelope::kHeadBytes < size) return std::nullopt;
  const Envelope envelope{.flags = static_cast<uint8_t>(bytes->front()),
                          .data = bytes->substr(Envelope::kHeadBytes, size)};
  bytes->remove_prefix(Envelope::kHeadBytes + size);
  return envelope;
}

absl::Status MessageTooLarge(size_t limit) {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   fmt::format("the message is larger than the {} bytes that this server takes "
                               "(--max-message-bytes); send less at a time",
                               limit),
                   {.reason = "MESSAGE_TOO_LARGE"});
}

}  // namespace bitbudget::server
