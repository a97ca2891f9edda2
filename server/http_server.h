// The HTTP door: the dashboard's files, the Connect protocol, health and metrics on one
// port of HTTP/1.1.

#ifndef BITBUDGET_SERVER_HTTP_SERVER_H_
#define BITBUDGET_SERVER_HTTP_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/call_gate.h"
#include "server/connect_methods.h"

namespace bitbudget::server {

struct HttpOptions {
  std::string listen;     // HOST:PORT; port 0: any free one
  std::string dashboard;  // directory of its files; need not exist
  // Origins beside the server's own whose pages may call, "http://localhost:5173".
  std::vector<std::string> allowed_origins;
  size_t most_message_bytes = 0;         // of one received message
  std::function<std::string()> metrics;  // what /metrics says
};

// Thread-safe.
class HttpServer {
 public:
  // Listens. `methods` and `gate` are borrowed. UNAVAILABLE, ADDRESS_IN_USE if the
  // address cannot be had.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpOptions& options,
                                                           const ConnectMethods& methods,
                                                           CallGate& gate);
  // Shuts down.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "127.0.0.1:7410", with the port in use.
  const std::string& address() const;

  // Reports 503 to health checks from now on.
  void StopServing();

  // Closes the door; returns when the calls under way have ended. May be called again.
  void Shutdown();

 private:
  class Door;

  explicit HttpServer(std::unique_ptr<Door> door);

  std::unique_ptr<Door> door_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_SERVER_H_
