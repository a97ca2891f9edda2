#include "fitter/design.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <utility>

namespace bitbudget::fitter {
namespace {

// Terms that describe a point, as bits of a number.
std::vector<bool> Signature(const Law& law, const RunPoint& point) {
  std::vector<bool> signature;
  for (const Term& term : law.terms) signature.push_back(TermApplies(term, point));
  return signature;
}

auto PointKey(const RunPoint& point) {
  return std::tie(point.parameters,
                  point.weight_bits,
                  point.fp_tokens,
                  point.qat_tokens,
                  point.group_size,
                  point.optimizer);
}

// Any total order will do that keeps segments and points together.
void Sort(const Law& law, std::vector<Measurement>* measurements) {
  std::vector<std::pair<std::vector<bool>, Measurement>> keyed;
  keyed.reserve(measurements->size());
  for (const Measurement& m : *measurements) keyed.emplace_back(Signature(law, m.point), m);
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    if (a.second.point != b.second.point) {
      return PointKey(a.second.point) < PointKey(b.second.point);
    }
    return std::tie(a.second.loss_nats, a.second.weight) <
           std::tie(b.second.loss_nats, b.second.weight);
  });
  std::transform(keyed.begin(), keyed.end(), measurements->begin(), [](const auto& entry) {
    return entry.second;
  });
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// `count` of 0 to `size` - 1, ascending: selection sampling. Drawn at random, for a
// stride may fall in step with the grid of a study.
std::vector<int> SelectPoints(int size, int count) {
  std::mt19937_64 generator;
  std::vector<int> selected;
  for (int i = 0; i < size; ++i) {
    const double draw = static_cast<double>(generator() >> 11) * 0x1p-53;
    const int needed = count - static_cast<int>(selected.size());
    if (draw * (size - i) < needed) selected.push_back(i);
  }
  return selected;
}

}  // namespace

Design::Design(const Law& law, std::vector<Measurement> measurements) : terms_(law.terms) {
  Sort(law, &measurements);
  const Points points = TakeMeasurements(std::move(measurements));
  SummarisePoints();
  AddSegments(law, points);
  Centre(law);
  SetBounds(law);
}

Design::Points Design::TakeMeasurements(std::vector<Measurement> measurements) {
  Points points;
  const auto count = static_cast<Eigen::Index>(measurements.size());
  log_losses_.resize(count);
  weights_.resize(count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const Measurement& measurement = measurements[i];
    if (points.empty() || points.back() != measurement.point) {
      points.push_back(measurement.point);
      first_measurement_.push_back(static_cast<int>(i));
    }
    log_losses_[i] = std::log(measurement.loss_nats);
    weights_[i] = measurement.weight;
  }
  first_measurement_.push_back(static_cast<int>(count));
  median_log_loss_ = Median({log_losses_.begin(), log_losses_.end()});
  return points;
}

void Design::SummarisePoints() {
  point_log_losses_.resize(point_count());
  point_weights_.resize(point_count());
  for (int i = 0; i < point_count(); ++i) {
    const int first = first_measurement_[i];
    const int count = first_measurement_[i + 1] - first;
    point_log_losses_[i] = log_losses_.segment(first, count).mean();
    point_weights_[i] = weights_.segment(first, count).sum();
  }
}

void Design::AddSegments(const Law& law, const Points& points) {
  const int count = static_cast<int>(points.size());
  for (int first = 0; first < count;) {
    const std::vector<bool> signature = Signature(law, points[first]);
    int last = first + 1;
    while (last < count && Signature(law, points[last]) == signature) ++last;
    Segment segment{.first_point = first, .point_count = last - first};
    for (int k = 0; k < static_cast<int>(law.terms.size()); ++k) {
      if (!signature[k]) continue;
      const std::vector<Factor>& factors = law.terms[k].factors;
      Eigen::MatrixXd features(segment.point_count, static_cast<Eigen::Index>(factors.size()));
      for (Eigen::Index i = 0; i < features.rows(); ++i) {
        for (Eigen::Index j = 0; j < features.cols(); ++j) {
          features(i, j) = FeatureValue(factors[j].feature, points[first + i], law.reference);
        }
      }
      segment.terms.push_back({k, std::move(features)});
    }
    segments_.push_back(std::move(segment));
    first = last;
  }
}

void Design::Centre(const Law& law) {
  for (int k = 0; k < static_cast<int>(law.terms.size()); ++k) {
    Eigen::VectorXd sum =
        Eigen::VectorXd::Zero(static_cast<Eigen::Index>(law.terms[k].factors.size()));
    double count = 0;
    for (const Segment& segment : segments_) {
      for (const SegmentTerm& term : segment.terms) {
        if (term.term != k) continue;
        sum += term.features.colwise().sum().transpose();
        count += segment.point_count;
      }
    }
    Eigen::VectorXd mean = sum / std::max(count, 1.0);
    mean[0] = 0;
    means_.push_back(std::move(mean));
  }
  for (Segment& segment : segments_) {
    for (SegmentTerm& term : segment.terms) {
      term.features.rowwise() -= means_[term.term].transpose();
    }
  }
}

void Design::SetBounds(const Law& law) {
  lower_.resize(law.parameter_count());
  upper_.resize(law.parameter_count());
  for (int j = 0; j < law.parameter_count(); ++j) {
    const Parameter& parameter = law.parameters[j];
    if (parameter.is_log_coefficient) {
      // No term can exceed the losses it is part of by a factor of e.
      lower_[j] = median_log_loss_ + std::log(kVanishedShare);
      upper_[j] = log_losses_.maxCoeff() + 1;
    } else {
      lower_[j] = parameter.lower;
      upper_[j] = parameter.upper;
    }
  }
}

Design Design::Sample(int count) const {
  Design sample = *this;
  if (count < point_count()) sample.TakePoints(SelectPoints(point_count(), count));
  return sample;
}

void Design::TakePoints(const std::vector<int>& points) {
  std::vector<int> first_measurement = {0};
  std::vector<int> measurements;
  for (const int i : points) {
    for (int m = first_measurement_[i]; m < first_measurement_[i + 1]; ++m) {
      measurements.push_back(m);
    }
    first_measurement.push_back(static_cast<int>(measurements.size()));
  }
  log_losses_ = Eigen::ArrayXd(log_losses_(measurements));
  weights_ = Eigen::ArrayXd(weights_(measurements));
  first_measurement_ = std::move(first_measurement);
  SummarisePoints();
  int taken_count = 0;
  for (Segment& segment : segments_) {
    std::vector<int> rows;
    for (const int i : points) {
      const int row = i - segment.first_point;
      if (row >= 0 && row < segment.point_count) rows.push_back(row);
    }
    for (SegmentTerm& term : segment.terms) {
      term.features = Eigen::MatrixXd(term.features(rows, Eigen::all));
    }
    segment.first_point = taken_count;
    segment.point_count = static_cast<int>(rows.size());
    taken_count += segment.point_count;
  }
}

Eigen::VectorXd Design::Centred(std::span<const double> theta) const {
  Eigen::VectorXd centred =
      Eigen::Map<const Eigen::VectorXd>(theta.data(), static_cast<Eigen::Index>(theta.size()));
  for (std::size_t k = 0; k < terms_.size(); ++k) {
    const std::vector<Factor>& factors = terms_[k].factors;
    for (std::size_t j = 1; j < factors.size(); ++j) {
      centred[factors[0].parameter] +=
          means_[k][static_cast<Eigen::Index>(j)] * theta[factors[j].parameter];
    }
  }
  return centred.cwiseMax(lower_).cwiseMin(upper_);
}

std::vector<double> Design::Uncentred(const Eigen::VectorXd& centred) const {
  std::vector<double> theta(centred.begin(), centred.end());
  for (std::size_t k = 0; k < terms_.size(); ++k) {
    const std::vector<Factor>& factors = terms_[k].factors;
    for (std::size_t j = 1; j < factors.size(); ++j) {
      theta[factors[0].parameter] -=
          means_[k][static_cast<Eigen::Index>(j)] * centred[factors[j].parameter];
    }
  }
  return theta;
}

}  // namespace bitbudget::fitter
