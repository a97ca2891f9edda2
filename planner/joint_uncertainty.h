// Intervals of quantities that hang on both laws of a fit, of quantized runs and of
// full-precision runs alone, from the joint covariance of their parameters. By the
// delta method, as in uncertainty.h: draws are evaluated, not followed along gradients.

#ifndef BITBUDGET_PLANNER_JOINT_UNCERTAINTY_H_
#define BITBUDGET_PLANNER_JOINT_UNCERTAINTY_H_

#include <optional>
#include <span>
#include <vector>

#include "planner/answer.h"

namespace bitbudget::planner {

// The laws of one fit, borrowed.
struct FitLaws {
  const FittedLaw* law = nullptr;                 // of quantized runs; not null
  const FittedLaw* full_precision_law = nullptr;  // may be null
  // law.theta by full_precision_law.theta, row-major; if empty, the two are taken
  // for independent.
  std::span<const double> cross_covariance;
};

// How a quantity moves with the parameters of both laws, and with what the laws
// miss.
struct JointGradient {
  std::vector<double> by_law;                 // by law.theta; empty: not at all
  std::vector<double> by_full_precision_law;  // likewise
  double misfit_variance = 0;
  // What moves: a sum of weighted losses.
  struct WeightedLoss {
    const FittedLaw* law = nullptr;
    RunPoint run;
    double loss_nats = 0;
    double weight = 0;
  };
  std::vector<WeightedLoss> losses;

  // Adds `weight` times the loss of `run` by a law whose log loss has this gradient.
  void AddLoss(const FitLaws& laws,
               const FittedLaw& law,
               const RunPoint& run,
               double loss_nats,
               std::span<const double> log_gradient,
               double weight);
};

// Refers to the laws, which must outlive it.
class JointUncertainty {
 public:
  // Makes no intervals.
  JointUncertainty() = default;
  JointUncertainty(const FitLaws& laws, double confidence_level);

  bool wanted() const { return laws_.law != nullptr; }

  // Half-width of the interval; nullopt if none is wanted or the data fix none.
  std::optional<double> HalfWidth(const JointGradient& gradient) const;

  // The interval around a value of any sign.
  Estimate Signed(double value, const JointGradient& gradient) const;

 private:
  FitLaws laws_;
  double confidence_level_ = 0;
};

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_JOINT_UNCERTAINTY_H_
