#include "client/cli/field.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "client/cli/bytes.h"
#include "google/protobuf/descriptor.h"
#include "util/utf8.h"

namespace bitbudget::cli {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string Spelling(std::string_view name, bool upper) {
  std::string spelling(name);
  for (char& c : spelling) {
    if (c == (upper ? '-' : '_')) c = upper ? '_' : '-';
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return spelling;
}

// A whole number of bytes.
absl::StatusOr<int64_t> ParseByteCount(std::string_view text) {
  const absl::StatusOr<double> bytes = ParseBytes(text);
  if (!bytes.ok()) return bytes.status();
  constexpr double kMost = 1e18;
  if (std::abs(*bytes) > kMost || *bytes != std::round(*bytes)) {
    return absl::InvalidArgumentError(fmt::format("'{}' is not a whole number of bytes", text));
  }
  return static_cast<int64_t>(*bytes);
}

absl::Status SetCount(Message& message, const FieldDescriptor& field, std::string_view text) {
  const Unit unit = UnitOf(field);
  const absl::StatusOr<int64_t> value =
      unit == Unit::kBytes ? ParseByteCount(text) : ParseCount(text, unit);
  if (!value.ok()) return value.status();
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    field.is_repeated() ? reflection.AddInt64(&message, &field, *value)
                        : reflection.SetInt64(&message, &field, *value);
    return absl::OkStatus();
  }
  using Limits = std::numeric_limits<int32_t>;
  if (*value < Limits::min() || *value > Limits::max()) {
    return absl::InvalidArgumentError(fmt::format("'{}' is beyond 32 bits", text));
  }
  const auto narrow = static_cast<int32_t>(*value);
  field.is_repeated() ? reflection.AddInt32(&message, &field, narrow)
                      : reflection.SetInt32(&message, &field, narrow);
  return absl::OkStatus();
}

absl::Status SetReal(Message& message, const FieldDescriptor& field, std::string_view text) {
  const Unit unit = UnitOf(field);
  const absl::StatusOr<double> value =
      unit == Unit::kBytes ? ParseBytes(text) : ParseReal(text, unit);
  if (!value.ok()) return value.status();
  field.is_repeated() ? message.GetReflection()->AddDouble(&message, &field, *value)
                      : message.GetReflection()->SetDouble(&message, &field, *value);
  return absl::OkStatus();
}

absl::Status SetText(Message& message, const FieldDescriptor& field, std::string_view text) {
  // gRPC refuses other text far from where it was typed, and without a word.
  if (!IsUtf8(text)) return absl::InvalidArgumentError("is not UTF-8 text");
  field.is_repeated() ? message.GetReflection()->AddString(&message, &field, std::string(text))
                      : message.GetReflection()->SetString(&message, &field, std::string(text));
  return absl::OkStatus();
}

absl::Status SetEnum(Message& message, const FieldDescriptor& field, std::string_view text) {
  const EnumValueDescriptor* value = field.enum_type()->FindValueByName(Spelling(text, true));
  if (value == nullptr || value->number() == 0) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is none of {}", text, fmt::join(EnumNames(field), ", ")));
  }
  field.is_repeated() ? message.GetReflection()->AddEnum(&message, &field, value)
                      : message.GetReflection()->SetEnum(&message, &field, value);
  return absl::OkStatus();
}

absl::Status SetFlag(Message& message, const FieldDescriptor& field, std::string_view text) {
  if (text != "true" && text != "false") {
    return absl::InvalidArgumentError(fmt::format("'{}' is neither true nor false", text));
  }
  message.GetReflection()->SetBool(&message, &field, text == "true");
  return absl::OkStatus();
}

}  // namespace

const FieldDescriptor& FieldOf(const Message& message, std::string_view name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(name));
  assert(field != nullptr);
  return *field;
}

Unit UnitOf(const FieldDescriptor& field) {
  const std::string_view name = field.name();
  if (Contains(name, "bytes")) return Unit::kBytes;
  if (Contains(name, "flops")) return Unit::kFlops;
  if (Contains(name, "fraction") || Contains(name, "confidence")) return Unit::kShare;
  if (Contains(name, "tokens")) return Unit::kTokens;
  if (Contains(name, "parameters")) return Unit::kParameters;
  return Unit::kNone;
}

absl::Status SetField(Message& message, const FieldDescriptor& field, std::string_view text) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_INT32:
      return SetCount(message, field, text);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return SetReal(message, field, text);
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(message, field, text);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(message, field, text);
    case FieldDescriptor::CPPTYPE_BOOL:
      return SetFlag(message, field, text);
    default:
      return absl::InternalError(
          fmt::format("field {} cannot be written as text", field.full_name()));
  }
}

std::string FieldText(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.has_presence() && !reflection.HasField(message, &field)) return "";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return fmt::to_string(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return fmt::to_string(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return fmt::to_string(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return std::string(reflection.GetEnum(message, &field)->name());
    case FieldDescriptor::CPPTYPE_BOOL:
      return fmt::to_string(reflection.GetBool(message, &field));
    default:
      return "";
  }
}

std::vector<std::string> EnumNames(const FieldDescriptor& field) {
  std::vector<std::string> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    const EnumValueDescriptor& value = *field.enum_type()->value(i);
    if (value.number() != 0) names.push_back(Spelling(value.name(), false));
  }
  return names;
}

}  // namespace bitbudget::cli
