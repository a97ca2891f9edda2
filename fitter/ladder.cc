#include "fitter/ladder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "fitter/noise.h"
#include "fitter/objective.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {
namespace {

// What varies along the axis of a feature, as a reader calls it.
std::string AxisOf(Feature feature) {
  switch (feature) {
    case Feature::kOne:
      return "";
    case Feature::kMinusLogParameters:
      return "model sizes";
    case Feature::kMinusLogTotalTokens:
    case Feature::kLogTotalTokens:
      return "token budgets";
    case Feature::kMinusLogFpTokensPerByte:
    case Feature::kMinusLogQatTokensPerByte:
      return "QAT fractions and budgets";
    case Feature::kMinusBitsLn2:
      return "weight widths";
    case Feature::kLogLog2GroupSize:
      return "group sizes";
  }
  return "";
}

bool HasQatFraction(const Law& law) {
  return std::any_of(law.terms.begin(), law.terms.end(), [](const Term& term) {
    return term.name == "interaction";
  });
}

// Names of the parameters for which `flags` is set.
std::vector<std::string> NamesWhere(const Law& law, const std::vector<bool>& flags) {
  std::vector<std::string> names;
  for (int j = 0; j < law.parameter_count(); ++j) {
    if (flags[j]) names.push_back(law.parameters[j].name);
  }
  return names;
}

// Parameters that neither the design nor the bounds settle, and the runs do not.
std::vector<bool> LeftOpen(const Rung& rung) {
  const Identification& id = rung.identification;
  std::vector<bool> open(id.determined.size());
  for (std::size_t j = 0; j < open.size(); ++j) {
    const bool is_settled = id.determined[j] || id.at_lower[j] || id.at_upper[j] || id.vanished[j];
    open[j] = !is_settled && !rung.freedom.parameters.is_held[j];
  }
  return open;
}

// Axes of the terms in which the flagged parameters stand.
std::set<std::string> AxesOf(const Law& law, const std::vector<bool>& flags) {
  std::set<std::string> axes;
  for (const Term& term : law.terms) {
    const bool is_concerned =
        std::any_of(term.factors.begin(), term.factors.end(), [&](const Factor& factor) {
          return static_cast<bool>(flags[factor.parameter]);
        });
    if (!is_concerned) continue;
    for (const Factor& factor : term.factors) {
      if (factor.feature != Feature::kOne) axes.insert(AxisOf(factor.feature));
    }
  }
  return axes;
}

// The fraction of a law whose qat or interaction term the design leaves no room
// for is no finding of the runs.
std::vector<std::string> HeldFractionTerms(const Rung& rung) {
  std::vector<std::string> held;
  for (const Term& term : rung.law.terms) {
    if (term.name != "qat" && term.name != "interaction") continue;
    if (rung.freedom.parameters.is_held[term.factors[0].parameter]) held.push_back(term.name);
  }
  return held;
}

bool IsComplete(const Rung& rung) {
  return rung.identification.is_complete && HeldFractionTerms(rung).empty();
}

bool HasFreeExponent(const Rung& rung) {
  for (int j = 0; j < rung.law.parameter_count(); ++j) {
    if (!rung.law.parameters[j].is_log_coefficient && !rung.freedom.parameters.is_held[j]) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<std::optional<Rung>> FitRung(const Law& law,
                                            const std::vector<Measurement>& measurements,
                                            const SearchOptions& options,
                                            const std::vector<Start>& warm_starts,
                                            RungReport* report) {
  const Design design(law, measurements);
  Rung rung{.law = law, .freedom = FindFreedom(design)};
  if (design.point_count() <= rung.freedom.free_count()) {
    const auto counted = [](int count, const char* noun) {
      return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
    };
    report->explanation = fmt::format("{} cannot fix {}.",
                                      counted(design.point_count(), "distinct run"),
                                      counted(rung.freedom.free_count(), "parameter"));
    return std::nullopt;
  }
  if (!HasFreeExponent(rung)) {
    report->explanation = "The runs differ in nothing that the law describes.";
    return std::nullopt;
  }
  std::vector<Eigen::VectorXd> starts;
  starts.reserve(warm_starts.size());
  for (const Start& start : warm_starts) starts.push_back(design.Centred(start.theta));
  ASSIGN_OR_RETURN(const SearchResult found,
                   Search(design, rung.freedom.parameters, options, starts));
  rung.identification = Identify(design, rung.freedom, found.centred);
  rung.theta = design.Uncentred(found.centred);
  rung.search = found.report;
  const Eigen::ArrayXd residuals = Objective(design, kLeastSquares).Residuals(found.centred);
  rung.robust_scale = RobustScale({residuals.data(), static_cast<std::size_t>(residuals.size())});
  report->explanation = ExplainObstacle(rung);
  return rung;
}

std::vector<Start> StartsOf(const Law& law, const std::vector<Start>& warm_starts) {
  std::vector<Start> starts;
  for (const Start& start : warm_starts) {
    const bool is_usable =
        start.variant == law.variant && start.theta.size() == law.parameters.size() &&
        std::all_of(
            start.theta.begin(), start.theta.end(), [](double v) { return std::isfinite(v); });
    if (is_usable) starts.push_back(start);
  }
  return starts;
}

// The climb so far.
struct State {
  LadderResult result;
  // Least scatter of any rung fitted, complete or not.
  double least_scale = std::numeric_limits<double>::infinity();
  // Complete rungs that contradict a better one.
  std::vector<Rung> contradicting;
};

// Stands on `rung` if it may; says why otherwise.
void Judge(Rung rung, State* state) {
  RungReport& report = state->result.reports.back();
  state->least_scale = std::min(state->least_scale, rung.robust_scale);
  if (!IsComplete(rung)) return;
  const double ratio = rung.robust_scale / state->least_scale;
  if (HasQatFraction(rung.law) && ratio > kLargestScatterRatio) {
    report.explanation = fmt::format(
        "Identified, but the runs contradict it: residuals scatter {:.1f} times as much as with a "
        "richer rung.",
        ratio);
    state->contradicting.push_back(std::move(rung));
    return;
  }
  report.accepted = true;
  state->result.rung = std::move(rung);
}

// Whether `rich` has every parameter of `poor`, and more.
bool IsPartOf(const Law& poor, const Law& rich) {
  return poor.parameter_count() < rich.parameter_count() &&
         std::ranges::all_of(poor.parameters, [&](const Parameter& parameter) {
           return rich.FindParameter(parameter.name).has_value();
         });
}

// A rung of which `law` is a part, and which the runs contradict; null if there is none.
const Rung* FindContradictingWhole(const State& state, const Law& law) {
  const auto whole = std::ranges::find_if(
      state.contradicting, [&](const Rung& rung) { return IsPartOf(law, rung.law); });
  return whole == state.contradicting.end() ? nullptr : &*whole;
}

// Where nothing better stands, a law that contradicts the runs somewhat still
// knows more of the QAT fraction than one that has none.
void SettleForContradicting(State* state) {
  if (state->contradicting.empty()) return;
  auto best = std::min_element(
      state->contradicting.begin(), state->contradicting.end(), [](const Rung& a, const Rung& b) {
        return a.robust_scale < b.robust_scale;
      });
  for (RungReport& report : state->result.reports) {
    report.accepted = report.variant == best->law.variant;
  }
  state->result.rung = std::move(*best);
}

std::string ExplainAccepted(const Rung& rung) {
  std::string text = "Every parameter that the design of the runs leaves open is determined";
  const std::vector<std::string> resting = NamesWhere(rung.law, rung.identification.at_lower);
  if (!resting.empty()) {
    text += fmt::format("; {} {} at 0, no dependence",
                        fmt::join(resting, ", "),
                        resting.size() == 1 ? "rests" : "rest");
  }
  return text + ".";
}

absl::StatusOr<LadderResult> FitDemanded(const Law& law,
                                         const std::vector<Measurement>& measurements,
                                         const LadderOptions& options,
                                         const std::vector<Start>& warm_starts) {
  LadderResult result;
  RungReport report{.variant = law.variant, .accepted = true};
  ASSIGN_OR_RETURN(result.rung,
                   FitRung(law, measurements, options.search, StartsOf(law, warm_starts), &report));
  if (!result.rung) {
    return DataCannotAnswer({{.axis = "experiments",
                              .level_count = static_cast<int>(measurements.size()),
                              .needed_level_count = law.parameter_count() + 1}},
                            fmt::format("Variant {}: {}", law.variant, report.explanation));
  }
  if (report.explanation.empty()) report.explanation = ExplainAccepted(*result.rung);
  result.reports.push_back(std::move(report));
  return result;
}

}  // namespace

absl::StatusOr<LadderResult> Climb(std::span<const Law> ladder,
                                   const std::vector<Measurement>& measurements,
                                   const LadderOptions& options,
                                   const std::vector<Start>& warm_starts) {
  bool may_skip = std::any_of(ladder.begin(), ladder.end(), [&](const Law& law) {
    return !StartsOf(law, warm_starts).empty();
  });
  // Where the rung to go on from no longer stands, the ones above it may.
  const auto climb_cold = [&] { return Climb(ladder, measurements, options, {}); };
  bool skipped = false;
  State state;
  for (const Law& law : ladder) {
    if (options.variant) {
      if (law.variant != *options.variant) continue;
      return FitDemanded(law, measurements, options, warm_starts);
    }
    if (!HasQatFraction(law) && !state.contradicting.empty()) break;
    state.result.reports.push_back({.variant = law.variant});
    RungReport& report = state.result.reports.back();
    const std::vector<Start> starts = StartsOf(law, warm_starts);
    may_skip = may_skip && starts.empty();
    const bool is_richest = &law == &ladder.front();
    if (may_skip && !is_richest) {
      report.explanation = "Not asked again: the fit that this one continues stood lower.";
      skipped = true;
      continue;
    }
    // It may scatter less for having freed what the whole holds for want of data.
    if (const Rung* whole = FindContradictingWhole(state, law)) {
      report.explanation =
          fmt::format("Not asked: a part of {}, which the runs contradict.", whole->law.variant);
      continue;
    }
    ASSIGN_OR_RETURN(std::optional<Rung> rung,
                     FitRung(law, measurements, options.search, starts, &report));
    if (rung && is_richest) state.result.richest = rung;
    if (rung) Judge(*std::move(rung), &state);
    if (!state.result.rung) continue;
    if (skipped && starts.empty()) return climb_cold();
    if (is_richest) state.result.richest.reset();
    report.explanation = ExplainAccepted(*state.result.rung);
    return std::move(state.result);
  }
  if (skipped) return climb_cold();
  SettleForContradicting(&state);
  return std::move(state.result);
}

std::vector<std::string> UndeterminedParameters(const Rung& rung) {
  const Identification& id = rung.identification;
  std::vector<bool> undetermined(id.determined.size());
  for (std::size_t j = 0; j < undetermined.size(); ++j) {
    undetermined[j] = !id.determined[j] && !id.at_lower[j] && !id.at_upper[j];
  }
  return NamesWhere(rung.law, undetermined);
}

std::string ExplainObstacle(const Rung& rung) {
  std::vector<std::string> obstacles;
  if (const auto terms = HeldFractionTerms(rung); !terms.empty()) {
    obstacles.push_back(
        fmt::format("the runs have no QAT fractions to compare (term {})", fmt::join(terms, ", ")));
  }
  std::vector<bool> concerned = LeftOpen(rung);
  if (const auto names = NamesWhere(rung.law, concerned); !names.empty()) {
    obstacles.push_back(fmt::format("the runs leave {} open", fmt::join(names, ", ")));
  }
  if (const auto names = NamesWhere(rung.law, rung.identification.vanished); !names.empty()) {
    obstacles.push_back(
        fmt::format("the term of {} vanishes in the noise", fmt::join(names, ", ")));
  }
  if (const auto names = NamesWhere(rung.law, rung.identification.at_upper); !names.empty()) {
    obstacles.push_back(
        fmt::format("the search drives {} to the upper bound", fmt::join(names, ", ")));
  }
  if (obstacles.empty()) return "";
  std::string text = fmt::format("{}", fmt::join(obstacles, "; "));
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  for (std::size_t j = 0; j < concerned.size(); ++j) {
    concerned[j] =
        concerned[j] || rung.identification.vanished[j] || rung.identification.at_upper[j];
  }
  const std::set<std::string> axes = AxesOf(rung.law, concerned);
  if (axes.empty()) return text + ".";
  return fmt::format("{}. More replicates, or more {}, would tell.", text, fmt::join(axes, ", "));
}

}  // namespace bitbudget::fitter
