// How long fits take.
//
//   fit_bench               a table: cold, warm and large fits
//   fit_bench --peer ROWS   the default fit of the study of 797 rows, as JSON; its
//                           rows go to the file ROWS (see fit_vs_scipy.sh)
//
// A fit is all of FitLaw: ladder, search, full-precision law, errors.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fitter/fit.h"
#include "tests/support/files.h"
#include "tests/support/simulated_study.h"

namespace bitbudget {
namespace {

using fitter::Dataset;
using fitter::FitResult;

// Of one repetition. CPU time is the fairer one on a machine with other work: a fit
// has one thread and waits for nothing.
struct Timing {
  double median_ms = 0;
  double least_ms = 0;
  double greatest_ms = 0;
  double cpu_median_ms = 0;
};

double CpuMs() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Timing Measure(int repetitions, const std::function<void()>& work) {
  std::vector<double> wall_ms;
  std::vector<double> cpu_ms;
  for (int i = 0; i < repetitions; ++i) {
    const double cpu_start = CpuMs();
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    wall_ms.push_back(elapsed.count());
    cpu_ms.push_back(CpuMs() - cpu_start);
  }
  std::sort(wall_ms.begin(), wall_ms.end());
  std::sort(cpu_ms.begin(), cpu_ms.end());
  const size_t middle = wall_ms.size() / 2;
  return {wall_ms[middle], wall_ms.front(), wall_ms.back(), cpu_ms[middle]};
}

FitResult FitOrExit(const Dataset& data, const std::vector<fitter::Start>& warm_starts = {}) {
  absl::StatusOr<FitResult> result = fitter::FitLaw(data, {}, warm_starts);
  if (result.ok()) return *std::move(result);
  fmt::print(stderr, "fit_bench: {}\n", result.status().ToString());
  std::exit(1);
}

Dataset Study(int replicate_count) {
  return test_support::SimulateStudy(test_support::OwnTruths()[0].coefficients,
                                     {.seed = 1, .replicate_count = replicate_count});
}

std::string Processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

void PrintRow(const std::string& what, size_t rows, int repetitions, const Timing& timing) {
  fmt::print("{:<28} {:>8} {:>6} {:>10.2f} {:>10.2f} {:>10.2f} {:>10.2f}\n",
             what,
             rows,
             repetitions,
             timing.median_ms,
             timing.least_ms,
             timing.greatest_ms,
             timing.cpu_median_ms);
}

void PrintTable() {
  fmt::print("{}, {} build, g++ {}\n\n", Processor(), BITBUDGET_BUILD_TYPE, __VERSION__);
  fmt::print("{:<28} {:>8} {:>6} {:>10} {:>10} {:>10} {:>10}\n",
             "fit",
             "rows",
             "times",
             "median ms",
             "least",
             "greatest",
             "median CPU");
  const Dataset study = Study(1);
  const FitResult cold = FitOrExit(study);
  const std::vector<fitter::Start> warm = {{cold.variant, cold.law.value().theta}};
  PrintRow("default, from scratch", study.rows.size(), 41, Measure(41, [&] { FitOrExit(study); }));
  PrintRow("default, warm from itself", study.rows.size(), 41, Measure(41, [&] {
             FitOrExit(study, warm);
           }));

  Dataset more = study;
  more.rows.push_back(Study(2).rows.back());
  PrintRow("default, warm, one row more", more.rows.size(), 41, Measure(41, [&] {
             FitOrExit(more, warm);
           }));

  const Dataset large = Study(126);
  PrintRow("default, from scratch", large.rows.size(), 3, Measure(3, [&] { FitOrExit(large); }));
  fmt::print("\n{} on {} rows: rung {}, objective {:.9g}, delta {:.6g}, {} of {} starts agree\n",
             "The first",
             study.rows.size(),
             cold.variant,
             cold.search.objective,
             cold.search.huber_delta,
             cold.search.agreeing_start_count,
             cold.search.polished_start_count);
}

void RunAsPeer(const std::string& rows_path) {
  const Dataset study = Study(1);
  test_support::WriteRowsCsv(study, rows_path);
  const FitResult fit = FitOrExit(study);
  const Timing timing = Measure(41, [&] { FitOrExit(study); });
  fmt::print("{}\n",
             nlohmann::json({{"objective", fit.search.objective},
                             {"huber_delta", fit.search.huber_delta},
                             {"variant", fit.variant},
                             {"row_count", study.rows.size()},
                             {"seconds", timing.median_ms / 1e3},
                             {"cpu_seconds", timing.cpu_median_ms / 1e3}})
                 .dump());
}

}  // namespace
}  // namespace bitbudget

int main(int argc, char** argv) {
#if !defined(NDEBUG) || !defined(__OPTIMIZE__)
  fmt::print(stderr, "fit_bench: not an optimised build, its times would mean nothing\n");
  return 1;
#endif
  if (argc == 3 && std::string(argv[1]) == "--peer") {
    bitbudget::RunAsPeer(argv[2]);
  } else if (argc == 1) {
    bitbudget::PrintTable();
  } else {
    fmt::print(stderr, "usage: fit_bench [--peer ROWS]\n");
    return 2;
  }
}
