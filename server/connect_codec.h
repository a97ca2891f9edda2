// Messages as Connect writes them: canonical proto JSON, or the binary form. Pure
// functions, thread-safe.

#ifndef BITBUDGET_SERVER_CONNECT_CODEC_H_
#define BITBUDGET_SERVER_CONNECT_CODEC_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/connect_protocol.h"

namespace bitbudget::server {

// Reads `bytes` into `message`. Fields of JSON may be named in lowerCamelCase or as in
// the proto. INVALID_ARGUMENT, INVALID_FIELD, naming the field (empty if the message
// as a whole is at fault); an unknown field is one.
absl::Status DecodeMessage(Codec codec, std::string_view bytes, google::protobuf::Message* message);

// Fields of JSON are named in lowerCamelCase; those with default values are left out.
absl::StatusOr<std::string> EncodeMessage(Codec codec, const google::protobuf::Message& message);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONNECT_CODEC_H_
