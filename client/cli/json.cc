#include "client/cli/json.h"

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "google/protobuf/util/json_util.h"

namespace bitbudget::cli {
namespace {

std::string Print(const google::protobuf::Message& message,
                  const google::protobuf::util::JsonPrintOptions& options) {
  std::string json;
  // Fails for Any of unknown type and for text that is not UTF-8 only, and no
  // message of the contract has either.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  return Print(message, options);
}

std::string ToJsonLine(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  return Print(message, options) + "\n";
}

absl::Status ReadJsonFile(const std::string& path,
                          std::string_view noun,
                          google::protobuf::Message* message) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.bad()) return absl::NotFoundError(fmt::format("cannot read {}", path));
  const std::unique_ptr<google::protobuf::Message> read(message->New());
  const auto status = google::protobuf::util::JsonStringToMessage(text.str(), read.get());
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{} holds no {} as JSON: {}", path, noun, std::string(status.message())));
  }
  message->MergeFrom(*read);
  return absl::OkStatus();
}

}  // namespace bitbudget::cli
