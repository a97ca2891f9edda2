// Messages as JSON: the field names of the proto, defaults printed, int64 as
// strings, as proto JSON has it. Pure.

#ifndef BITBUDGET_CLIENT_CLI_JSON_H_
#define BITBUDGET_CLIENT_CLI_JSON_H_

#include <string>

#include "google/protobuf/message.h"

namespace bitbudget::cli {

// Indented, with a line end.
std::string ToJson(const google::protobuf::Message& message);

// On one line, with a line end and without defaults: a record of a file.
std::string ToJsonLine(const google::protobuf::Message& message);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_JSON_H_
