// Serves calls of the Connect protocol: a POST becomes a call of a plain function, its
// result or error a reply or a stream.

#ifndef BITBUDGET_SERVER_CONNECT_HANDLER_H_
#define BITBUDGET_SERVER_CONNECT_HANDLER_H_

#include <cstddef>

#include "server/call_gate.h"
#include "server/connect_methods.h"
#include "server/http_connection.h"
#include "server/http_library.h"

namespace bitbudget::server {

// Thread-safe.
class ConnectHandler {
 public:
  // `gate` is borrowed. Messages of requests have at most `most_message_bytes`, as they
  // travel and unpacked.
  ConnectHandler(CallGate& gate, size_t most_message_bytes)
      : gate_(gate), most_message_bytes_(most_message_bytes) {}

  // Serves one POST. All are borrowed; a stream goes on after this has returned, and
  // `method`, `connection` and this must outlive it.
  void Serve(const ConnectMethod& method,
             const httplib::Request& request,
             const httplib::ContentReader& reader,
             HttpConnection& connection,
             httplib::Response& response);

 private:
  CallGate& gate_;
  const size_t most_message_bytes_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONNECT_HANDLER_H_
