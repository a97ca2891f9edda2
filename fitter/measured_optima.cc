#include "fitter/measured_optima.h"

#include <Eigen/QR>
#include <algorithm>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "fitter/support.h"

namespace bitbudget::fitter {
namespace {

double Logit(double f) { return std::log(f / (1 - f)); }

template <typename Value>
std::vector<double> LevelsOf(const std::vector<const Observation*>& runs, const Value& value) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const Observation* run : runs) values.push_back(value(*run));
  return DistinctLevels(std::move(values));
}

double TotalTokens(const Observation& row) { return row.point.total_tokens(); }
double QatFraction(const Observation& row) { return row.point.qat_fraction(); }

FractionLevel Average(std::vector<const Observation*> runs) {
  FractionLevel level;
  for (const Observation* run : runs) {
    const double share = 1 / static_cast<double>(runs.size());
    level.qat_fraction += share * QatFraction(*run);
    level.total_tokens += share * TotalTokens(*run);
    level.log_loss += share * std::log(run->loss_nats);
  }
  level.runs = std::move(runs);
  return level;
}

std::vector<FractionLevel> SplitByFraction(const std::vector<const Observation*>& runs) {
  const std::vector<double> fractions = LevelsOf(runs, QatFraction);
  std::vector<std::vector<const Observation*>> split(fractions.size());
  for (const Observation* run : runs) split[LevelOf(QatFraction(*run), fractions)].push_back(run);
  std::vector<FractionLevel> levels;
  levels.reserve(split.size());
  for (auto& level : split) levels.push_back(Average(std::move(level)));
  return levels;
}

std::vector<FractionCell> SplitIntoCells(const Dataset& data, std::span<const int> rows) {
  std::map<std::pair<double, double>, std::vector<const Observation*>> by_size_and_width;
  for (const int index : rows) {
    const Observation& row = data.rows[index];
    by_size_and_width[{row.point.parameters, row.point.weight_bits}].push_back(&row);
  }
  std::vector<FractionCell> cells;
  for (const auto& [key, runs] : by_size_and_width) {
    const std::vector<double> budgets = LevelsOf(runs, TotalTokens);
    std::vector<std::vector<const Observation*>> split(budgets.size());
    for (const Observation* run : runs) split[LevelOf(TotalTokens(*run), budgets)].push_back(run);
    for (const auto& budget : split) {
      cells.push_back(
          {.parameters = key.first, .weight_bits = key.second, .levels = SplitByFraction(budget)});
    }
  }
  return cells;
}

// A sum of squares over cells and what it is made of.
struct Scatter {
  double sum_of_squares = 0;
  int degrees_of_freedom = 0;

  std::optional<double> variance() const {
    if (degrees_of_freedom < 1) return std::nullopt;
    return sum_of_squares / degrees_of_freedom;
  }
  void Add(double sum, int degrees) {
    sum_of_squares += sum;
    degrees_of_freedom += degrees;
  }
};

double SumOfSquares(const std::vector<double>& values) {
  return std::transform_reduce(
      values.begin(), values.end(), 0.0, std::plus<>(), [](double v) { return v * v; });
}

// Values in classes.
class Partition {
 public:
  // Values with the same label are of one class.
  explicit Partition(const std::vector<int>& labels) {
    std::map<int, int> numbers;
    for (const int label : labels) {
      const auto [number, is_new] = numbers.try_emplace(label, class_count());
      if (is_new) sizes_.push_back(0);
      class_of_value_.push_back(number->second);
      ++sizes_[number->second];
    }
    sums_.resize(sizes_.size());
  }

  int class_count() const { return static_cast<int>(sizes_.size()); }

  // Removes the mean of each class from the values.
  void RemoveMeans(std::vector<double>* values) {
    std::ranges::fill(sums_, 0);
    for (size_t i = 0; i < values->size(); ++i) sums_[class_of_value_[i]] += (*values)[i];
    for (size_t i = 0; i < values->size(); ++i) {
      const int number = class_of_value_[i];
      (*values)[i] -= sums_[number] / sizes_[number];
    }
  }

 private:
  std::vector<int> class_of_value_;
  std::vector<int> sizes_;
  std::vector<double> sums_;  // scratch
};

// Runs of a cell, by the level of their fraction and by their trunk.
struct CellRuns {
  std::vector<double> log_losses;
  std::vector<int> levels;
  // -1: no other run of the cell shares the trunk. Such runs together take one mean,
  // which does no harm.
  std::vector<int> trunks;

  explicit CellRuns(const FractionCell& cell) {
    std::map<int, int> run_counts;
    for (size_t level = 0; level < cell.levels.size(); ++level) {
      for (const Observation* run : cell.levels[level].runs) {
        log_losses.push_back(std::log(run->loss_nats));
        levels.push_back(static_cast<int>(level));
        trunks.push_back(run->trunk);
        ++run_counts[run->trunk];
      }
    }
    for (int& trunk : trunks) {
      if (run_counts[trunk] == 1) trunk = -1;
    }
  }
};

// What the runs of cells scatter about the mean of their fraction and the offset of
// their trunk, and how much more about the offset alone.
struct CellScatter {
  Scatter replicates;
  Scatter fractions;  // of cells with kNeededFractions or more

  void Add(const FractionCell& cell) {
    const CellRuns runs(cell);
    Partition levels(runs.levels);
    Partition trunks(runs.trunks);
    std::vector<double> log_losses = runs.log_losses;
    trunks.RemoveMeans(&log_losses);
    const double about_offsets = SumOfSquares(log_losses);
    // Offsets and means are removed in turn: exact at once where every seed has every
    // fraction, and fast to converge where a few are missing.
    constexpr int kSweeps = 30;
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      levels.RemoveMeans(&log_losses);
      trunks.RemoveMeans(&log_losses);
    }
    const double about_means = SumOfSquares(log_losses);
    const int level_count = static_cast<int>(cell.levels.size());
    const int degrees =
        static_cast<int>(log_losses.size()) - level_count - trunks.class_count() + 1;
    if (degrees >= 1) replicates.Add(about_means, degrees);
    if (level_count < kNeededFractions || degrees < 0) return;
    fractions.Add(std::max(0.0, about_offsets - about_means), level_count - 1);
  }
};

// What mean losses of cells with more than kNeededFractions scatter about a parabola
// in logit f, and how much more about their mean.
struct ParabolaScatter {
  Scatter remainder;
  Scatter parabolas;

  void Add(const FractionCell& cell) {
    const auto count = static_cast<Eigen::Index>(cell.levels.size());
    if (count <= kNeededFractions) return;
    Eigen::MatrixXd powers(count, kNeededFractions);
    Eigen::VectorXd log_losses(count);
    for (Eigen::Index i = 0; i < count; ++i) {
      const double x = Logit(cell.levels[i].qat_fraction);
      powers.row(i) << 1, x, x * x;
      log_losses[i] = cell.levels[i].log_loss;
    }
    const Eigen::VectorXd left = log_losses - powers * powers.householderQr().solve(log_losses);
    const double about_mean = (log_losses.array() - log_losses.mean()).square().sum();
    remainder.Add(left.squaredNorm(), static_cast<int>(count) - kNeededFractions);
    parabolas.Add(std::max(0.0, about_mean - left.squaredNorm()), kNeededFractions - 1);
  }
};

// F test of `effect` against `noise`, which has degrees of freedom.
FractionDependence Compare(const Scatter& effect, const Scatter& noise) {
  const double noise_variance = *noise.variance();
  FractionDependence result = {.f_ratio = std::numeric_limits<double>::infinity()};
  if (effect.sum_of_squares == 0) return {.f_ratio = 0, .p_value = 1};
  if (noise_variance == 0) return result;
  const boost::math::fisher_f distribution(effect.degrees_of_freedom, noise.degrees_of_freedom);
  result.f_ratio = *effect.variance() / noise_variance;
  result.p_value = boost::math::cdf(boost::math::complement(distribution, result.f_ratio));
  return result;
}

std::optional<FractionDependence> TestDependence(const std::vector<FractionCell>& cells,
                                                 const CellScatter& scatter) {
  if (scatter.replicates.variance()) {
    if (!scatter.fractions.variance()) return std::nullopt;
    FractionDependence result = Compare(scatter.fractions, scatter.replicates);
    result.has_replicates = true;
    return result;
  }
  ParabolaScatter scatter_about_parabolas;
  for (const FractionCell& cell : cells) scatter_about_parabolas.Add(cell);
  const auto& [remainder, parabolas] = scatter_about_parabolas;
  if (!remainder.variance()) return std::nullopt;
  return Compare(parabolas, remainder);
}

// Vertex of the parabola in logit f through `below`, `least` and `above`, of which
// the middle one is lowest; nullopt if they are level.
std::optional<MeasuredOptimum> FindVertex(const FractionLevel& below,
                                          const FractionLevel& least,
                                          const FractionLevel& above,
                                          std::optional<double> run_variance) {
  const double x1 = Logit(below.qat_fraction);
  const double x2 = Logit(least.qat_fraction);
  const double x3 = Logit(above.qat_fraction);
  const double slope12 = (least.log_loss - below.log_loss) / (x2 - x1);
  const double slope23 = (above.log_loss - least.log_loss) / (x3 - x2);
  const double bend = slope23 - slope12;
  if (bend <= 0) return std::nullopt;
  const double half_width = (x3 - x1) / 2;
  const double x = (x1 + x2) / 2 - half_width * slope12 / bend;
  const double fraction = 1 / (1 + std::exp(-x));

  MeasuredOptimum optimum = {
      .total_tokens = (below.total_tokens + least.total_tokens + above.total_tokens) / 3,
      .qat_fraction = fraction,
      .log_loss = below.log_loss + slope12 * (x - x1) + bend / (x3 - x1) * (x - x1) * (x - x2)};
  if (run_variance) {
    const double by_slope12 = -half_width * slope23 / (bend * bend);
    const double by_slope23 = half_width * slope12 / (bend * bend);
    const double by_below = -by_slope12 / (x2 - x1);
    const double by_above = by_slope23 / (x3 - x2);
    const double by_least = -by_below - by_above;
    const double variance = *run_variance * (by_below * by_below / double(below.runs.size()) +
                                             by_least * by_least / double(least.runs.size()) +
                                             by_above * by_above / double(above.runs.size()));
    optimum.qat_fraction_stderr = fraction * (1 - fraction) * std::sqrt(variance);
  }
  return optimum;
}

// Between neighbours, in logit f.
double Middle(const FractionLevel& a, const FractionLevel& b) {
  const double middle = (Logit(a.qat_fraction) + Logit(b.qat_fraction)) / 2;
  return 1 / (1 + std::exp(-middle));
}

// What a cell with kNeededFractions or more says; nullopt if its losses are level.
std::optional<MeasuredOptimum> FindOptimum(const FractionCell& cell,
                                           std::optional<double> run_variance) {
  const auto& levels = cell.levels;
  const Interval measurable = {Middle(levels[0], levels[1]),
                               Middle(levels[levels.size() - 2], levels.back())};
  const auto least = std::ranges::min_element(levels, {}, &FractionLevel::log_loss);
  std::optional<MeasuredOptimum> optimum;
  const auto highest = std::ranges::max_element(levels, {}, &FractionLevel::log_loss);
  if (least->log_loss == highest->log_loss) return std::nullopt;
  if (least == levels.begin()) {
    optimum = {.total_tokens = least->total_tokens,
               .qat_fraction = measurable.lower,
               .bound = OptimumBound::kAtMost};
  } else if (least == levels.end() - 1) {
    optimum = {.total_tokens = least->total_tokens,
               .qat_fraction = measurable.upper,
               .bound = OptimumBound::kAtLeast};
  } else {
    optimum = FindVertex(*(least - 1), *least, *(least + 1), run_variance);
  }
  if (!optimum) return std::nullopt;
  optimum->measurable = measurable;
  optimum->parameters = cell.parameters;
  optimum->weight_bits = cell.weight_bits;
  optimum->tokens_per_parameter_byte =
      optimum->total_tokens / (cell.parameters * cell.weight_bits / 8);
  return optimum;
}

}  // namespace

OptimumSearch FindMeasuredOptima(const Dataset& data, std::span<const int> rows) {
  std::vector<FractionCell> cells = SplitIntoCells(data, rows);
  CellScatter scatter;
  for (const FractionCell& cell : cells) scatter.Add(cell);

  OptimumSearch search = {.dependence = TestDependence(cells, scatter),
                          .run_variance = scatter.replicates.variance()};
  for (FractionCell& cell : cells) {
    if (cell.levels.size() > search.most_fractions.size()) {
      search.most_fractions.clear();
      for (const FractionLevel& level : cell.levels) {
        search.most_fractions.push_back(level.qat_fraction);
      }
    }
    if (cell.levels.size() < kNeededFractions) continue;
    const std::optional<MeasuredOptimum> optimum = FindOptimum(cell, search.run_variance);
    search.cells.push_back(std::move(cell));
    if (!optimum) continue;
    if (optimum->bound != OptimumBound::kExact) {
      search.bounds.push_back(*optimum);
      continue;
    }
    search.optima.push_back(*optimum);
    search.cells.back().optimum = optimum;
  }
  return search;
}

}  // namespace bitbudget::fitter
