// The best size of a model of one width within a budget and a range of sizes, with
// its best split.
//
// With u = ln N and the split y = logit f, a term of the law is
//
//   L_k = exp(a_k + s_k u - p_k ln D_fp - q_k ln D_qat - t_k ln D)
//
// where s_k gathers N itself and the bytes that tokens are counted in. A budget of
// FLOPs buys tokens in proportion to 1 / N; either way ln D_fp and ln D_qat are a
// linear function of u plus a concave one of the split, so the loss is jointly
// convex in u and f, and the best loss F(u) = min_f L(u, f) is convex in u: its
// slope, by the envelope theorem that of L at fixed split, changes sign once.
//
//   F' = L_u,   F'' = L_uu - L_uy^2 / L_yy
//
// Pure functions, thread-safe.

#ifndef BITBUDGET_PLANNER_SIZE_OPTIMUM_H_
#define BITBUDGET_PLANNER_SIZE_OPTIMUM_H_

#include <optional>

#include "planner/compute_cost.h"
#include "planner/optimal_split.h"

namespace bitbudget::planner {

// The best split at one size, and how its loss moves with ln N.
struct SizedSplit {
  double log_parameters = 0;
  OptimalSplit split;
  double slope = 0;        // F'
  double curvature = 0;    // F''
  double split_slope = 0;  // d logit f / d ln N

  double parameters() const;
  double loss_nats() const { return split.loss_nats(); }
};

// Splits and sizes of models of one width. Refers to the law, which must outlive
// it.
class SizeSearch {
 public:
  SizeSearch(const FittedLaw& law, double weight_bits)
      : surface_(law, law.law.reference.parameters, weight_bits) {}

  double weight_bits() const { return surface_.weight_bits(); }
  LossSurface SurfaceAt(double log_parameters) const { return surface_.AtSize(log_parameters); }

  // The best split at a size; nullopt if there is none inside (0, 1).
  std::optional<SizedSplit> At(double log_parameters,
                               const TrainingBudget& budget,
                               double guess_logit_fraction = 0) const;

  // Where a search begins: ln N and the logit of the fraction of a similar optimum.
  struct Guess {
    double log_parameters = 0;
    double logit_fraction = 0;
  };

  // The size in [`lower`, `upper`], ends of ln N, with the least loss; nullopt if no
  // split inside (0, 1) is found there, or none at the larger sizes that the loss falls
  // towards.
  std::optional<SizedSplit> Best(double lower,
                                 double upper,
                                 const TrainingBudget& budget,
                                 const std::optional<Guess>& guess = std::nullopt) const;

  // The smallest size in [`lower`, `best`.log_parameters] whose best loss is
  // `loss_nats` or less, which `best` reaches; `best` is what Best found from
  // `lower` on.
  SizedSplit Smallest(double lower,
                      const SizedSplit& best,
                      const TrainingBudget& budget,
                      double loss_nats) const;

  // The least budget in FLOPs with which the best size in [`lower`, `upper`] has a
  // loss of `loss_nats` or less; if none up to 1e40 FLOPs does, the one that comes
  // nearest of those whose best split lies inside (0, 1). nullopt if none has such a
  // split.
  struct LeastBudget {
    TrainingBudget budget;
    SizedSplit best;
    bool reaches = false;  // the loss asked for
  };
  std::optional<LeastBudget> LeastCompute(double lower,
                                          double upper,
                                          double qat_token_cost,
                                          double loss_nats) const;

 private:
  const LossSurface surface_;  // at one size, from which those at others are made
};

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_SIZE_OPTIMUM_H_
