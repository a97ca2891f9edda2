// Messages as JSON: the field names of the proto, defaults printed, int64 as
// strings, as proto JSON has it.

#ifndef BITBUDGET_CLIENT_CLI_JSON_H_
#define BITBUDGET_CLIENT_CLI_JSON_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace bitbudget::cli {

// Indented, with a line end.
std::string ToJson(const google::protobuf::Message& message);

// On one line, with a line end and without defaults: a record of a file.
std::string ToJsonLine(const google::protobuf::Message& message);

// Adds what a file holds as JSON to `message`. Numbers may be written as numbers;
// an unknown field is refused by its path. NOT_FOUND if the file cannot be read,
// INVALID_ARGUMENT, "FILE holds no NOUN as JSON: ...", if it is not that.
absl::Status ReadJsonFile(const std::string& path,
                          std::string_view noun,
                          google::protobuf::Message* message);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_JSON_H_
