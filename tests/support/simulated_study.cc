#include "tests/support/simulated_study.h"

#include <cmath>
#include <map>
#include <numbers>
#include <utility>

namespace bitbudget::test_support {
namespace {

using fitter::Dataset;
using fitter::Observation;
using fitter::RunPoint;
using fitter::RunRole;

constexpr double kSizes[] = {86e6, 194e6, 396e6, 759e6, 2.2e9};
constexpr double kLeastTokens = 2.3e9;
constexpr double kMostTokens = 1.4e12;
constexpr double kWeightBits[] = {1, 2, 4, 6};
constexpr double kFractions[] = {0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8};
constexpr double kExtraFraction = 0.15;
constexpr int kExtraCellCount = 57;

double LogSpacedTokens(int index, int count) {
  return kLeastTokens * std::pow(kMostTokens / kLeastTokens, double(index) / (count - 1));
}

// A trunk and the offset that its runs share, log loss.
struct Trunk {
  int id = -1;
  double offset = 0;
};

// Trunks of QAT runs by size and budget, drawn when first met.
class Trunks {
 public:
  Trunks(double stddev, NormalStream* noise) : stddev_(stddev), noise_(*noise) {}

  Trunk Find(const RunPoint& run) {
    if (run.qat_tokens == 0) return {.offset = stddev_ * noise_.Normal()};
    // Rounded: the two parts of a budget do not add up to its last bit.
    const std::pair key(run.parameters, std::llround(1e6 * std::log(run.total_tokens())));
    const auto [it, is_new] = found_.try_emplace(key);
    if (is_new) it->second = {.id = count_++, .offset = stddev_ * noise_.Normal()};
    return it->second;
  }

  // Trunks met from now on are new ones.
  void StartReplicate() { found_.clear(); }

 private:
  double stddev_;
  NormalStream& noise_;
  int count_ = 0;
  std::map<std::pair<double, int64_t>, Trunk> found_;
};

}  // namespace

double NormalStream::Uniform() { return static_cast<double>(generator_() >> 11) * 0x1p-53; }

double NormalStream::Normal() {
  const double radius = std::sqrt(-2 * std::log1p(-Uniform()));
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

std::vector<RunPoint> StudyDesign() {
  std::vector<RunPoint> design;
  int cell = 0;
  for (const double parameters : kSizes) {
    for (int budget = 0; budget < 5; ++budget) {
      for (const double weight_bits : kWeightBits) {
        const double tokens = LogSpacedTokens(budget, 5);
        for (const double fraction : kFractions) {
          design.push_back(RunAtFraction(parameters, tokens, weight_bits, fraction));
        }
        if (cell++ < kExtraCellCount) {
          design.push_back(RunAtFraction(parameters, tokens, weight_bits, kExtraFraction));
        }
      }
    }
  }
  for (const double parameters : kSizes) {
    for (int budget = 0; budget < 8; ++budget) {
      design.push_back(RunAtFraction(parameters, LogSpacedTokens(budget, 8), 16, 0));
    }
  }
  return design;
}

Dataset SimulateRuns(const QatLawCoefficients& truth,
                     const std::vector<RunPoint>& design,
                     const SimulationOptions& options) {
  NormalStream noise(options.seed);
  Trunks trunks(options.trunk_stddev, &noise);
  Dataset data;
  for (int replicate = 0; replicate < options.replicate_count; ++replicate) {
    trunks.StartReplicate();
    for (const RunPoint& point : design) {
      Observation row = {.point = point, .replicate = replicate};
      row.role = point.qat_tokens > 0 ? RunRole::kFpThenQat : RunRole::kFullPrecision;
      double log_loss = std::log(TrueLoss(truth, point)) + options.run_stddev * noise.Normal();
      if (options.trunk_stddev > 0) {
        const Trunk trunk = trunks.Find(point);
        row.trunk = trunk.id;
        log_loss += trunk.offset;
      }
      if (noise.Uniform() < options.outlier_share) log_loss += std::log1p(options.outlier_shift);
      row.loss_nats = std::exp(log_loss);
      data.rows.push_back(row);
    }
  }
  return data;
}

Dataset SimulateStudy(const QatLawCoefficients& truth, const SimulationOptions& options) {
  return SimulateRuns(truth, StudyDesign(), options);
}

}  // namespace bitbudget::test_support
