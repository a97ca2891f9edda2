// Finds the best optima known of simulated studies and writes them to
// tests/data/truth_optima.json, by which the default fit is judged.
//
//   make_truth_optima [--starts=2000] [--scipy-starts=16] [--out=FILE]
//
// For every truth and seed: the default fit decides variant and Huber width; then
// the least objective of --starts polished starts of the fitter's search, with
// another seed, and of scipy's BFGS (bench/reference_fit.py, from --scipy-starts;
// 0 leaves it out). The file is written after every study. A study on record is
// kept if variant and width are those of the default fit and it had as many
// starts; so a second run takes up where the first was stopped. With 2,000 starts
// a study takes some 10 seconds.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fitter/fit.h"
#include "tests/support/files.h"
#include "tests/support/simulated_study.h"
#include "tests/support/truth_optima.h"

namespace bitbudget::test_support {
namespace {

struct Flags {
  int starts = 2000;
  int scipy_starts = 16;
  std::string out = TruthOptimaPath();
};

Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string value = argument.substr(argument.find('=') + 1);
    if (argument.starts_with("--starts=")) {
      flags.starts = std::stoi(value);
    } else if (argument.starts_with("--scipy-starts=")) {
      flags.scipy_starts = std::stoi(value);
    } else if (argument.starts_with("--out=")) {
      flags.out = value;
    } else {
      fmt::print(stderr, "make_truth_optima: unknown argument {}\n", argument);
      std::exit(2);
    }
  }
  return flags;
}

fitter::FitResult FitOrExit(const fitter::Dataset& data, const fitter::FitOptions& options) {
  absl::StatusOr<fitter::FitResult> result = fitter::FitLaw(data, options);
  if (result.ok()) return *std::move(result);
  fmt::print(stderr, "make_truth_optima: {}\n", result.status().ToString());
  std::exit(1);
}

// Output of a command; ends the program if it fails.
std::string RunOrExit(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  if (pipe == nullptr || pclose(pipe) != 0) {
    fmt::print(stderr, "make_truth_optima: failed: {}\n", command);
    std::exit(1);
  }
  return output;
}

double FitWithScipy(const fitter::Dataset& data, const TruthOptimum& optimum, int starts) {
  const std::string rows = fmt::format(
      "{}/truth_optimum_{}.csv", std::filesystem::temp_directory_path().string(), getpid());
  WriteRowsCsv(data, rows);
  const std::string output =
      RunOrExit(fmt::format("/usr/bin/python3 {} {} --delta {} --variant {} --starts {}",
                            SourcePath("bench/reference_fit.py"),
                            rows,
                            optimum.huber_delta,
                            optimum.variant,
                            starts));
  std::filesystem::remove(rows);
  return nlohmann::json::parse(output).at("objective");
}

TruthOptimum FindOptimum(const fitter::Dataset& data,
                         const fitter::FitResult& standard,
                         TruthOptimum optimum,
                         const Flags& flags) {
  const fitter::FitResult many = FitOrExit(data,
                                           {.variant = optimum.variant,
                                            .huber_delta = optimum.huber_delta,
                                            .seed = 1,
                                            .start_count = flags.starts,
                                            .polish_count = flags.starts});
  optimum.search_objective = std::min(many.search.objective, standard.search.objective);
  optimum.objective = optimum.search_objective;
  if (flags.scipy_starts > 0) {
    optimum.scipy_objective = FitWithScipy(data, optimum, flags.scipy_starts);
    optimum.objective = std::min(optimum.objective, *optimum.scipy_objective);
  }
  return optimum;
}

void Run(const Flags& flags) {
  std::vector<TruthOptimum> optima = ReadTruthOptima(flags.out);
  for (const Truth& truth : TruthsOnRecord()) {
    for (uint64_t seed = 0; seed < kTruthOptimumSeedCount; ++seed) {
      const fitter::Dataset data = SimulateStudy(truth.coefficients, {.seed = seed});
      const fitter::FitResult standard = FitOrExit(data, {});
      TruthOptimum optimum = {.study = truth.name,
                              .seed = seed,
                              .variant = standard.variant,
                              .huber_delta = standard.search.huber_delta,
                              .start_count = flags.starts};
      const auto known = std::find_if(optima.begin(), optima.end(), [&](const TruthOptimum& o) {
        return o.study == optimum.study && o.seed == optimum.seed;
      });
      if (known != optima.end() && known->variant == optimum.variant &&
          known->huber_delta == optimum.huber_delta && known->start_count >= flags.starts) {
        continue;
      }
      optimum = FindOptimum(data, standard, optimum, flags);
      fmt::print(
          "{} seed {}: {} delta {} objective {} default/best-1 {:.1e} scipy/search-1 {:.1e}\n",
          optimum.study,
          optimum.seed,
          optimum.variant,
          optimum.huber_delta,
          optimum.objective,
          standard.search.objective / optimum.objective - 1,
          optimum.scipy_objective.value_or(NAN) / optimum.search_objective - 1);
      std::fflush(stdout);
      if (known != optima.end()) {
        *known = optimum;
      } else {
        optima.push_back(optimum);
      }
      WriteTruthOptima(flags.out, optima);
    }
  }
}

}  // namespace
}  // namespace bitbudget::test_support

int main(int argc, char** argv) {
  bitbudget::test_support::Run(bitbudget::test_support::ParseFlags(argc, argv));
}
