// The real `bitbudget` against a real `bitbudget-server`, both as processes, with
// a database and files in a directory of their own.

#ifndef BITBUDGET_TESTS_E2E_END_TO_END_H_
#define BITBUDGET_TESTS_E2E_END_TO_END_H_

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/process/process.h"

namespace bitbudget {

class EndToEndTest : public ::testing::Test {
 protected:
  void SetUp() override;

  // Runs `bitbudget` in the directory with these arguments, divided by spaces
  // ('...' around those that hold spaces), and `input` on its standard input.
  testing::Completed Bitbudget(const std::string& arguments, std::string input = "") const;

  // The same, where it must succeed; returns its standard output.
  std::string Output(const std::string& arguments) const;

  // The same with --json, parsed.
  nlohmann::json Json(const std::string& arguments) const;

  // Writes a file into the directory.
  void Write(std::string_view name, std::string_view text) const;
  std::string Read(std::string_view name) const;

  // Creates the study "s" and, with WithRuns, fills it with measured runs that
  // identify the full law, as "runs.csv", and waits for the fit.
  void CreateStudy() const;
  void CreateStudyWithRuns() const;

  testing::TemporaryDirectory directory_;
  std::unique_ptr<testing::ServerProcess> server_;
};

// Runs of the study above as CSV: a law with known coefficients, scattered a
// little. 4 sizes, 4 budgets, 5 fractions, 3 widths, and full precision.
std::string SimulatedRuns();

// How many rows that has.
inline constexpr int kSimulatedRunCount = 4 * 4 * (5 * 3 + 1);

// "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats" and a line end.
inline constexpr char kHeader[] = "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats\n";

}  // namespace bitbudget

#endif  // BITBUDGET_TESTS_E2E_END_TO_END_H_
