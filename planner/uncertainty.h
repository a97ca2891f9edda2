// Intervals by the delta method: a quantity is moved to a scale on which it is
// nearly linear in theta and cannot leave its range, and its interval there is
// value +- factor * standard error, from the covariance or, if the fit has them, the
// draws of a bootstrap. Losses and best fractions are evaluated at each draw: draws
// follow the curved valleys in which parameters trade against each other, which a
// gradient leaves at once. Other quantities follow their gradient. What the law itself misses
// (fitter::Misfit) is no matter of theta and adds in square.

#ifndef BITBUDGET_PLANNER_UNCERTAINTY_H_
#define BITBUDGET_PLANNER_UNCERTAINTY_H_

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "planner/answer.h"

namespace bitbudget::planner {

// b - a, entry by entry.
std::vector<double> Difference(std::span<const double> b, std::span<const double> a);

// How far the best fraction may be off by the misfit of the law alone, in its logit;
// 0 if none is known.
double FractionMisfitHalfWidth(const FittedLaw& law, double confidence_level);

// How far a difference between the losses of two runs may be off by the misfit of
// the law alone, in log loss; 0 if none is known. Two misses of one size, taken as
// independent: what the law misses at one split says little about another.
double LossDifferenceMisfitHalfWidth(const FittedLaw& law, double confidence_level);

// A quantity at other parameters of the law, on the scale of its interval; not finite
// where these have none.
using QuantityAt = std::function<double(std::span<const double> theta)>;

// Makes the intervals of one answer. Refers to the law, which must outlive it.
// An estimate has no interval if none is wanted, if its gradient meets no
// variance, or if the interval has no finite end: then the data fix none.
class Uncertainty {
 public:
  // No intervals.
  explicit Uncertainty(const FittedLaw& law) : law_(&law) {}
  Uncertainty(const FittedLaw& law, double confidence_level);

  bool wanted() const { return factor_ > 0; }
  // True if intervals are wanted and rest on draws.
  bool has_draws() const;

  // At the confidence level of the answer.
  double LossDifferenceMisfit() const {
    return LossDifferenceMisfitHalfWidth(*law_, confidence_level_);
  }

  // Standard error of a quantity with this derivative by theta; nullopt as
  // above.
  std::optional<double> StandardError(std::span<const double> gradient) const;

  // A value > 0, symmetric in its logarithm; `gradient` is that of the
  // logarithm, `extra_variance` is added to its variance.
  Estimate Positive(double value,
                    std::span<const double> gradient,
                    double extra_variance = 0) const;

  // The mean loss of runs like `run`: as above, with the misfit of the law.
  Estimate Loss(const RunPoint& run, double loss_nats, std::span<const double> gradient) const;

  // The loss of one further run: `run_variance` of its logarithm contains the misfit.
  Estimate LossOfOneRun(const RunPoint& run,
                        double loss_nats,
                        std::span<const double> gradient,
                        double run_variance) const;

  // A best fraction, symmetric in its logit, with the misfit of the law; `gradient`
  // and `logit_at`, needed with draws alone, are those of the logit.
  Estimate Fraction(double logit,
                    std::span<const double> gradient,
                    const QuantityAt& logit_at = nullptr) const;

  // The square of a signed quantity with gradient `gradient`: values >= 0 that
  // touch 0 as a minimum does, such as a loss in excess of the best. The quantity
  // changes by `by_logit_fraction` per logit of the best fraction, which the law
  // misses.
  Estimate Square(double root,
                  std::span<const double> gradient,
                  double by_logit_fraction = 0) const;

 private:
  // As StandardError, of a quantity whose value is `estimate`.
  std::optional<double> StandardErrorOf(double estimate,
                                        std::span<const double> gradient,
                                        const QuantityAt& quantity_at) const;

  // `misfit_half_width` is added in square.
  std::optional<double> HalfWidth(const std::optional<double>& standard_error,
                                  double extra_variance,
                                  double misfit_half_width) const;

  static Estimate AroundPositive(double value, const std::optional<double>& half_width);

  const FittedLaw* law_;
  double confidence_level_ = 0;
  double factor_ = 0;
  double fraction_misfit_half_width_ = 0;
};

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_UNCERTAINTY_H_
