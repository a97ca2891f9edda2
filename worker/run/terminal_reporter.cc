#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "worker/run/reporter.h"

namespace bitbudget::worker {
namespace {

// Columns of a terminal that every terminal has.
constexpr int kBarWidth = 24;
constexpr int kCurveWidth = 60;

// "4.19 M" for 4194304.
std::string Readable(double value) {
  constexpr std::array<std::string_view, 6> kUnits = {"", " k", " M", " G", " T", " P"};
  size_t unit = 0;
  while (std::abs(value) >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.4g}{}", value, kUnits[unit]);
}

std::string Bar(double share) {
  const int filled = static_cast<int>(std::lround(share * kBarWidth));
  return std::string(filled, '#') + std::string(kBarWidth - filled, '.');
}

// One character a column, by the height of the mean loss of that stretch.
std::string Curve(const std::vector<double>& losses) {
  constexpr std::array<std::string_view, 8> kHeights = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto [low, high] = std::minmax_element(losses.begin(), losses.end());
  const double range = std::max(*high - *low, 1e-9);
  const size_t columns = std::min<size_t>(kCurveWidth, losses.size());
  std::string curve;
  for (size_t column = 0; column < columns; ++column) {
    const size_t begin = column * losses.size() / columns;
    const size_t end = (column + 1) * losses.size() / columns;
    double total = 0;
    for (size_t i = begin; i < end; ++i) total += losses[i];
    const double height = (total / static_cast<double>(end - begin) - *low) / range;
    curve += kHeights[static_cast<size_t>(std::clamp(height * 7 + 0.5, 0.0, 7.0))];
  }
  return fmt::format("  {:.3f} {} {:.3f}\n", losses.front(), curve, losses.back());
}

class TerminalReporter final : public Reporter {
 public:
  explicit TerminalReporter(std::FILE* out) : out_(out) {}

  void Started(const StartedEvent& event) override {
    const RunConfig& config = event.config;
    Print("{}{} parameters, {} tokens, {} bits ({})\n",
          config.label.empty() ? "" : config.label + ": ",
          Readable(static_cast<double>(event.parameters)),
          Readable(static_cast<double>(event.total_tokens)),
          config.quantization.bits,
          RoleOf(config));
    Print("{}; {} FLOP/s at best\n", event.blas, Readable(event.gemm_flops_per_second));
    if (event.start_tokens > 0) {
      Print("from a checkpoint after {} tokens\n",
            Readable(static_cast<double>(event.start_tokens)));
    }
  }

  void Progress(const ProgressEvent& event) override {
    losses_.push_back(event.loss_nats);
    const double share =
        static_cast<double>(event.tokens) / static_cast<double>(event.total_tokens);
    const double seconds_left =
        static_cast<double>(event.total_tokens - event.tokens) / event.tokens_per_second;
    Print("\r\033[K{} {:3.0f} %  loss {:.4f}  rate {:.2e}  {} tokens/s  {:.0f} s left",
          Bar(share),
          100 * share,
          event.loss_nats,
          event.learning_rate,
          Readable(event.tokens_per_second),
          seconds_left);
  }

  void CheckpointWritten(const CheckpointEvent& event) override {
    if (!event.milestone) return;
    Print("\r\033[Kmilestone after {} tokens: {}\n",
          Readable(static_cast<double>(event.tokens)),
          event.path);
  }

  void Warning(const std::string& message) override { Print("\r\033[Kwarning: {}\n", message); }

  void Finished(const FinishedEvent& event) override {
    Print("\r\033[K");
    if (losses_.size() > 1) Print("{}", Curve(losses_));
    if (event.loss_nats) {
      Print("loss {:.4f} +- {:.4f} nats a token on {} validation tokens\n",
            *event.loss_nats,
            event.loss_stderr_nats,
            Readable(static_cast<double>(event.evaluation_tokens)));
    }
    Print("{} tokens/s, {:.0f} % of the rate of a matrix product, {} bytes of memory\n",
          Readable(event.tokens_per_second),
          100 * event.gemm_share,
          Readable(static_cast<double>(event.peak_memory_bytes)));
  }

  void Diverged(const DivergedEvent& event) override {
    Print("\r\033[Kdiverged at step {}: loss {}, gradient {}; try a lower peak_rate\n",
          event.step,
          event.loss_nats,
          event.gradient_norm);
  }

  void Interrupted(int64_t tokens) override {
    Print("\r\033[Kinterrupted after {} tokens; go on with --resume\n",
          Readable(static_cast<double>(tokens)));
  }

  void Failed(const absl::Status& status) override {
    Print("\r\033[Kfailed: {}\n", std::string(status.message()));
  }

 private:
  template <class... Arguments>
  void Print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::print(out_, format, std::forward<Arguments>(arguments)...);
    std::fflush(out_);
  }

  std::FILE* out_;
  std::vector<double> losses_;
};

}  // namespace

std::unique_ptr<Reporter> MakeTerminalReporter(std::FILE* out) {
  return std::make_unique<TerminalReporter>(out);
}

}  // namespace bitbudget::worker
