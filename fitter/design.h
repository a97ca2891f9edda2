// The known side of a fit: measured runs arranged for a law.
//
// Replicates share one point. Points are grouped into segments that the same
// terms describe, so that no term is evaluated where it is absent.
//
// Inputs are centred: inside, the log-coefficient of a term is its log loss at
// the middle of its runs, which makes it nearly independent of the term's
// exponents, and lets one bound serve for every unit. A "centred" vector is in
// these coordinates; exponents are the same in both.
//
// Immutable once built; safe to read from any thread.

#ifndef BITBUDGET_FITTER_DESIGN_H_
#define BITBUDGET_FITTER_DESIGN_H_

#include <Eigen/Core>
#include <span>
#include <vector>

#include "fitter/law.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// Share of the typical loss below which a term, in the middle of its runs, has
// vanished: far below any noise, and still a number that a search can leave.
inline constexpr double kVanishedShare = 1e-7;

// A measured loss and its weight in the objective.
struct Measurement {
  RunPoint point;
  double loss_nats = 0;  // > 0
  double weight = 1;     // > 0
};

class Design {
 public:
  // One term over the points of a segment.
  struct SegmentTerm {
    int term = 0;
    Eigen::MatrixXd features;  // a row a point, a column a factor; centred
  };
  struct Segment {
    int first_point = 0;
    int point_count = 0;
    std::vector<SegmentTerm> terms;
  };

  // REQUIRES: at least one measurement, each described by a term of the law;
  // every term begins with a coefficient of its own. The order of measurements
  // does not matter, to the last bit.
  Design(const Law& law, std::vector<Measurement> measurements);

  // The same design at `count` of its points, drawn by a generator of fixed seed;
  // all of it if it has no more. Centred vectors mean the same in both.
  Design Sample(int count) const;

  int parameter_count() const { return static_cast<int>(lower_.size()); }
  int point_count() const { return static_cast<int>(first_measurement_.size()) - 1; }
  const std::vector<Term>& terms() const { return terms_; }
  const std::vector<Segment>& segments() const { return segments_; }

  // Measurements in the order of their points; those of point i are
  // first_measurement()[i] to first_measurement()[i + 1] - 1.
  const std::vector<int>& first_measurement() const { return first_measurement_; }
  const Eigen::ArrayXd& log_losses() const { return log_losses_; }
  const Eigen::ArrayXd& weights() const { return weights_; }
  double median_log_loss() const { return median_log_loss_; }

  // Of each point: mean log loss and summed weight of its measurements.
  const Eigen::ArrayXd& point_log_losses() const { return point_log_losses_; }
  const Eigen::ArrayXd& point_weights() const { return point_weights_; }

  // Bounds on centred parameters.
  const Eigen::VectorXd& lower() const { return lower_; }
  const Eigen::VectorXd& upper() const { return upper_; }

  // `theta` outside the bounds is moved onto them.
  Eigen::VectorXd Centred(std::span<const double> theta) const;
  std::vector<double> Uncentred(const Eigen::VectorXd& centred) const;

 private:
  using Points = std::vector<RunPoint>;

  Points TakeMeasurements(std::vector<Measurement> measurements);
  void TakePoints(const std::vector<int>& points);
  void SummarisePoints();
  void AddSegments(const Law& law, const Points& points);
  void Centre(const Law& law);
  void SetBounds(const Law& law);

  std::vector<Term> terms_;
  std::vector<Segment> segments_;
  std::vector<int> first_measurement_;
  Eigen::ArrayXd log_losses_;
  Eigen::ArrayXd weights_;
  double median_log_loss_ = 0;
  Eigen::ArrayXd point_log_losses_;
  Eigen::ArrayXd point_weights_;
  // By term: mean of each factor's feature over the points of the term, 0 for
  // the coefficient.
  std::vector<Eigen::VectorXd> means_;
  Eigen::VectorXd lower_;
  Eigen::VectorXd upper_;
};

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_DESIGN_H_
