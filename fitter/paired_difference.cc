#include "fitter/paired_difference.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <tuple>

#include "fitter/support.h"

namespace bitbudget::fitter {
namespace {

constexpr double kConfidenceLevel = 0.9;
constexpr double kLargestTie = 2;  // ratio of errors

// A mean with what tells its scatter.
struct Mean {
  double value = 0;
  double variance = 0;
  int degrees_of_freedom = 0;

  std::optional<Interval> interval() const {
    if (degrees_of_freedom < 1) return std::nullopt;
    const boost::math::students_t student(degrees_of_freedom);
    const double half_width =
        boost::math::quantile(student, (1 + kConfidenceLevel) / 2) * std::sqrt(variance);
    return Interval{value - half_width, value + half_width};
  }
};

Mean MeanOfFolds(const std::vector<double>& log_ratios) {
  const auto count = static_cast<double>(log_ratios.size());
  Mean mean{.degrees_of_freedom = static_cast<int>(log_ratios.size()) - 1};
  for (const double ratio : log_ratios) mean.value += ratio / count;
  for (const double ratio : log_ratios) {
    mean.variance += std::pow(ratio - mean.value, 2) / (count - 1) / count;
  }
  return mean;
}

// ln(rms / rms of the other) of one fold. To first order it moves with the weight of a
// cell by half of the difference between the cell's shares of the two sums of squares.
Mean MeanOfCells(const FoldScore& law, const FoldScore& other, const std::vector<int>& cells) {
  const auto run_count = static_cast<double>(cells.size());
  std::map<int, double> influences;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    influences[cells[i]] +=
        (std::pow(law.errors[i] / law.rms, 2) - std::pow(other.errors[i] / other.rms, 2)) /
        (2 * run_count);
  }
  const auto count = static_cast<double>(influences.size());
  Mean mean{.value = std::log(law.rms / other.rms),
            .degrees_of_freedom = static_cast<int>(influences.size()) - 1};
  for (const auto& [cell, influence] : influences) {
    mean.variance += influence * influence * count / std::max(1.0, count - 1);
  }
  return mean;
}

}  // namespace

std::vector<int> CellsOf(const Dataset& held_out) {
  std::vector<double> budgets;
  for (const Observation& row : held_out.rows) budgets.push_back(row.point.total_tokens());
  const std::vector<double> levels = DistinctLevels(std::move(budgets));
  std::map<std::tuple<double, double, int>, int> cell_of_key;
  std::vector<int> cells;
  for (const Observation& row : held_out.rows) {
    const int level = LevelOf(row.point.total_tokens(), levels);
    const int next = static_cast<int>(cell_of_key.size());
    const auto key = std::tuple(row.point.parameters, row.point.weight_bits, level);
    cells.push_back(cell_of_key.try_emplace(key, next).first->second);
  }
  return cells;
}

std::optional<PairedDifference> ComparePaired(std::span<const std::optional<FoldScore>> law,
                                              std::span<const std::optional<FoldScore>> other,
                                              std::span<const std::vector<int>> cells) {
  std::vector<double> log_ratios;
  Mean within;  // of the sum over folds
  for (std::size_t f = 0; f < law.size(); ++f) {
    if (!law[f] || !other[f]) continue;
    const Mean fold = MeanOfCells(*law[f], *other[f], cells[f]);
    log_ratios.push_back(fold.value);
    within.variance += fold.variance;
    within.degrees_of_freedom += fold.degrees_of_freedom;
  }
  if (log_ratios.empty()) return std::nullopt;
  const int count = static_cast<int>(log_ratios.size());
  Mean mean = MeanOfFolds(log_ratios);
  if (count < kLeastCommonFolds) {
    mean.variance = within.variance / (count * count);
    mean.degrees_of_freedom = within.degrees_of_freedom;
  }
  return PairedDifference{
      .mean_log_ratio = mean.value, .interval = mean.interval(), .fold_count = count};
}

Standing StandingOf(const PairedDifference& difference) {
  const std::optional<Interval>& interval = difference.interval;
  if (!interval) return Standing::kTooFewFolds;
  if (interval->lower > 0) return Standing::kWorse;
  const bool is_near = std::max(-interval->lower, interval->upper) < std::log(kLargestTie);
  return is_near && difference.fold_count >= kLeastCommonFolds ? Standing::kTied
                                                               : Standing::kTooFewFolds;
}

}  // namespace bitbudget::fitter
