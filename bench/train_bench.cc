// Speed of training steps, on demand.
//
// Reads one request a line and answers with one number a line, so that
// train_bench_torch.py can alternate between this program and PyTorch and compare
// what was measured side by side:
//
//   step WIDTH LAYERS BITS COUNT   seconds of processor time a step, mean of COUNT
//                                  steps; 16 bits is full precision
//   flops WIDTH LAYERS             FLOPs a step
//   gemm                           FLOP/s of a large matrix product

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <tuple>

#include "fmt/format.h"
#include "worker/data/prepare.h"
#include "worker/engine/gemm.h"
#include "worker/run/trainer.h"

namespace bitbudget::worker {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<TokenFile> RandomTokens() {
  const fs::path folder = fs::temp_directory_path() / fmt::format("train_bench_{}", getpid());
  fs::create_directory(folder);
  {
    std::ofstream text(folder / "text");
    std::mt19937_64 random(1);
    for (int i = 0; i < 1 << 20; ++i) text.put(static_cast<char>(random() % 128));
  }
  const std::string output = folder / "tokens.bin";
  const auto summary =
      PrepareTokens({.inputs = {folder / "text"}, .output = output, .vocabulary = 128});
  auto tokens = TokenFile::Open(output);
  fs::remove_all(folder);
  return summary.ok() && tokens.ok() ? *std::move(tokens) : nullptr;
}

class Bench {
 public:
  explicit Bench(const TokenFile& tokens) : tokens_(tokens) {}

  double SecondsAStep(int width, int layers, double bits, int count) {
    Trainer* const trainer = TrainerFor(width, layers, bits);
    if (trainer == nullptr) return -1;
    const std::clock_t start = std::clock();
    for (int i = 0; i < count; ++i) trainer->Step();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / count;
  }

  double FlopsAStep(int width, int layers) const {
    const RunConfig config = ConfigFor(width, layers, 16);
    return StepFlops(config.model, config.step_tokens());
  }

 private:
  RunConfig ConfigFor(int width, int layers, double bits) const {
    RunConfig config;
    config.model = {
        .vocabulary = 128, .width = width, .layers = layers, .hidden = 4 * width, .context = 64};
    config.schedule = {.peak_rate = 1e-3, .qat_tokens = int64_t{1} << 40};
    config.quantization = {.bits = bits};
    return config;
  }

  Trainer* TrainerFor(int width, int layers, double bits) {
    auto& trainer = trainers_[{width, layers, bits}];
    if (trainer == nullptr) {
      auto created = Trainer::Create(ConfigFor(width, layers, bits), tokens_);
      if (created.ok()) trainer = *std::move(created);
    }
    return trainer.get();
  }

  const TokenFile& tokens_;
  std::map<std::tuple<int, int, double>, std::unique_ptr<Trainer>> trainers_;
};

int Serve() {
  const auto tokens = RandomTokens();
  if (tokens == nullptr) return 1;
  Bench bench(*tokens);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    int width = 0;
    int layers = 0;
    double bits = 16;
    int count = 1;
    words >> command >> width >> layers >> bits >> count;
    double answer = -1;
    if (command == "gemm") {
      SetBlasThreads(1);
      answer = MeasureGemmRate();
    }
    if (command == "step") answer = bench.SecondsAStep(width, layers, bits, count);
    if (command == "flops") answer = bench.FlopsAStep(width, layers);
    fmt::print("{}\n", answer);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace bitbudget::worker

int main() { return bitbudget::worker::Serve(); }
