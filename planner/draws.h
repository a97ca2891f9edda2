// Draws of the parameters of a law from what its fit left open: those that a
// bootstrap stored with the fit, in turn, or else the multivariate t distribution
// whose marginals are the intervals of the answers.

#ifndef BITBUDGET_PLANNER_DRAWS_H_
#define BITBUDGET_PLANNER_DRAWS_H_

#include <boost/random/chi_squared_distribution.hpp>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/normal_distribution.hpp>
#include <cstdint>
#include <vector>

#include "planner/answer.h"

namespace bitbudget::planner {

// A stream of draws, the same for the same law and seed on every platform. Refers
// to the law, which must outlive it. For one thread.
class ParameterStream {
 public:
  ParameterStream(const FittedLaw& law, uint64_t seed);

  // False if the law has neither draws nor a covariance: then every draw is the
  // estimate.
  bool is_uncertain() const { return !law_->draws.empty() || !root_.empty(); }

  // The next draw, inside the bounds of the parameters; valid until the next call.
  const std::vector<double>& NextTheta();

  // The next standard normal number of the stream.
  double NextNormal() { return normal_(generator_); }

 private:
  const FittedLaw* law_;
  size_t next_draw_ = 0;      // of the law's own
  std::vector<double> root_;  // row-major; root root^T is the covariance
  boost::random::mt19937_64 generator_;
  boost::random::normal_distribution<double> normal_;
  boost::random::chi_squared_distribution<double> chi_squared_;
  std::vector<double> normals_;
  std::vector<double> theta_;
};

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_DRAWS_H_
