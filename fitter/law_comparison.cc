#include "fitter/law_comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "fitter/fitted_rows.h"
#include "fitter/held_out.h"
#include "fitter/huber_likelihood.h"
#include "fitter/paired_difference.h"
#include "fitter/row_selection.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {
namespace {

absl::Status CheckCandidates(const std::vector<Candidate>& candidates) {
  if (candidates.size() < 2 || candidates.size() > kMaxComparedLaws) {
    return InvalidField(
        "candidates",
        fmt::format("has {} laws; must have 2 to {}", candidates.size(), kMaxComparedLaws));
  }
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string& family = candidates[i].family;
    const std::string& variant = candidates[i].variant;
    const std::string field = fmt::format("candidates[{}]", i);
    if (!seen.emplace(family, variant).second) {
      return InvalidField(field, fmt::format("is {}/{} a second time", family, variant));
    }
    ASSIGN_OR_RETURN(const std::vector<Candidate> known, VariantsOf({family}));
    const bool is_known =
        std::ranges::any_of(known, [&](const Candidate& c) { return c.variant == variant; });
    if (!is_known) {
      std::vector<std::string> names;
      names.reserve(known.size());
      for (const Candidate& c : known) names.push_back(c.variant);
      return InvalidField(
          field + ".variant",
          fmt::format("is \"{}\"; variants of {}: {}", variant, family, fmt::join(names, ", ")));
    }
  }
  return absl::OkStatus();
}

FitOptions OptionsFor(const FitOptions& options, const Candidate& candidate) {
  FitOptions result = options;
  result.family = candidate.family;
  result.variant = candidate.variant;
  return result;
}

// The rows that every candidate describes.
absl::StatusOr<Dataset> CommonRows(const Dataset& data,
                                   const FitOptions& options,
                                   const std::vector<Candidate>& candidates) {
  std::optional<std::vector<int>> common;
  constexpr double kAnyWidth[] = {16};
  for (const Candidate& candidate : candidates) {
    ASSIGN_OR_RETURN(const std::vector<Law> laws, LawLadder(candidate.family, kAnyWidth));
    ASSIGN_OR_RETURN(const RowSelection selection,
                     SelectRows(data, laws.front(), OptionsFor(options, candidate)));
    if (!common) {
      common = selection.rows;
      continue;
    }
    std::vector<int> both;
    std::ranges::set_intersection(*common, selection.rows, std::back_inserter(both));
    common = std::move(both);
  }
  if (common->empty()) {
    return DataCannotAnswer({{.axis = "experiments", .needed_level_count = 1}},
                            "The laws describe no run in common; compare laws of the same runs.");
  }
  return TakeRows(data, *common);
}

// Errors of a law at rows that it was not fitted to; nullopt if it does not describe
// one of them.
std::optional<FoldScore> Score(const FittedLaw& law, const Dataset& held_out) {
  FoldScore score;
  const auto count = static_cast<double>(held_out.rows.size());
  double squares = 0;
  for (const Observation& row : held_out.rows) {
    const RunPoint point = PointOf(law.law, row, held_out.labels);
    if (!DescribesWidth(law.law, point)) return std::nullopt;
    const double error = LogLoss(law.law, law.theta, point) - std::log(row.loss_nats);
    if (!std::isfinite(error)) return std::nullopt;
    score.errors.push_back(error);
    score.mean_error += error / count;
    squares += error * error;
  }
  score.rms = std::sqrt(squares / count);
  return score;
}

absl::Status AddFullFit(const Dataset& data, const FitOptions& options, ComparedLaw* compared) {
  const absl::StatusOr<FitResult> fit = FitLaw(data, OptionsFor(options, compared->candidate));
  if (absl::IsCancelled(fit.status())) return fit.status();
  if (!fit.ok() || !fit->law) {
    compared->obstacle = fit.ok() ? "It has no losses." : std::string(fit.status().message());
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const FittedRows rows, RowsOfFit(data, fit->resolved_options, *fit->law));
  std::vector<double> residuals;
  for (std::size_t k = 0; k < rows.rows.size(); ++k) {
    residuals.push_back(rows.log_fitted[k] - std::log(rows.measurements[k].loss_nats));
  }
  compared->free_parameter_count = static_cast<int>(fit->singular_values.size());
  compared->residual_rms = fit->search.residual_rms;
  const double n = static_cast<double>(residuals.size());
  const double k = compared->free_parameter_count + 1;
  if (n > k + 1) compared->aicc = HuberDeviance(residuals) + 2 * k + 2 * k * (k + 1) / (n - k - 1);
  return absl::OkStatus();
}

absl::Status AddScores(const Dataset& data,
                       const FitOptions& options,
                       const std::vector<HeldOutSplit>& splits,
                       ComparedLaw* compared) {
  for (const HeldOutSplit& split : splits) {
    const absl::StatusOr<FitResult> fit =
        FitLaw(TakeRows(data, split.training), OptionsFor(options, compared->candidate));
    if (absl::IsCancelled(fit.status())) return fit.status();
    std::optional<FoldScore> score;
    if (fit.ok() && fit->law) score = Score(*fit->law, TakeRows(data, split.held_out));
    compared->scores.push_back(score);
  }
  return absl::OkStatus();
}

bool HasScore(const ComparedLaw& law) {
  return std::ranges::any_of(law.scores, [](const auto& score) { return score.has_value(); });
}

// Folds in which every law with any score has one.
std::vector<std::size_t> CommonFolds(const std::vector<ComparedLaw>& laws, std::size_t count) {
  std::vector<std::size_t> folds;
  for (std::size_t f = 0; f < count; ++f) {
    const bool is_common = std::ranges::all_of(
        laws, [&](const ComparedLaw& law) { return !HasScore(law) || law.scores[f].has_value(); });
    if (is_common) folds.push_back(f);
  }
  return folds;
}

double MeanLogRms(const ComparedLaw& law, const std::vector<std::size_t>& folds) {
  double sum = 0;
  for (const std::size_t f : folds) sum += std::log(law.scores[f]->rms);
  return sum / static_cast<double>(folds.size());
}

void Rank(const std::vector<std::vector<int>>& cells, LawComparison* comparison) {
  std::vector<ComparedLaw>& laws = comparison->laws;
  const std::vector<std::size_t> folds = CommonFolds(laws, comparison->folds.size());
  std::ranges::stable_sort(laws, [&](const ComparedLaw& a, const ComparedLaw& b) {
    if (HasScore(a) != HasScore(b)) return HasScore(a);
    if (!HasScore(a) || folds.empty()) return false;
    return MeanLogRms(a, folds) < MeanLogRms(b, folds);
  });
  const ComparedLaw& best = laws.front();
  if (!HasScore(best)) return;
  for (ComparedLaw& law : laws) {
    if (&law == &best) continue;
    law.to_best = ComparePaired(law.scores, best.scores, cells);
    if (law.to_best) law.standing = StandingOf(*law.to_best);
  }
}

}  // namespace

absl::StatusOr<LawComparison> CompareLaws(const Dataset& data,
                                          const FitOptions& options,
                                          const std::vector<Candidate>& candidates) {
  RETURN_IF_ERROR(CheckCandidates(candidates));
  ASSIGN_OR_RETURN(const Dataset common, CommonRows(data, options, candidates));
  const std::vector<HeldOutSplit> splits = SplitsAtTheEdge(common);
  if (splits.empty()) {
    return DataCannotAnswer(
        {}, "No runs can be held out: measure at least three sizes, budgets or widths.");
  }
  LawComparison comparison{.row_count = static_cast<int64_t>(common.rows.size())};
  std::vector<std::vector<int>> cells;  // of the runs held out, by fold
  for (const HeldOutSplit& split : splits) {
    comparison.folds.push_back(split.fold);
    cells.push_back(CellsOf(TakeRows(common, split.held_out)));
  }
  for (const Candidate& candidate : candidates) {
    ComparedLaw compared{.candidate = candidate};
    RETURN_IF_ERROR(AddFullFit(common, options, &compared));
    RETURN_IF_ERROR(AddScores(common, options, splits, &compared));
    comparison.laws.push_back(std::move(compared));
  }
  Rank(cells, &comparison);
  return comparison;
}

absl::StatusOr<std::vector<Candidate>> VariantsOf(const std::vector<std::string>& families) {
  constexpr double kAnyWidth[] = {16};
  std::vector<Candidate> candidates;
  for (const std::string& family : families) {
    ASSIGN_OR_RETURN(const std::vector<Law> ladder, LawLadder(family, kAnyWidth));
    for (const Law& law : ladder) candidates.push_back({family, law.variant});
  }
  return candidates;
}

}  // namespace bitbudget::fitter
