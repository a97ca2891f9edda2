#include "client/cli/json.h"

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

}  // namespace bitbudget::cli
