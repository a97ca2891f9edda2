// Fields of proto messages as text, by reflection: the one way from what people
// type, in a flag or in a CSV cell, to a request, and back. Pure.

#ifndef BITBUDGET_CLIENT_CLI_FIELD_H_
#define BITBUDGET_CLIENT_CLI_FIELD_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/quantity.h"
#include "google/protobuf/message.h"

namespace bitbudget::cli {

// The field `name` of `message`. The name must be one of a scalar field.
const google::protobuf::FieldDescriptor& FieldOf(const google::protobuf::Message& message,
                                                 std::string_view name);

// What the field counts, told from its name.
Unit UnitOf(const google::protobuf::FieldDescriptor& field);

// Sets the field, or adds to it if it is repeated. Numbers are quantities of the
// field's unit, enum values are their names in any case with "-" or "_".
// INVALID_ARGUMENT saying what is wrong with `text`, without naming the field.
absl::Status SetField(google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field,
                      std::string_view text);

// The field, not repeated, as exact text that SetField reads back; empty if it is
// unset.
std::string FieldText(const google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field);

// Names of the values of an enum field that people may write, "nats-per-token".
std::vector<std::string> EnumNames(const google::protobuf::FieldDescriptor& field);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_FIELD_H_
