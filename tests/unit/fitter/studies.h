// Small simulated studies for the tests of the fitter.

#ifndef BITBUDGET_TESTS_UNIT_FITTER_STUDIES_H_
#define BITBUDGET_TESTS_UNIT_FITTER_STUDIES_H_

#include <cmath>
#include <string>
#include <vector>

#include "fitter/design.h"
#include "fitter/law.h"
#include "fitter/observation.h"
#include "tests/support/simulated_study.h"
#include "tests/support/truth.h"

namespace bitbudget::fitter {

// One of OwnTruths().
inline test_support::Truth OwnTruth(const std::string& name) {
  const std::vector<test_support::Truth> truths = test_support::OwnTruths();
  for (const test_support::Truth& truth : truths) {
    if (truth.name == name) return truth;
  }
  return {};
}

// Runs at every combination of the axes, and full-precision runs at sizes and
// budgets.
struct GridDesign {
  std::vector<double> parameters = {1e8, 3e8, 1e9};
  std::vector<double> total_tokens = {3e9, 2e10, 1e11};
  std::vector<double> weight_bits = {1, 2, 4};
  std::vector<double> fractions = {0.05, 0.2, 0.5, 0.8};
  bool has_full_precision = true;

  std::vector<RunPoint> Points() const {
    std::vector<RunPoint> points;
    for (const double n : parameters) {
      for (const double d : total_tokens) {
        if (has_full_precision) points.push_back(test_support::RunAtFraction(n, d, 16, 0));
        for (const double bits : weight_bits) {
          for (const double f : fractions) {
            points.push_back(test_support::RunAtFraction(n, d, bits, f));
          }
        }
      }
    }
    return points;
  }
};

// Runs of a design under OwnTruths()' "grows"; without noise by default.
inline Dataset GridStudy(const GridDesign& design, double run_stddev = 0) {
  return test_support::SimulateRuns(
      OwnTruth("grows").coefficients,
      design.Points(),
      {.run_stddev = run_stddev, .outlier_share = run_stddev > 0 ? 0.01 : 0});
}

inline std::vector<Measurement> MeasurementsOf(const Dataset& data) {
  std::vector<Measurement> measurements;
  for (const Observation& row : data.rows) measurements.push_back({row.point, row.loss_nats});
  return measurements;
}

inline std::vector<Law> QatLadder() {
  constexpr double kWidths[] = {1, 2, 4, 16};
  return LawLadder("compute_optimal_qat", kWidths).value();
}

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_TESTS_UNIT_FITTER_STUDIES_H_
