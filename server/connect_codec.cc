#include "server/connect_codec.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <array>
#include <string>
#include <utility>

#include "util/error.h"
#include "util/utf8.h"

namespace bitbudget::server {
namespace {

namespace pb = google::protobuf;

absl::Status Unreadable(std::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   fmt::format("the body is no message of this method: {}", what),
                   {.reason = "INVALID_FIELD", .field_violations = {{"", std::string(what)}}});
}

// What the parser says of a value, with what is needed in the words of people.
std::string InWords(std::string_view problem) {
  constexpr std::string_view kForType = " for type TYPE_";
  constexpr auto kNeeds = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"INT64", "a whole number below 2^63"},
      {"INT32", "a whole number below 2^31"},
      {"DOUBLE", "a number"},
      {"STRING", "a text"},
      {"BOOL", "true or false"},
  });
  const size_t end = problem.find(kForType);
  for (const auto& [type, need] : kNeeds) {
    if (end == std::string_view::npos || problem.substr(end + kForType.size()) != type) continue;
    return fmt::format("{}; {} is needed", problem.substr(0, end), need);
  }
  return std::string(problem);
}

// What the parser says, "PLACE NAME: PROBLEM" with "(source.study)" as the place and the
// name of an unknown field, or a complaint of the text with an excerpt on further lines.
absl::Status ParseProblem(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const size_t colon = line.find(": ");
  if (colon == std::string_view::npos) return Unreadable(line);
  std::string_view place = line.substr(0, colon);
  const std::string_view problem = line.substr(colon + 2);
  std::string field;
  if (place.starts_with('(') && place.find(')') != std::string_view::npos) {
    const size_t end = place.find(')');
    field = place.substr(1, end - 1);
    place.remove_prefix(end + 1);
    if (place.starts_with(' ')) place.remove_prefix(1);
    if (!field.empty() && !place.empty()) field += '.';
  }
  field += place;
  if (field.empty()) return Unreadable(problem);
  if (problem == "Cannot find field.") return InvalidField(field, "there is no such field");
  return InvalidField(field, InWords(problem));
}

absl::Status DecodeJson(std::string_view text, pb::Message* message) {
  if (text.empty()) return Unreadable("it is empty; an empty message is {}");
  if (!IsUtf8(text)) return Unreadable("it is no UTF-8 text");
  const auto status =
      pb::util::JsonStringToMessage(pb::StringPiece(text.data(), text.size()), message);
  if (status.ok()) return absl::OkStatus();
  return ParseProblem({status.message().data(), status.message().size()});
}

}  // namespace

absl::Status DecodeMessage(Codec codec, std::string_view bytes, pb::Message* message) {
  if (codec == Codec::kJson) return DecodeJson(bytes, message);
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return Unreadable("it cannot be parsed");
}

absl::StatusOr<std::string> EncodeMessage(Codec codec, const pb::Message& message) {
  if (codec == Codec::kProto) return message.SerializeAsString();
  std::string text;
  const auto status = pb::util::MessageToJsonString(message, &text);
  if (status.ok()) return text;
  return MakeError(absl::StatusCode::kInternal,
                   fmt::format("the reply cannot be written as JSON: {}", status.ToString()),
                   {.reason = "INTERNAL"});
}

}  // namespace bitbudget::server
