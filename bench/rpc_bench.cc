// What a question costs beside a call that does nothing.
//
// Asks a running server, over loopback and with 64 calls in flight, for its health
// (the standard empty call) and for an optimal QAT fraction, in turns, and prints
// the ratio of the rates; then for the best bits under a cap, with and without
// draws of the law's parameters. Requests are sent and replies
// received as bytes, so that the client does the same for both. The study must
// have a fit:
//
//   rpc_bench 127.0.0.1:7411 studies/micro

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bitbudget/v1/planner.pb.h"

namespace bitbudget {
namespace {

constexpr int kInFlight = 64;
// Many short turns: what else the machine does then falls on both alike.
constexpr int kTurns = 31;
constexpr auto kTurnTime = std::chrono::milliseconds(300);
constexpr char kHealth[] = "/grpc.health.v1.Health/Check";
constexpr char kFraction[] = "/bitbudget.v1.PlannerService/OptimizeQatFraction";
constexpr char kBits[] = "/bitbudget.v1.PlannerService/OptimizeBitWidth";

struct Call {
  grpc::ClientContext context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
};

// Keeps calls in flight for a while; returns how many ended a second.
double Measure(grpc::GenericStub& stub, const char* method, const std::string& request) {
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  const auto start = [&] {
    auto* call = new Call;  // owned by the queue until it comes back
    call->reader = stub.PrepareUnaryCall(&call->context, method, bytes, &queue);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
  };
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kInFlight; ++i) start();
  int64_t ended = 0;
  int open = kInFlight;
  void* tag = nullptr;
  bool ok = false;
  auto now = begin;
  while (open > 0 && queue.Next(&tag, &ok)) {
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    if (!call->status.ok()) {
      fmt::print(stderr, "{}: {}\n", method, call->status.error_message());
      std::exit(1);
    }
    ++ended;
    now = std::chrono::steady_clock::now();
    if (now - begin < kTurnTime) {
      start();
    } else {
      --open;
    }
  }
  return static_cast<double>(ended) / std::chrono::duration<double>(now - begin).count();
}

std::string Question(const std::string& study, bool point_only) {
  v1::OptimizeQatFractionRequest request;
  request.mutable_source()->set_study(study);
  request.set_parameters(98'304);
  request.set_weight_bits(4);
  request.set_total_tokens(4'000'000);
  request.set_point_only(point_only);
  return request.SerializeAsString();
}

// All measured widths, the size open.
std::string BitsQuestion(const std::string& study, int draw_count) {
  v1::OptimizeBitWidthRequest request;
  request.mutable_source()->set_study(study);
  request.set_memory_bytes(200'000);
  request.mutable_memory_model()->set_vocabulary(128);
  request.mutable_memory_model()->set_context_tokens(64);
  request.set_compute_flops(2e12);
  request.set_draw_count(draw_count);
  return request.SerializeAsString();
}

// One line: median and quartiles.
void Report(const char* what, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t count = values.size();
  fmt::print("{:<29} {:9.2f}  ({:.2f} to {:.2f})\n",
             what,
             values[count / 2],
             values[count / 4],
             values[count * 3 / 4]);
}

int Main(const std::string& address, const std::string& study) {
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  const std::string point = Question(study, /*point_only=*/true);
  const std::string interval = Question(study, /*point_only=*/false);
  Measure(stub, kFraction, interval);  // warms up
  std::vector<double> empty_rates;
  std::vector<double> point_ratios;
  std::vector<double> interval_ratios;
  const std::string bits = BitsQuestion(study, 0);
  const std::string drawn = BitsQuestion(study, 1000);
  std::vector<double> bits_ratios;
  std::vector<double> drawn_ratios;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double empty_before = Measure(stub, kHealth, "");
    const double point_rate = Measure(stub, kFraction, point);
    const double interval_rate = Measure(stub, kFraction, interval);
    const double bits_rate = Measure(stub, kBits, bits);
    const double drawn_rate = Measure(stub, kBits, drawn);
    // The machine's pace drifts: compare with the empty calls on both sides.
    const double empty_rate = (empty_before + Measure(stub, kHealth, "")) / 2;
    empty_rates.push_back(empty_rate);
    point_ratios.push_back(point_rate / empty_rate);
    interval_ratios.push_back(interval_rate / empty_rate);
    bits_ratios.push_back(bits_rate / empty_rate);
    drawn_ratios.push_back(drawn_rate / empty_rate);
  }
  fmt::print("{} calls in flight, medians of {} turns (quartiles)\n", kInFlight, kTurns);
  Report("empty calls a second", empty_rates);
  Report("question, point, to empty", point_ratios);
  Report("question, interval, to empty", interval_ratios);
  Report("best bits, interval, to empty", bits_ratios);
  Report("best bits, 1,000 draws", drawn_ratios);
  return 0;
}

}  // namespace
}  // namespace bitbudget

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: rpc_bench HOST:PORT studies/STUDY\n");
    return 2;
  }
  return bitbudget::Main(argv[1], argv[2]);
}
