// The gRPC door: builds the server, says on which port it listens, ends it
// gracefully.

#ifndef BITBUDGET_SERVER_GRPC_SERVER_H_
#define BITBUDGET_SERVER_GRPC_SERVER_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/config.h"

namespace bitbudget::server {

class GrpcServer {
 public:
  // Listens, with the standard health and reflection services beside `services`
  // (borrowed). UNAVAILABLE, ADDRESS_IN_USE if the address cannot be had.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const Config& config, const std::vector<grpc::Service*>& services);

  // "127.0.0.1:7411", with the port in use.
  const std::string& address() const { return address_; }

  // Reports NOT_SERVING to health checks from now on.
  void StopServing();

  // Closes the door: cancels the calls that are still under way and returns when
  // they have ended. Call once.
  void Shutdown();

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address)
      : server_(std::move(server)), address_(std::move(address)) {}

  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_GRPC_SERVER_H_
