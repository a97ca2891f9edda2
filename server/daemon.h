// The whole server put together: database, registry, scheduler, services, door.

#ifndef BITBUDGET_SERVER_DAEMON_H_
#define BITBUDGET_SERVER_DAEMON_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "server/config.h"

namespace bitbudget::server {

// Serves until `wait_for_end` returns, then ends gracefully: calls under way get
// the grace time, then they are told to give up, and what still has not ended a few
// seconds later ends with the process (exit code 1). Refits are cancelled,
// acknowledged writes are durable anyway.
// Calls `on_ready` with the address once it listens. Errors are those of starting
// (db::Store::Open, GrpcServer::Start).
absl::Status RunDaemon(const Config& config,
                       const std::function<void(const std::string& address)>& on_ready,
                       const std::function<void()>& wait_for_end);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_DAEMON_H_
