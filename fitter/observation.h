// Measured runs as the fitter sees them.

#ifndef BITBUDGET_FITTER_OBSERVATION_H_
#define BITBUDGET_FITTER_OBSERVATION_H_

#include <cstdint>
#include <string>
#include <vector>

namespace bitbudget::fitter {

// Where a law is evaluated. Full precision is qat_tokens = 0 with weight_bits =
// 16.
struct RunPoint {
  double parameters = 0;   // N, in the study's convention; > 0
  double fp_tokens = 0;    // >= 0
  double qat_tokens = 0;   // >= 0; the two are not both 0
  double weight_bits = 0;  // 1 to 16
  // Set only for laws that depend on them, see PointOf in law.h.
  double group_size = 0;  // weights that share one scale; 0 if unstated
  int optimizer = -1;     // index into Law::optimizers

  double total_tokens() const { return fp_tokens + qat_tokens; }
  double qat_fraction() const { return qat_tokens / total_tokens(); }

  // S of arXiv 2509.22935: tokens per byte of quantized parameters.
  double tokens_per_parameter_byte(double tokens) const {
    return tokens / (parameters * weight_bits / 8);
  }

  bool operator==(const RunPoint&) const = default;
};

// The role of a run, see bitbudget.v1.Role.
enum class RunRole { kFullPrecision, kFpThenQat, kQatFromScratch, kPostTraining, kControl };

// One measured run.
struct Observation {
  RunPoint point;
  RunRole role = RunRole::kFullPrecision;
  double activation_bits = 16;
  double loss_nats = 0;  // > 0
  // Indices into Dataset::labels; 0 is the empty label.
  int schedule = 0;
  int recipe = 0;
  int optimizer = 0;
  // Runs with the same trunk share its noise; -1 is a trunk of its own.
  int trunk = -1;
  int64_t group_size = 0;  // 0 if the study states none
  int replicate = 0;
  bool excluded = false;
};

// The rows of one revision of a study, in the order of storing.
struct Dataset {
  std::vector<Observation> rows;
  // Names of schedules, recipes and optimizers; labels[0] is empty.
  std::vector<std::string> labels = {""};
};

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_OBSERVATION_H_
