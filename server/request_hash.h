// Hashes by which a repeated request is known. They live as long as a request
// id, 30 days, and leave no trace in any record.

#ifndef BITBUDGET_SERVER_REQUEST_HASH_H_
#define BITBUDGET_SERVER_REQUEST_HASH_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "db/store.h"
#include "util/sha256.h"

namespace bitbudget::server {

// Hashes a sequence of messages. Not thread-safe.
class RequestHasher {
 public:
  void Add(const google::protobuf::Message& message);
  // In hexadecimal. Call once.
  std::string Finish();

 private:
  FieldHasher hasher_;
};

// Key of a write: `method` and `parent` are its scope. `request` is canonical
// and may still have its request_id; the rest of it is hashed.
template <typename Request>
db::RequestKey MakeRequestKey(std::string_view method, std::string_view parent, Request request) {
  db::RequestKey key{.request_id = request.request_id()};
  if (key.request_id.empty()) return key;
  request.clear_request_id();
  RequestHasher hasher;
  hasher.Add(request);
  key.request_hash = hasher.Finish();
  key.scope = std::string(method).append(" ").append(parent);
  return key;
}

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_REQUEST_HASH_H_
