// Studies simulated from a known truth.

#ifndef BITBUDGET_TESTS_SUPPORT_SIMULATED_STUDY_H_
#define BITBUDGET_TESTS_SUPPORT_SIMULATED_STUDY_H_

#include <cstdint>
#include <random>
#include <vector>

#include "fitter/observation.h"
#include "tests/support/truth.h"

namespace bitbudget::test_support {

// Standard normal variates, the same on every platform: std::normal_distribution
// is left to the library.
class NormalStream {
 public:
  explicit NormalStream(uint64_t seed) : generator_(seed) {}
  double Uniform();  // in [0, 1)
  double Normal();

 private:
  std::mt19937_64 generator_;
};

struct SimulationOptions {
  uint64_t seed = 0;
  double run_stddev = 0.003;    // log loss
  double trunk_stddev = 0;      // log loss; 0 gives every run a trunk of its own
  double outlier_share = 0.01;  // probability of a row to be off
  double outlier_shift = 0.05;  // relative
  int replicate_count = 1;      // seeds; each has trunks of its own
};

// Runs of the design of 757 QAT rows and 40 full-precision rows:
// - QAT: 5 sizes (86e6 to 2.2e9) x 5 budgets (2.3e9 to 1.4e12, log-spaced) x
//   1, 2, 4, 6 bits x fractions .05 .1 .2 .3 .45 .6 .8, and fraction .15 in the
//   first 57 of these cells by size, budget, bits;
// - full precision: the sizes x 8 budgets, log-spaced over the same range.
std::vector<fitter::RunPoint> StudyDesign();

// Rows of StudyDesign() with log-normal noise and outliers. With trunk_stddev > 0
// the QAT runs of one size and budget branch from one trunk.
fitter::Dataset SimulateStudy(const QatLawCoefficients& truth, const SimulationOptions& options);

// The same for the runs of any design.
fitter::Dataset SimulateRuns(const QatLawCoefficients& truth,
                             const std::vector<fitter::RunPoint>& design,
                             const SimulationOptions& options);

}  // namespace bitbudget::test_support

#endif  // BITBUDGET_TESTS_SUPPORT_SIMULATED_STUDY_H_
