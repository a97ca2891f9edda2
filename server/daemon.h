// The whole server put together: database, registry, scheduler, services, door.

#ifndef BITBUDGET_SERVER_DAEMON_H_
#define BITBUDGET_SERVER_DAEMON_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "server/config.h"

namespace bitbudget::server {

// Where the server listens, HOST:PORT with the ports in use.
struct Addresses {
  std::string grpc;
  std::string http;  // empty: nowhere
};

// Serves until `wait_for_end` returns, then ends gracefully: calls under way get
// the grace time, then they are told to give up, and what still has not ended a few
// seconds later ends with the process (exit code 1). Refits are cancelled,
// acknowledged writes are durable anyway.
// Calls `on_ready` once it listens. Errors are those of starting (db::Store::Open,
// GrpcServer::Start, HttpServer::Start); an HTTP address that nobody asked for and that
// cannot be had is only a warning in the log.
absl::Status RunDaemon(const Config& config,
                       const std::function<void(const Addresses&)>& on_ready,
                       const std::function<void()>& wait_for_end);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_DAEMON_H_
