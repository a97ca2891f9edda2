// Whether a request can be sent: text on the wire is UTF-8. Internal to the client
// library. Pure, thread-safe.

#ifndef BITBUDGET_CLIENT_CPP_REQUEST_TEXT_H_
#define BITBUDGET_CLIENT_CPP_REQUEST_TEXT_H_

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace bitbudget::client {

// INVALID_ARGUMENT naming all fields of `request` whose text is not UTF-8. The
// server would refuse the whole message without saying why.
absl::Status CheckText(const google::protobuf::Message& request);

}  // namespace bitbudget::client

#endif  // BITBUDGET_CLIENT_CPP_REQUEST_TEXT_H_
