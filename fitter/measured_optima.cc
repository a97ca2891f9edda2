#include "fitter/measured_optima.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "fitter/support.h"

namespace bitbudget::fitter {
namespace {

double Logit(double f) { return std::log(f / (1 - f)); }

// Runs of one size, width, budget and fraction.
struct FractionLevel {
  double qat_fraction = 0;  // mean
  double total_tokens = 0;  // mean
  double log_loss = 0;      // mean
  std::vector<const Observation*> runs;
};

// Runs of one size, width and budget, ascending by fraction.
struct Cell {
  double parameters = 0;
  double weight_bits = 0;
  std::vector<FractionLevel> levels;
};

// Index of the level of `levels`, from DistinctLevels, that `value` belongs to.
int LevelOf(double value, const std::vector<double>& levels) {
  return static_cast<int>(std::upper_bound(levels.begin(), levels.end(), value) - levels.begin()) -
         1;
}

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

std::vector<Cell> SplitIntoCells(const Dataset& data, std::span<const int> rows) {
  std::map<std::pair<double, double>, std::vector<const Observation*>> by_size_and_width;
  for (const int index : rows) {
    const Observation& row = data.rows[index];
    by_size_and_width[{row.point.parameters, row.point.weight_bits}].push_back(&row);
  }
  std::vector<Cell> cells;
  for (const auto& [key, runs] : by_size_and_width) {
    const std::vector<double> budgets = LevelsOf(runs, TotalTokens);
    std::vector<std::vector<const Observation*>> split(budgets.size());
    for (const Observation* run : runs) split[LevelOf(TotalTokens(*run), budgets)].push_back(run);
    for (const auto& budget : split) {
      cells.push_back({key.first, key.second, SplitByFraction(budget)});
    }
  }
  return cells;
}

// Sum of squares and degrees of freedom of replicates within cells, about the mean
// of their fraction and the offset of their trunk.
struct ReplicateScatter {
  double sum_of_squares = 0;
  int degrees_of_freedom = 0;

  void Add(const Cell& cell);
  std::optional<double> variance() const {
    if (degrees_of_freedom < 1) return std::nullopt;
    return sum_of_squares / degrees_of_freedom;
  }
};

// Removes the mean of each class from `values`.
void RemoveMeans(const std::vector<int>& class_of_value, std::vector<double>* values) {
  std::map<int, std::pair<double, int>> sums;
  for (size_t i = 0; i < values->size(); ++i) {
    auto& [sum, count] = sums[class_of_value[i]];
    sum += (*values)[i];
    ++count;
  }
  for (size_t i = 0; i < values->size(); ++i) {
    const auto& [sum, count] = sums[class_of_value[i]];
    (*values)[i] -= sum / count;
  }
}

void ReplicateScatter::Add(const Cell& cell) {
  std::vector<double> log_losses;
  std::vector<int> levels, trunks;
  for (size_t level = 0; level < cell.levels.size(); ++level) {
    for (const Observation* run : cell.levels[level].runs) {
      log_losses.push_back(std::log(run->loss_nats));
      levels.push_back(static_cast<int>(level));
      trunks.push_back(run->trunk);
    }
  }
  // Offsets and means are removed in turn: exact at once where every seed has every
  // fraction, and fast to converge where a few are missing. Trunks of a run alone
  // (-1) together take one mean, which does no harm.
  constexpr int kSweeps = 30;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    RemoveMeans(trunks, &log_losses);
    RemoveMeans(levels, &log_losses);
  }
  const std::set<int> distinct_trunks(trunks.begin(), trunks.end());
  const int degrees = static_cast<int>(log_losses.size()) -
                      static_cast<int>(cell.levels.size() + distinct_trunks.size()) + 1;
  if (degrees < 1) return;
  for (const double error : log_losses) sum_of_squares += error * error;
  degrees_of_freedom += degrees;
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

std::optional<MeasuredOptimum> FindOptimum(const Cell& cell, std::optional<double> run_variance) {
  const auto& levels = cell.levels;
  const auto least =
      std::min_element(levels.begin(), levels.end(), [](const auto& a, const auto& b) {
        return a.log_loss < b.log_loss;
      });
  if (least == levels.begin() || least == levels.end() - 1) return std::nullopt;
  std::optional<MeasuredOptimum> optimum =
      FindVertex(*(least - 1), *least, *(least + 1), run_variance);
  if (optimum) {
    optimum->parameters = cell.parameters;
    optimum->weight_bits = cell.weight_bits;
    optimum->tokens_per_parameter_byte =
        optimum->total_tokens / (cell.parameters * cell.weight_bits / 8);
  }
  return optimum;
}

}  // namespace

OptimumSearch FindMeasuredOptima(const Dataset& data, std::span<const int> rows) {
  const std::vector<Cell> cells = SplitIntoCells(data, rows);
  ReplicateScatter scatter;
  for (const Cell& cell : cells) scatter.Add(cell);

  OptimumSearch search;
  for (const Cell& cell : cells) {
    if (cell.levels.size() > search.most_fractions.size()) {
      search.most_fractions.clear();
      for (const FractionLevel& level : cell.levels) {
        search.most_fractions.push_back(level.qat_fraction);
      }
    }
    if (cell.levels.size() < kNeededFractions) continue;
    search.cell_budgets.push_back(cell.levels.front().total_tokens);
    if (const auto optimum = FindOptimum(cell, scatter.variance())) {
      search.optima.push_back(*optimum);
    }
  }
  return search;
}

}  // namespace bitbudget::fitter
