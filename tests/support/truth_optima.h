// Best optima known of simulated studies, kept in tests/data/truth_optima.json.
//
// The file is made by the program make_truth_optima, see there.

#ifndef BITBUDGET_TESTS_SUPPORT_TRUTH_OPTIMA_H_
#define BITBUDGET_TESTS_SUPPORT_TRUTH_OPTIMA_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/truth.h"

namespace bitbudget::test_support {

// SimulateStudy with the seeds 0 to this less 1 of each truth is on record.
inline constexpr int kTruthOptimumSeedCount = 20;

struct TruthOptimum {
  std::string study;  // "own/grows" or "shared/grows"
  uint64_t seed = 0;  // of SimulateStudy, other options at their defaults
  // What the default fit of the study resolved to.
  std::string variant;
  double huber_delta = 0;
  // Least objective known of that variant at that width.
  double objective = 0;
  // Where it comes from: `start_count` polished starts of the fitter's search;
  // scipy's BFGS.
  int start_count = 0;
  double search_objective = 0;
  std::optional<double> scipy_objective;
};

// OwnTruths() as "own/..." and, where they are present, ReadSharedTruths() as
// "shared/...".
std::vector<Truth> TruthsOnRecord();

std::string TruthOptimaPath();

// All of the file; empty if there is none. A broken file ends the program with a
// message.
std::vector<TruthOptimum> ReadTruthOptima(const std::string& path);

// Replaces the file.
void WriteTruthOptima(const std::string& path, const std::vector<TruthOptimum>& optima);

}  // namespace bitbudget::test_support

#endif  // BITBUDGET_TESTS_SUPPORT_TRUTH_OPTIMA_H_
