#include "client/cli/analysis_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "client/cli/text.h"

namespace bitbudget::cli {
namespace {

std::string FoldName(const v1::LawComparison::Fold& fold) {
  if (fold.axis() == "weight_bits") return fmt::format("{:g} BITS", fold.level());
  return fmt::format("{} >= {:.3g}", fold.axis() == "parameters" ? "N" : "D", fold.level());
}

// Relative error of the loss, from an error of its logarithm.
std::string ErrorText(double log_error) { return fmt::format("{:.3f} %", 100 * log_error); }

std::string RatioText(const v1::LawComparison::Entry& entry) {
  if (!entry.has_log_error_ratio()) return "";
  const v1::Estimate& ratio = entry.log_error_ratio();
  std::string text = fmt::format("{:.2f}", std::exp(ratio.value()));
  if (!ratio.has_lower()) return text;
  return text +
         fmt::format(" ({:.2f} to {:.2f})", std::exp(ratio.lower()), std::exp(ratio.upper()));
}

std::string NameOf(const v1::LawComparison::Entry& entry) {
  return fmt::format("{}/{}", entry.law(), entry.variant());
}

double LeastAicc(const v1::LawComparison& comparison) {
  double least = HUGE_VAL;
  for (const v1::LawComparison::Entry& entry : comparison.entries()) {
    if (entry.has_aicc()) least = std::min(least, entry.aicc());
  }
  return least;
}

std::string NoteOf(const v1::LawComparison& comparison, const v1::LawComparison::Entry& entry) {
  if (!entry.obstacle().empty()) return "not fitted";
  if (entry.too_few_folds()) return "too few folds to tell";
  if (!entry.tied_with_best()) return entry.has_log_error_ratio() ? "worse" : "";
  return &entry == &comparison.entries(0) ? "best" : "tied";
}

std::string VerdictText(const v1::LawComparison& comparison) {
  std::vector<std::string> tied;
  std::vector<std::string> untold;
  for (const v1::LawComparison::Entry& entry : comparison.entries()) {
    const std::string name = NameOf(entry);
    if (entry.tied_with_best()) tied.push_back(name);
    if (entry.too_few_folds()) untold.push_back(name);
  }
  if (tied.empty()) return "No law predicts the runs held out.\n";
  std::string text =
      tied.size() > 1
          ? fmt::format("The data do not tell these apart: {}.\n", fmt::join(tied, ", "))
          : fmt::format("{} predicts the runs held out best.\n", tied.front());
  if (!untold.empty()) {
    text += fmt::format("Too few folds to tell from the best: {}.\n", fmt::join(untold, ", "));
  }
  return text;
}

std::string InfluenceText(bool has_influence, const v1::ExplainFitResponse::Influence& influence) {
  if (!has_influence) return "";
  if (influence.has_refit()) return fmt::format("{:+.3g}", influence.refit());
  return influence.has_one_step() ? fmt::format("{:+.3g} (one step)", influence.one_step())
                                  : "no answer without it";
}

std::string RunsText(const v1::ExplainFitResponse& explanation) {
  Table table({"RUN", "RESIDUAL", "IN SCALES", "LEVERAGE", "ANSWER WITHOUT IT", "NOTE"});
  for (const v1::ExplainFitResponse::Run& run : explanation.runs()) {
    table.AddRow({LastPart(run.experiment()),
                  fmt::format("{:+.2f} %", 100 * run.residual()),
                  fmt::format("{:+.1f}", run.scaled_residual()),
                  fmt::format("{:.2f}", run.leverage()),
                  InfluenceText(run.has_influence(), run.influence()),
                  run.outlier() ? "outlier" : ""});
  }
  return table.Aligned("  ");
}

std::string TrunksText(const v1::ExplainFitResponse& explanation) {
  Table table({"TRUNK", "RUNS", "MEAN RESIDUAL", "ANSWER WITHOUT IT"});
  for (const v1::ExplainFitResponse::Trunk& trunk : explanation.trunks()) {
    table.AddRow({trunk.trunk(),
                  fmt::to_string(trunk.run_count()),
                  fmt::format("{:+.2f} %", 100 * trunk.mean_residual()),
                  InfluenceText(trunk.has_influence(), trunk.influence())});
  }
  return table.Aligned("  ");
}

std::string DirectionsText(const v1::ExplainFitResponse& explanation) {
  constexpr int kWorst = 3;
  Table table({"STANDARD ERROR", "COMBINATION"});
  for (int i = 0; i < std::min(kWorst, explanation.directions_size()); ++i) {
    const v1::ExplainFitResponse::Direction& direction = explanation.directions(i);
    std::vector<std::string> parts;
    for (const auto& part : direction.parts()) {
      parts.push_back(fmt::format("{:+.2f} {}", part.weight(), part.coefficient()));
    }
    table.AddRow({fmt::format("{:.2g}", direction.standard_error()),
                  fmt::format("{}", fmt::join(parts, " "))});
  }
  return table.Aligned("  ");
}

std::string CorrelationsText(const v1::ExplainFitResponse& explanation) {
  std::vector<std::string> pairs;
  for (const v1::ExplainFitResponse::Correlation& correlation : explanation.correlations()) {
    pairs.push_back(fmt::format(
        "{}, {}: {:+.3f}", correlation.first(), correlation.second(), correlation.value()));
  }
  return pairs.empty() ? "" : fmt::format("\nCorrelated\n  {}\n", fmt::join(pairs, "\n  "));
}

std::string CoefficientsText(const v1::Law& law) {
  Table table({"COEFFICIENT", "VALUE", "STANDARD ERROR"});
  for (const v1::Law::Coefficient& coefficient : law.coefficients()) {
    table.AddRow({coefficient.name(),
                  fmt::format("{:.8g}", coefficient.value()),
                  coefficient.has_standard_error()
                      ? fmt::format("{:g}", coefficient.standard_error())
                      : ""});
  }
  return table.empty() ? "" : "\n" + table.Aligned("  ");
}

std::string RangeText(const v1::Law& law) {
  std::vector<std::string> ranges;
  for (const v1::Law::FittedRange& fitted : law.fitted_range()) {
    const auto& [lower, upper] = std::pair(fitted.range().lower(), fitted.range().upper());
    ranges.push_back(lower == upper ? fmt::format("{} {:g}", fitted.axis(), lower)
                                    : fmt::format("{} {:g} to {:g}", fitted.axis(), lower, upper));
  }
  return fmt::format("{}", fmt::join(ranges, ", "));
}

}  // namespace

std::string ComparisonText(const v1::LawComparison& comparison) {
  std::vector<std::string> headings = {"LAW", "VARIANT"};
  for (const v1::LawComparison::Fold& fold : comparison.folds()) {
    headings.push_back(FoldName(fold));
  }
  headings.insert(headings.end(), {"ERROR / BEST", "AICC", "NOTE"});
  Table table(headings);
  const double least_aicc = LeastAicc(comparison);
  for (const v1::LawComparison::Entry& entry : comparison.entries()) {
    std::vector<std::string> cells = {entry.law(), entry.variant()};
    cells.resize(2 + comparison.folds_size());
    for (const v1::LawComparison::Score& score : entry.scores()) {
      cells[2 + score.fold()] = ErrorText(score.rms());
    }
    cells.push_back(RatioText(entry));
    cells.push_back(entry.has_aicc() ? fmt::format("{:+.1f}", entry.aicc() - least_aicc) : "");
    cells.push_back(NoteOf(comparison, entry));
    table.AddRow(std::move(cells));
  }
  std::string text =
      fmt::format("{}: {} of revision {}, which all laws describe; errors at runs held out\n\n",
                  comparison.name(),
                  Counted(comparison.experiment_count(), "row"),
                  comparison.revision());
  text += table.Aligned() + "\n" + VerdictText(comparison);
  for (const v1::LawComparison::Entry& entry : comparison.entries()) {
    if (entry.obstacle().empty()) continue;
    text += fmt::format("{}: {}\n", NameOf(entry), entry.obstacle());
  }
  return text;
}

Table ComparisonTable(const v1::ListLawComparisonsResponse& comparisons) {
  Table table({"COMPARISON", "REVISION", "ROWS", "LAWS", "BEST", "MADE"});
  for (const v1::LawComparison& comparison : comparisons.comparisons()) {
    table.AddRow({LastPart(comparison.name()),
                  fmt::to_string(comparison.revision()),
                  fmt::to_string(comparison.experiment_count()),
                  fmt::to_string(comparison.entries_size()),
                  comparison.entries().empty() ? "" : NameOf(comparison.entries(0)),
                  TimeText(comparison.create_time())});
  }
  return table;
}

std::string ExplanationText(const v1::ExplainFitResponse& explanation, const std::string& unit) {
  std::string text = explanation.fit() + "\n";
  if (explanation.has_answer()) {
    text +=
        fmt::format("Answer: {:.6g}{}{}\n", explanation.answer(), unit.empty() ? "" : " ", unit);
  }
  text += fmt::format("\nRuns ({}, robust scale {:.2f} %)\n{}",
                      Counted(explanation.outlier_count(), "outlier"),
                      100 * explanation.residual_robust_scale(),
                      RunsText(explanation));
  if (!explanation.trunks().empty()) text += "\nTrunks\n" + TrunksText(explanation);
  text += "\nWorst determined\n" + DirectionsText(explanation);
  text += CorrelationsText(explanation);
  if (!explanation.at_bound().empty()) {
    text += fmt::format("\nAt a bound: {}\n", fmt::join(explanation.at_bound(), ", "));
  }
  if (!explanation.not_identified().empty()) {
    text += fmt::format("\nNot identified: {}\n", fmt::join(explanation.not_identified(), ", "));
  }
  return text;
}

std::string LawText(const v1::Law& law) {
  Table table({"", ""});
  const auto add = [&](const char* what, const std::string& value) {
    if (!value.empty()) table.AddRow({what, value});
  };
  add("Law", law.name());
  add("What", law.title());
  add("Formula", law.formula());
  add("Source", law.reference());
  if (law.kind() == v1::Law::PUBLISHED) {
    add("How sure", Words(v1::Law::Certainty_Name(law.certainty())));
    add("N counts", Words(v1::Law::ParameterCount_Name(law.parameter_count())));
  }
  add("Units", law.units());
  add("Data", law.data());
  add("Fitted range", RangeText(law));
  add("Variants", fmt::format("{}", fmt::join(law.variants(), ", ")));
  add("Answers",
      law.answers().empty() ? "no question" : fmt::format("{}", fmt::join(law.answers(), ", ")));
  add("Caveat", law.caveat());
  return table.Aligned() + CoefficientsText(law);
}

Table LawTable(const v1::ListLawsResponse& laws) {
  Table table({"LAW", "KIND", "SOURCE", "ANSWERS", "WHAT"});
  for (const v1::Law& law : laws.laws()) {
    table.AddRow({LastPart(law.name()),
                  Words(v1::Law::Kind_Name(law.kind())),
                  law.reference(),
                  fmt::format("{}", fmt::join(law.answers(), ", ")),
                  law.title()});
  }
  return table;
}

}  // namespace bitbudget::cli
