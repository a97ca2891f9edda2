#include "client/cpp/request_text.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "util/error.h"
#include "util/utf8.h"

namespace bitbudget::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void AddBrokenText(const Message& message,
                   const std::string& prefix,
                   std::vector<FieldViolation>& violations) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_text = field->type() == FieldDescriptor::TYPE_STRING;
    if (!is_text && field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const bool is_repeated = field->is_repeated();
    const int count = is_repeated ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const std::string path =
          fmt::format("{}{}{}", prefix, field->name(), is_repeated ? fmt::format("[{}]", i) : "");
      if (!is_text) {
        const Message& part = is_repeated ? reflection.GetRepeatedMessage(message, field, i)
                                          : reflection.GetMessage(message, field);
        AddBrokenText(part, path + ".", violations);
      } else if (!IsUtf8(is_repeated ? reflection.GetRepeatedString(message, field, i)
                                     : reflection.GetString(message, field))) {
        violations.push_back({path, "is not UTF-8 text"});
      }
    }
  }
}

}  // namespace

absl::Status CheckText(const Message& request) {
  std::vector<FieldViolation> violations;
  AddBrokenText(request, "", violations);
  return violations.empty() ? absl::OkStatus() : InvalidFields(std::move(violations));
}

}  // namespace bitbudget::client
