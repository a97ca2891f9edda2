// What a call over the HTTP port costs beside one over gRPC.
//
// Asks a running server, over loopback and one call at a time, for a law by both
// protocols, in turns, and prints the medians and their ratios:
//
//   http_bench 127.0.0.1:7411 127.0.0.1:7410

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bitbudget/v1/law.grpc.pb.h"
#include "server/http_library.h"

namespace bitbudget {
namespace {

// Many short turns: what else the machine does then falls on all alike.
constexpr int kTurns = 200;
constexpr int kCallsATurn = 20;
constexpr char kLaw[] = "laws/chinchilla";

using Microseconds = std::chrono::duration<double, std::micro>;

void Check(bool is_good, const std::string& what) {
  if (is_good) return;
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

struct Caller {
  std::string name;
  std::function<void()> call;
  std::vector<double> microseconds;

  double Median() {
    std::nth_element(
        microseconds.begin(), microseconds.begin() + microseconds.size() / 2, microseconds.end());
    return microseconds[microseconds.size() / 2];
  }
};

void MeasureInTurns(std::vector<Caller>& callers) {
  for (int turn = 0; turn < kTurns; ++turn) {
    for (Caller& caller : callers) {
      for (int i = 0; i < kCallsATurn; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        caller.call();
        caller.microseconds.push_back(
            Microseconds(std::chrono::steady_clock::now() - begin).count());
      }
    }
  }
}

std::function<void()> OverGrpc(v1::LawService::Stub& stub) {
  return [&stub] {
    grpc::ClientContext context;
    v1::GetLawRequest request;
    request.set_name(kLaw);
    v1::Law law;
    const grpc::Status status = stub.GetLaw(&context, request, &law);
    Check(status.ok(), status.error_message());
  };
}

std::function<void()> OverHttp(httplib::Client& client, std::string body, std::string type) {
  return [&client, body, type] {
    const auto reply = client.Post("/bitbudget.v1.LawService/GetLaw", body, type);
    Check(reply && reply->status == 200, reply ? reply->body : "no reply over HTTP");
  };
}

void Run(const std::string& grpc_address, const std::string& http_address) {
  const auto stub = v1::LawService::NewStub(
      grpc::CreateChannel(grpc_address, grpc::InsecureChannelCredentials()));
  httplib::Client client("http://" + http_address);
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  v1::GetLawRequest request;
  request.set_name(kLaw);
  std::vector<Caller> callers = {
      {"gRPC", OverGrpc(*stub), {}},
      {"Connect, JSON",
       OverHttp(client, fmt::format("{{\"name\":\"{}\"}}", kLaw), "application/json"),
       {}},
      {"Connect, binary", OverHttp(client, request.SerializeAsString(), "application/proto"), {}},
  };
  MeasureInTurns(callers);
  const double grpc = callers.front().Median();
  for (Caller& caller : callers) {
    fmt::print(
        "{:16} {:7.1f} us  {:.2f} of gRPC\n", caller.name, caller.Median(), caller.Median() / grpc);
  }
}

}  // namespace
}  // namespace bitbudget

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: http_bench GRPC_HOST:PORT HTTP_HOST:PORT\n");
    return 2;
  }
  bitbudget::Run(argv[1], argv[2]);
  return 0;
}
