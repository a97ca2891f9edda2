#include "fitter/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "fitter/fitted_rows.h"
#include "fitter/identification.h"
#include "fitter/influence.h"
#include "fitter/minimize.h"
#include "fitter/noise.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {
namespace {

// A direction is told by the parameters that make up this much of its square.
constexpr double kReportedShareOfDirection = 0.9;

// Something that can be left out of a fit.
struct Part {
  std::vector<int> positions;  // of FittedRows
  Influence* influence;
};

// Asks the answer of the fit without parts of its rows.
class LeaveOut {
 public:
  LeaveOut(const FittedRows& rows,
           const FitOptions& options,
           const FittedLaw& law,
           const ExplainOptions& explain,
           double answer)
      : rows_(rows), options_(options), law_(law), explain_(explain), answer_(answer) {}

  std::optional<double> ChangeAt(const std::vector<double>& theta) const {
    const absl::StatusOr<double> answer = explain_.answer(theta);
    if (!answer.ok()) return std::nullopt;
    return *answer - answer_;
  }

  std::vector<double> Refit(const std::vector<int>& positions) const {
    std::vector<Measurement> measurements;
    std::size_t next = 0;  // of positions, ascending
    for (int i = 0; i < static_cast<int>(rows_.measurements.size()); ++i) {
      if (next < positions.size() && positions[next] == i) {
        ++next;
      } else {
        measurements.push_back(rows_.measurements[i]);
      }
    }
    const Design design(law_.law, std::move(measurements));
    const DesignFreedom freedom = FindFreedom(design);
    const Minimum minimum = Minimize(design,
                                     freedom.parameters.is_held,
                                     design.Centred(law_.theta),
                                     *options_.huber_delta,
                                     explain_.cancelled);
    return design.Uncentred(minimum.centred);
  }

 private:
  const FittedRows& rows_;
  const FitOptions& options_;
  const FittedLaw& law_;
  const ExplainOptions& explain_;
  double answer_;
};

// One step for all, a refit for those that move the answer most.
absl::Status FindInfluences(const LeaveOut& leave_out,
                            const LocalObjective& objective,
                            const ExplainOptions& explain,
                            int refit_count,
                            std::vector<Part> parts) {
  for (const Part& part : parts) {
    part.influence->one_step = leave_out.ChangeAt(objective.ThetaWithout(part.positions));
  }
  const auto size = [](const Part& part) { return std::abs(part.influence->one_step.value_or(0)); };
  std::ranges::stable_sort(parts, std::greater<>(), size);
  const auto count = std::min(parts.size(), static_cast<std::size_t>(refit_count));
  for (std::size_t i = 0; i < count; ++i) {
    if (explain.cancelled && explain.cancelled()) return absl::CancelledError("cancelled");
    parts[i].influence->refit = leave_out.ChangeAt(leave_out.Refit(parts[i].positions));
  }
  return absl::OkStatus();
}

std::vector<ExplainedRun> DescribeRuns(const FittedRows& rows,
                                       const LocalObjective& objective,
                                       double scale) {
  std::vector<ExplainedRun> runs;
  for (int i = 0; i < static_cast<int>(rows.rows.size()); ++i) {
    const double residual = objective.residuals()[i];
    const double scaled = scale > 0 ? residual / scale : 0;
    runs.push_back({.row = rows.rows[i],
                    .residual = residual,
                    .scaled_residual = scaled,
                    .is_outlier = std::abs(scaled) > kOutlierScales,
                    .leverage = objective.Leverage(i)});
  }
  return runs;
}

// Positions of the runs of each trunk that has several.
std::map<int, std::vector<int>> RunsByTrunk(const Dataset& data, const FittedRows& rows) {
  std::map<int, std::vector<int>> by_trunk;
  for (int i = 0; i < static_cast<int>(rows.rows.size()); ++i) {
    const int trunk = data.rows[rows.rows[i]].trunk;
    if (trunk >= 0) by_trunk[trunk].push_back(i);
  }
  std::erase_if(by_trunk, [](const auto& entry) { return entry.second.size() < 2; });
  return by_trunk;
}

std::vector<Correlation> FindCorrelations(const FittedLaw& law) {
  const int count = law.law.parameter_count();
  const auto covariance = [&](int i, int j) {
    return law.covariance[static_cast<std::size_t>(i) * count + j];
  };
  std::vector<Correlation> correlations;
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < i; ++j) {
      const double variances = covariance(i, i) * covariance(j, j);
      if (!(variances > 0)) continue;
      const double value = covariance(i, j) / std::sqrt(variances);
      if (std::abs(value) < kReportedCorrelation) continue;
      correlations.push_back({law.law.parameters[j].name, law.law.parameters[i].name, value});
    }
  }
  std::ranges::stable_sort(
      correlations, std::greater<>(), [](const Correlation& c) { return std::abs(c.value); });
  return correlations;
}

Direction DescribeDirection(const Law& law, double singular_value, const Eigen::VectorXd& vector) {
  Direction direction{.singular_value = singular_value, .standard_error = 1 / singular_value};
  std::vector<Direction::Part> parts;
  parts.reserve(law.parameters.size());
  for (int j = 0; j < law.parameter_count(); ++j) {
    parts.push_back({law.parameters[j].name, vector[j]});
  }
  std::ranges::stable_sort(
      parts, std::greater<>(), [](const Direction::Part& part) { return std::abs(part.weight); });
  double share = 0;
  for (const Direction::Part& part : parts) {
    if (share >= kReportedShareOfDirection) break;
    direction.parts.push_back(part);
    share += part.weight * part.weight;
  }
  return direction;
}

}  // namespace

absl::StatusOr<Explanation> ExplainFit(const Dataset& data,
                                       const FitOptions& options,
                                       const FittedLaw& law,
                                       const ExplainOptions& explain) {
  ASSIGN_OR_RETURN(const FittedRows rows, RowsOfFit(data, options, law));
  const Design design(law.law, rows.measurements);
  const DesignFreedom freedom = FindFreedom(design);
  const Identification id = Identify(design, freedom, design.Centred(law.theta));
  std::vector<bool> is_free = freedom.parameters.is_held;
  is_free.flip();
  for (std::size_t j = 0; j < is_free.size(); ++j) {
    is_free[j] = is_free[j] && !id.at_lower[j] && !id.at_upper[j] && !id.vanished[j];
  }
  const LocalObjective objective(law, rows, std::move(is_free), *options.huber_delta);

  Explanation result;
  const Eigen::VectorXd& residuals = objective.residuals();
  result.robust_scale = RobustScale({residuals.data(), static_cast<std::size_t>(residuals.size())});
  result.runs = DescribeRuns(rows, objective, result.robust_scale);
  const std::map<int, std::vector<int>> by_trunk = RunsByTrunk(data, rows);
  for (const auto& [trunk, positions] : by_trunk) {
    double mean = 0;
    for (const int i : positions) mean += residuals[i] / static_cast<double>(positions.size());
    result.trunks.push_back(
        {.trunk = trunk, .run_count = static_cast<int>(positions.size()), .mean_residual = mean});
  }
  result.correlations = FindCorrelations(law);
  for (auto k = static_cast<Eigen::Index>(id.singular_values.size()) - 1; k >= 0; --k) {
    result.directions.push_back(
        DescribeDirection(law.law, id.singular_values[k], id.directions.col(k)));
  }
  if (!explain.answer) return result;

  ASSIGN_OR_RETURN(result.answer, explain.answer(law.theta));
  const LeaveOut leave_out(rows, options, law, explain, *result.answer);
  std::vector<Part> runs;
  runs.reserve(result.runs.size());
  for (int i = 0; i < static_cast<int>(result.runs.size()); ++i) {
    runs.push_back({{i}, &result.runs[i].influence});
  }
  std::vector<Part> trunks;
  trunks.reserve(result.trunks.size());
  for (ExplainedTrunk& trunk : result.trunks) {
    trunks.push_back({by_trunk.at(trunk.trunk), &trunk.influence});
  }
  RETURN_IF_ERROR(
      FindInfluences(leave_out, objective, explain, explain.run_refit_count, std::move(runs)));
  RETURN_IF_ERROR(
      FindInfluences(leave_out, objective, explain, explain.trunk_refit_count, std::move(trunks)));
  return result;
}

}  // namespace bitbudget::fitter
