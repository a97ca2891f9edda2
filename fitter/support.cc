#include "fitter/support.h"

#include <algorithm>
#include <set>
#include <string>

namespace bitbudget::fitter {
namespace {

Interval RangeOf(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto [lower, upper] = std::minmax_element(values.begin(), values.end());
  return {.lower = *lower, .upper = *upper};
}

int LevelCount(const std::vector<double>& values) {
  return static_cast<int>(DistinctLevels(values).size());
}

std::vector<double> SortedUnique(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

std::vector<double> DistinctLevels(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::vector<double> levels;
  for (const double value : values) {
    if (levels.empty() || value > levels.back() * (1 + kLevelTolerance)) levels.push_back(value);
  }
  return levels;
}

int LevelOf(double value, const std::vector<double>& levels) {
  const auto above = std::ranges::upper_bound(levels, value);
  return static_cast<int>(above - levels.begin()) - 1;
}

DataSupport ComputeSupport(const Dataset& data, std::span<const int> rows) {
  std::vector<double> parameters, total_tokens, fp_tokens;
  std::vector<double> qat_tokens, qat_fractions, tokens_per_byte, weight_bits, group_sizes;
  std::set<std::string> optimizers;
  for (const int index : rows) {
    const RunPoint& run = data.rows[index].point;
    parameters.push_back(run.parameters);
    total_tokens.push_back(run.total_tokens());
    fp_tokens.push_back(run.fp_tokens);
    optimizers.insert(data.labels[data.rows[index].optimizer]);
    if (run.qat_tokens == 0) continue;
    qat_tokens.push_back(run.qat_tokens);
    qat_fractions.push_back(run.qat_fraction());
    tokens_per_byte.push_back(run.tokens_per_parameter_byte(run.total_tokens()));
    weight_bits.push_back(run.weight_bits);
    group_sizes.push_back(static_cast<double>(data.rows[index].group_size));
  }
  return {.parameters = RangeOf(parameters),
          .total_tokens = RangeOf(total_tokens),
          .fp_tokens = RangeOf(fp_tokens),
          .qat_tokens = RangeOf(qat_tokens),
          .qat_fraction = RangeOf(qat_fractions),
          .tokens_per_parameter_byte = RangeOf(tokens_per_byte),
          .weight_bits = SortedUnique(weight_bits),
          .group_size = RangeOf(group_sizes),
          .optimizers = {optimizers.begin(), optimizers.end()},
          .parameters_level_count = LevelCount(parameters),
          .total_tokens_level_count = LevelCount(total_tokens),
          .qat_fraction_level_count = LevelCount(qat_fractions),
          .qat_row_count = static_cast<int>(qat_tokens.size()),
          .full_precision_row_count = static_cast<int>(rows.size() - qat_tokens.size())};
}

}  // namespace bitbudget::fitter
