#include "fitter/held_out.h"

#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "fitter/support.h"

namespace bitbudget::fitter {
namespace {

constexpr double kLeastHeldOutShare = 0.05;
constexpr int kLeastTrainingLevels = 2;

HeldOutSplit MakeSplit(const Dataset& data,
                       const std::string& axis,
                       double level,
                       const std::function<bool(const RunPoint&)>& is_held_out) {
  HeldOutSplit split{.fold = {.axis = axis, .level = level}};
  for (int i = 0; i < static_cast<int>(data.rows.size()); ++i) {
    (is_held_out(data.rows[i].point) ? split.held_out : split.training).push_back(i);
  }
  split.fold.training_count = static_cast<int>(split.training.size());
  split.fold.held_out_count = static_cast<int>(split.held_out.size());
  return split;
}

// The largest levels of an axis held out; nullopt if too few would be left.
std::optional<HeldOutSplit> LargestOut(const Dataset& data,
                                       const std::string& axis,
                                       double (*value)(const RunPoint&)) {
  std::vector<double> values;
  for (const Observation& row : data.rows) values.push_back(value(row.point));
  std::vector<double> levels = DistinctLevels(std::move(values));
  const auto needed = kLeastHeldOutShare * static_cast<double>(data.rows.size());
  while (levels.size() > kLeastTrainingLevels) {
    const double level = levels.back();
    levels.pop_back();
    HeldOutSplit split =
        MakeSplit(data, axis, level, [&](const RunPoint& run) { return value(run) >= level; });
    if (split.fold.held_out_count >= needed) return split;
  }
  return std::nullopt;
}

}  // namespace

std::vector<HeldOutSplit> SplitsAtTheEdge(const Dataset& data) {
  std::vector<HeldOutSplit> splits;
  const auto add = [&](std::optional<HeldOutSplit> split) {
    if (split) splits.push_back(*std::move(split));
  };
  add(LargestOut(data, "parameters", [](const RunPoint& run) { return run.parameters; }));
  add(LargestOut(data, "total_tokens", [](const RunPoint& run) { return run.total_tokens(); }));
  std::set<double> widths;
  for (const Observation& row : data.rows) {
    if (row.point.weight_bits < 16) widths.insert(row.point.weight_bits);
  }
  if (widths.size() <= kLeastTrainingLevels) return splits;
  for (const double bits : widths) {
    add(MakeSplit(
        data, "weight_bits", bits, [&](const RunPoint& run) { return run.weight_bits == bits; }));
  }
  return splits;
}

Dataset TakeRows(const Dataset& data, const std::vector<int>& rows) {
  Dataset taken{.labels = data.labels};
  for (const int i : rows) taken.rows.push_back(data.rows[i]);
  return taken;
}

}  // namespace bitbudget::fitter
