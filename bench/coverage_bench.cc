// Whether intervals hold what they promise, and what that costs in refusals.
//
//   coverage_bench [--studies N] [--rows 60,120,300,800] [--trunk-stddev S]
//                  [--huber-delta D] [--bootstrap DRAWS] [--seed S]
//
// Simulates campaigns from three truths, fits them, and asks questions inside their
// data: a table of the coverage of 90 % intervals and the share refused, and how
// often a width said to be best with some probability is. With --bootstrap intervals
// and probabilities are from draws of the parametric bootstrap.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/coverage.h"

namespace bitbudget {
namespace {

using test_support::CoverageOptions;
using test_support::CoverageReport;

struct Arguments {
  std::vector<int> row_counts = {60, 120, 300, 800};
  CoverageOptions options{.study_count = 100};
};

template <typename Number>
bool Parse(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

bool ParseRows(std::string_view text, std::vector<int>* rows) {
  rows->clear();
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    if (!Parse(text.substr(0, end), &rows->emplace_back())) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return !rows->empty();
}

std::optional<Arguments> ParseArguments(const std::vector<std::string_view>& words) {
  Arguments arguments;
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string_view flag = words[i];
    const std::string_view value = words[i + 1];
    const bool is_valid =
        flag == "--studies"        ? Parse(value, &arguments.options.study_count)
        : flag == "--rows"         ? ParseRows(value, &arguments.row_counts)
        : flag == "--trunk-stddev" ? Parse(value, &arguments.options.trunk_stddev)
        : flag == "--huber-delta"  ? Parse(value, &arguments.options.huber_delta.emplace())
        : flag == "--bootstrap"    ? Parse(value, &arguments.options.bootstrap_draw_count)
        : flag == "--seed"         ? Parse(value, &arguments.options.seed)
                                   : false;
    if (!is_valid) return std::nullopt;
  }
  return words.size() % 2 == 0 ? std::optional(arguments) : std::nullopt;
}

void Print(const std::string& truth, const CoverageOptions& options, const CoverageReport& report) {
  std::vector<std::string> rungs;
  for (const auto& [variant, count] : report.variants) {
    rungs.push_back(fmt::format("{} {}", count, variant));
  }
  fmt::print("\n{}, {} rows, {} campaigns: {}\n",
             truth,
             options.row_count,
             report.study_count,
             fmt::join(rungs, ", "));
  fmt::print("  {:<34}{:>8}{:>10}{:>10}\n", "question", "asked", "refused", "coverage");
  for (const auto& [asked, coverage] : report.by_question) {
    fmt::print("  {:<34}{:>8}{:>9.0f}%{:>9.1f}%\n",
               NameOf(asked),
               coverage.asked,
               100 * coverage.refused_share(),
               100 * coverage.rate());
  }
  const test_support::BestWidthCalibration& best = report.best_width;
  const double answered = best.asked - best.refused;
  if (answered > 0) {
    fmt::print("  best width: said to be best with {:.1f}% on average, was best in {:.1f}%\n",
               100 * best.probability_sum / answered,
               100 * best.right / answered);
  }
  for (const test_support::ProbabilityBin& bin : best.bins) {
    if (bin.count == 0) continue;
    fmt::print("  {:>6} widths said to be best with {:>5.1f}% on average: were best in {:.1f}%\n",
               bin.count,
               100 * bin.probability_sum / bin.count,
               100.0 * bin.right / bin.count);
  }
}

int Main(const std::vector<std::string_view>& words) {
  std::optional<Arguments> arguments = ParseArguments(words);
  if (!arguments) {
    fmt::print(stderr,
               "usage: coverage_bench [--studies N] [--rows 60,120,300,800] [--trunk-stddev S] "
               "[--huber-delta D] [--bootstrap DRAWS] [--seed S]\n");
    return 2;
  }
  for (const test_support::Truth& truth : test_support::OwnTruths()) {
    for (const int row_count : arguments->row_counts) {
      CoverageOptions options = arguments->options;
      options.row_count = row_count;
      Print(truth.name, options, MeasureCoverage(truth, options));
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace bitbudget

int main(int argc, char** argv) {
  return bitbudget::Main(std::vector<std::string_view>(argv + 1, argv + argc));
}
