// Whether intervals hold: campaigns are simulated from a known truth, fitted, and
// asked questions whose true answers are known.
//
// A question that is refused, or answered without an interval, has made no promise
// and counts for the share refused instead. Pure functions.

#ifndef BITBUDGET_TESTS_SUPPORT_COVERAGE_H_
#define BITBUDGET_TESTS_SUPPORT_COVERAGE_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fitter/observation.h"
#include "tests/support/truth.h"

namespace bitbudget::test_support {

// A factorial campaign of about so many rows over the sizes and budgets of
// StudyDesign(): 60, 120, 300 or 800. The last has two seeds of each run.
struct CampaignDesign {
  std::vector<fitter::RunPoint> points;
  int replicate_count = 1;
};
CampaignDesign CampaignOf(int row_count);

// What is asked.
enum class Asked {
  kLoss,                   // of a run
  kFraction,               // the best
  kExcessLoss,             // of a split of one tenth over the best
  kWastedTokens,           // by it, as a share
  kAboveSameLaw,           // loss of the best split above full precision
  kAboveFullPrecisionLaw,  // the same, by the law of the full-precision runs
  kWidthExcess,            // loss of a width over that of the best one under a cap
};
std::string NameOf(Asked asked);

// How often intervals held the truth.
struct Coverage {
  int asked = 0;
  int refused = 0;
  int covered = 0;

  double answered() const { return asked - refused; }
  double rate() const { return answered() > 0 ? covered / answered() : 0; }
  double refused_share() const { return asked > 0 ? double(refused) / asked : 0; }
};

// Widths that were said to be best with about some probability.
struct ProbabilityBin {
  int count = 0;
  double probability_sum = 0;
  int right = 0;  // were best
};

// Probabilities of being best between which bins are told apart.
inline constexpr std::array kProbabilityEdges = {0.1, 0.5, 0.9};

// Of the width said to be best: how probable it was said to be, and how often it was.
struct BestWidthCalibration {
  int asked = 0;
  int refused = 0;
  double probability_sum = 0;
  int right = 0;
  std::array<ProbabilityBin, kProbabilityEdges.size() + 1> bins;  // of all widths
};

struct CoverageReport {
  std::map<Asked, Coverage> by_question;
  BestWidthCalibration best_width;
  int study_count = 0;
  int unfitted_count = 0;               // studies with no law of losses
  std::map<std::string, int> variants;  // rungs that the fits stand on
};

struct CoverageOptions {
  int row_count = 300;
  int study_count = 20;
  uint64_t seed = 1;
  double run_stddev = 0.003;
  double trunk_stddev = 0.002;
  double outlier_share = 0.01;
  double confidence_level = 0.9;
  std::optional<double> huber_delta;  // unset: as the fit finds it
  int questions_per_study = 10;
  int bootstrap_draw_count = 0;  // 0: intervals from the covariance
};

CoverageReport MeasureCoverage(const Truth& truth, const CoverageOptions& options);

}  // namespace bitbudget::test_support

#endif  // BITBUDGET_TESTS_SUPPORT_COVERAGE_H_
