#include "client/cpp/connection.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <utility>

#include "proto/grpc_status.h"
#include "util/error.h"

namespace bitbudget::client {
namespace {

constexpr char kUnreachable[] = "SERVER_UNREACHABLE";

// A grid of 250,000 points with intervals is 6 MB, a page of experiments less.
constexpr int kMaxMessageBytes = 64 * 1024 * 1024;

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // Connect again within the backoff of the retries, not after gRPC's own second.
  // (Its "minimum reconnect backoff" must stay: it is the time that a connection
  // has to come about, and a busy machine needs more than a moment.)
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return arguments;
}

}  // namespace

bool IsServerUnreachable(const absl::Status& status) {
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  return details && details->reason == kUnreachable;
}

Connection::Connection(const std::string& address, const ClientOptions& options)
    : address_(address),
      options_(options),
      channel_(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), Arguments())),
      studies(channel_),
      experiments(channel_),
      fits(channel_),
      laws(channel_),
      planner(channel_),
      jobs(channel_),
      campaigns(channel_) {}

void Connection::SetDeadline(grpc::ClientContext& context, absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
}

absl::Status Connection::Error(const grpc::Status& status, absl::Duration timeout) const {
  absl::Status error = FromGrpcStatus(status);
  // What the server itself says always carries details; what has none was made
  // up by gRPC on this side.
  if (GetErrorDetails(error)) return error;
  if (status.error_message().find("http1.x server") != std::string::npos) {
    return MakeError(absl::StatusCode::kUnavailable,
                     fmt::format("{} answers HTTP, not gRPC: it may be the dashboard's address; "
                                 "bitbudget-server prints the one it listens on",
                                 address_),
                     {.reason = kUnreachable,
                      .metadata = {{"address", address_}, {"cause", status.error_message()}}});
  }
  const bool expired = error.code() == absl::StatusCode::kDeadlineExceeded;
  const bool connected = channel_->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_READY;
  if (error.code() == absl::StatusCode::kUnavailable || (expired && !connected)) {
    return MakeError(
        absl::StatusCode::kUnavailable,
        fmt::format("cannot reach bitbudget-server at {}: is it running? Start it with: "
                    "bitbudget-server --database FILE --listen {}",
                    address_,
                    address_),
        {.reason = kUnreachable,
         .metadata = {{"address", address_}, {"cause", status.error_message()}}});
  }
  if (expired) {
    return MakeError(error.code(),
                     fmt::format("bitbudget-server at {} did not answer within {}",
                                 address_,
                                 absl::FormatDuration(timeout)),
                     {.reason = "NO_ANSWER_IN_TIME", .metadata = {{"address", address_}}});
  }
  return error;
}

}  // namespace bitbudget::client
