#include "tests/e2e/end_to_end.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

namespace bitbudget {
namespace {

constexpr double kExactFractions[] = {.1, .25, .4, .6, .8};

// The law of arXiv 2509.22935 with N in billions, tokens in units of 1e10, and
// coefficients of our own of the usual size; qat_tokens = 0 means full precision.
double Loss(double parameters, double fp_tokens, double qat_tokens, double weight_bits) {
  const double n = parameters / 1e9;
  const double total = (fp_tokens + qat_tokens) / 1e10;
  const double full_precision = 1.8 + .35 * std::pow(n, -.33) + .28 * std::pow(total, -.3);
  if (qat_tokens == 0) return full_precision;
  const double bytes = parameters * weight_bits / 8;
  const double fp_ratio = fp_tokens / bytes;
  const double qat_ratio = qat_tokens / bytes;
  return full_precision + .3 * std::exp2(-.8 * weight_bits) +
         1.6 * std::exp2(-.5 * weight_bits) * std::pow(n, -.1) * std::pow(qat_ratio, -.35) +
         .9 * std::exp2(-.3 * weight_bits) * std::pow(n, -.05) * std::pow(fp_ratio, -.4) *
             std::pow(qat_ratio, -.1);
}

}  // namespace

std::string SimulatedRuns() {
  std::string csv =
      "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,schedule,trunk,replicate\n";
  int row = 0;
  const auto add = [&](int64_t parameters, int64_t fp, int64_t qat, double bits) {
    // A fixed pattern of about .2 % in place of noise.
    const double scatter = 1 + .002 * std::sin(12.9898 * ++row);
    const double loss = scatter * Loss(static_cast<double>(parameters),
                                       static_cast<double>(fp),
                                       static_cast<double>(qat),
                                       bits);
    csv += fmt::format(
        "{},{},{},{},{:.6f},{},,\n", parameters, fp, qat, bits, loss, qat == 0 ? "fp" : "classic");
  };
  for (int64_t parameters : {86'000'000, 194'000'000, 396'000'000, 759'000'000}) {
    for (int64_t total : {4'000'000'000, 16'000'000'000, 64'000'000'000, 256'000'000'000}) {
      add(parameters, total, 0, 16);
      for (double fraction : kExactFractions) {
        const auto qat = static_cast<int64_t>(fraction * static_cast<double>(total));
        for (double bits : {1.0, 2.0, 4.0}) add(parameters, total - qat, qat, bits);
      }
    }
  }
  return csv;
}

void EndToEndTest::SetUp() {
  absl::StatusOr<std::unique_ptr<testing::ServerProcess>> server =
      testing::ServerProcess::Start(BITBUDGET_SERVER_PROGRAM, directory_.File("bitbudget.db"));
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

testing::Completed EndToEndTest::Bitbudget(const std::string& arguments, std::string input) const {
  std::vector<std::string> command = CLI::detail::split_up(arguments);
  command.insert(command.begin(), BITBUDGET_PROGRAM);
  const absl::StatusOr<testing::Completed> completed =
      testing::Run(std::move(command),
                   {.input = std::move(input),
                    .environment = {"BITBUDGET_SERVER=" + server_->address()},
                    .directory = directory_.path()});
  EXPECT_TRUE(completed.ok()) << completed.status();
  return completed.ok() ? *completed : testing::Completed{};
}

std::string EndToEndTest::Output(const std::string& arguments) const {
  const testing::Completed completed = Bitbudget(arguments);
  EXPECT_EQ(completed.status, testing::ExitStatus{}) << completed.errors;
  return completed.output;
}

nlohmann::json EndToEndTest::Json(const std::string& arguments) const {
  nlohmann::json json = nlohmann::json::parse(Output(arguments + " --json"), nullptr, false);
  EXPECT_FALSE(json.is_discarded());
  return json;
}

void EndToEndTest::Write(std::string_view name, std::string_view text) const {
  std::ofstream(directory_.File(name), std::ios::binary) << text;
}

std::string EndToEndTest::Read(std::string_view name) const {
  std::stringstream text;
  text << std::ifstream(directory_.File(name), std::ios::binary).rdbuf();
  return text.str();
}

void EndToEndTest::CreateStudy() const { Output("study create s"); }

void EndToEndTest::CreateStudyWithRuns() const {
  CreateStudy();
  Write("runs.csv", SimulatedRuns());
  const testing::Completed imported = Bitbudget("experiments import --study s runs.csv --wait");
  ASSERT_EQ(imported.status, testing::ExitStatus{}) << imported.errors;
}

}  // namespace bitbudget
