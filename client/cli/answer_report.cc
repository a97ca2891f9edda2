#include "client/cli/answer_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "client/cli/quantity.h"
#include "client/cli/table.h"
#include "client/cli/text.h"
#include "util/width_text.h"

namespace bitbudget::cli {
namespace {

std::string Quantity(double value) { return FormatQuantity(value); }

std::string Real(double value) { return fmt::format("{:.4g}", value); }

// Tokens to train on: whole ones.
std::string TokensText(double tokens) { return Quantity(std::max(1.0, std::round(tokens))); }

// A table of name, value and interval, whose heading names the confidence level.
Table AnswerTable(const v1::Provenance& provenance) {
  return Table({"", "", fmt::format("{} interval", Percent(provenance.confidence_level()))});
}

void AddEstimate(Table& table,
                 const std::string& name,
                 const v1::Estimate& estimate,
                 std::string (*format)(double)) {
  table.AddRow({name, format(estimate.value()), IntervalText(estimate, format)});
}

// Loss and tokens are nowhere set by the law of the fraction, which knows none.
bool KnowsLosses(const v1::OptimizeQatFractionResponse& answer) { return answer.has_loss_nats(); }

std::string FractionSentence(const v1::OptimizeQatFractionResponse& answer) {
  std::string sentence = fmt::format(
      "Spend {} of the tokens on QAT: {} in full precision, then {} "
      "with QAT",
      ShareText(answer.qat_fraction().value()),
      TokensText(answer.fp_tokens()),
      TokensText(answer.qat_tokens()));
  if (KnowsLosses(answer)) {
    sentence += fmt::format("; expected loss {} nats", LossText(answer.loss_nats().value()));
  }
  return sentence + ".\n";
}

std::string CheckpointSentence(const v1::CheckpointPlan& plan) {
  const std::string checkpoint_tokens = Quantity(static_cast<double>(plan.fp_tokens()));
  if (!plan.has_target_qat_tokens()) {
    return fmt::format(
        "The budget adds {} QAT tokens to the checkpoint of {} tokens; expected loss {} nats.\n",
        TokensText(plan.qat_tokens()),
        checkpoint_tokens,
        LossText(plan.loss_nats().value()));
  }
  const double needed_tokens = plan.target_qat_tokens().value();
  std::string text =
      fmt::format("Add {} QAT tokens to the checkpoint of {} tokens to reach the target loss.",
                  TokensText(needed_tokens),
                  checkpoint_tokens);
  if (plan.has_qat_tokens()) {
    text += fmt::format(" The budget {} for {}: expected loss {} nats.",
                        plan.qat_tokens() < needed_tokens ? "falls short of it, and pays" : "pays",
                        TokensText(plan.qat_tokens()),
                        LossText(plan.loss_nats().value()));
  }
  return text + "\n";
}

std::string MeasuredText(const v1::MeasuredOptimum& measured) {
  const std::string fraction = ShareText(measured.qat_fraction());
  switch (measured.bound()) {
    case v1::MeasuredOptimum::AT_MOST:
      return "at most " + fraction;
    case v1::MeasuredOptimum::AT_LEAST:
      return "at least " + fraction;
    default:
      if (!measured.has_standard_error()) return fraction;
      return fmt::format("{} (standard error {})", fraction, ShareText(measured.standard_error()));
  }
}

std::string FlatRangeText(const v1::OptimizeQatFractionResponse& answer) {
  if (!answer.has_flat_range()) return "not told";
  return fmt::format(
      "{} to {}", ShareText(answer.flat_range().lower()), ShareText(answer.flat_range().upper()));
}

void AddCallerSplit(Table& table, const v1::SplitComparison& split) {
  const std::string whose = fmt::format("with {} QAT", Percent(split.qat_fraction()));
  AddEstimate(table, "Loss " + whose, split.loss_nats(), &LossText);
  AddEstimate(table, "  above the best by", split.excess_loss_nats(), &Real);
  const v1::Estimate& waste = split.wasted_token_fraction();
  if (waste.has_lower() && waste.lower() == 0) {
    // The point value would be sold as a fact that the data do not tell.
    table.AddRow({"  wastes, of the tokens",
                  "not told from 0",
                  fmt::format("0 % to {}", ShareText(waste.upper()))});
    return;
  }
  AddEstimate(table, "  wastes, of the tokens", waste, &ShareText);
  table.AddRow({"  wastes, in tokens", TokensText(split.wasted_tokens()), ""});
}

// A tenth to a hundredth of `tokens`, a power of ten: enough to matter.
double FurtherTokens(double tokens) {
  return std::pow(10, std::max(0.0, std::floor(std::log10(tokens)) - 1));
}

void AddCheckpoint(Table& table, const v1::CheckpointPlan& plan) {
  if (plan.has_qat_tokens()) table.AddRow({"QAT tokens", Quantity(plan.qat_tokens()), ""});
  if (plan.has_loss_nats()) AddEstimate(table, "Loss", plan.loss_nats(), &LossText);
  if (plan.has_loss_change_per_qat_token_nats()) {
    const double tokens = FurtherTokens(plan.qat_tokens());
    table.AddRow({fmt::format("Loss per further {} QAT tokens", Quantity(tokens)),
                  Real(tokens * plan.loss_change_per_qat_token_nats()),
                  ""});
  }
  if (plan.has_target_qat_tokens()) {
    AddEstimate(table, "QAT tokens to the target", plan.target_qat_tokens(), &Quantity);
  }
  if (plan.has_balanced_qat_tokens()) {
    table.AddRow(
        {"QAT tokens in balance with the checkpoint", Quantity(plan.balanced_qat_tokens()), ""});
  }
  table.AddRow({"Loss no QAT goes below", LossText(plan.loss_floor_nats()), ""});
}

std::string CooldownText(const v1::CooldownAdvice& cooldown) {
  switch (cooldown.advice()) {
    case v1::CooldownAdvice::FUSE:
      return fmt::format("Cooldown: fuse it into QAT. {}\n", cooldown.reason());
    case v1::CooldownAdvice::KEEP_CLASSIC:
      return fmt::format("Cooldown: in full precision, before QAT. {}\n", cooldown.reason());
    case v1::CooldownAdvice::UNDECIDED:
      return fmt::format("Cooldown: undecided. {}\n", cooldown.reason());
    default:
      return "";
  }
}

// The exact value of a point, empty where the law describes none.
std::string Exact(double value) { return std::isnan(value) ? "" : fmt::to_string(value); }

}  // namespace

std::string PredictionText(const v1::PredictLossRequest& request,
                           const v1::PredictLossResponse& answer) {
  std::string text = fmt::format(
      "Expect a loss of {} nats at {}: {} parameters, {} tokens in full precision "
      "and {} with QAT.\n\n",
      LossText(answer.loss_nats().value()),
      WidthText(request.weight_bits()),
      Quantity(static_cast<double>(request.parameters())),
      Quantity(static_cast<double>(request.fp_tokens())),
      Quantity(static_cast<double>(request.qat_tokens())));
  Table table = AnswerTable(answer.provenance());
  AddEstimate(table, "Loss, mean of such runs", answer.loss_nats(), &LossText);
  if (answer.has_prediction_interval()) {
    table.AddRow({"Loss, one further run",
                  "",
                  fmt::format("{} to {}",
                              LossText(answer.prediction_interval().lower()),
                              LossText(answer.prediction_interval().upper()))});
  }
  AddEstimate(table, "Perplexity", answer.perplexity(), &Real);
  for (const v1::LossTerm& term : answer.terms()) {
    table.AddRow(
        {fmt::format("  of the loss: {}", Words(term.name())), LossText(term.loss_nats()), ""});
  }
  if (answer.has_full_precision_law_loss_nats()) {
    AddEstimate(table,
                "Loss, law of the full-precision runs alone",
                answer.full_precision_law_loss_nats(),
                &LossText);
  }
  table.AddRow({"Tokens per parameter byte", Quantity(answer.tokens_per_parameter_byte()), ""});
  return text + table.Aligned("  ") + "\n" + ProvenanceText(answer.provenance());
}

std::string FractionText(const v1::OptimizeQatFractionRequest& request,
                         const v1::OptimizeQatFractionResponse& answer) {
  Table table = AnswerTable(answer.provenance());
  std::string text;
  if (request.has_fixed_fp_tokens()) {
    text = CheckpointSentence(answer.checkpoint());
    AddCheckpoint(table, answer.checkpoint());
  } else {
    text = FractionSentence(answer);
    AddEstimate(table, "QAT fraction", answer.qat_fraction(), &ShareText);
    if (answer.has_measured_optimum()) {
      table.AddRow({"  by the runs there alone", MeasuredText(answer.measured_optimum()), ""});
    }
    if (KnowsLosses(answer)) AddEstimate(table, "Loss", answer.loss_nats(), &LossText);
    if (KnowsLosses(answer)) {
      table.AddRow({fmt::format("As good within {} nats", Real(answer.loss_tolerance_nats())),
                    FlatRangeText(answer),
                    ""});
    }
    if (answer.has_caller_split()) AddCallerSplit(table, answer.caller_split());
  }
  if (answer.tokens_per_parameter_byte() > 0) {
    table.AddRow({"Tokens per parameter byte", Quantity(answer.tokens_per_parameter_byte()), ""});
  }
  return text + "\n" + table.Aligned("  ") + "\n" + CooldownText(answer.cooldown()) +
         ProvenanceText(answer.provenance());
}

std::string GridCsv(const v1::EvaluateGridRequest& request,
                    const v1::EvaluateGridResponse& answer) {
  std::string csv;
  for (const auto& axis : answer.axes()) {
    csv += LowerCase(v1::GridAxis::Variable_Name(axis.variable())) + ",";
  }
  csv += LowerCase(v1::EvaluateGridRequest::Quantity_Name(request.quantity()));
  csv += request.with_intervals() ? ",lower,upper,inside_data\n" : ",inside_data\n";
  for (int point = 0; point < answer.values_size(); ++point) {
    // The last axis runs fastest.
    int stride = answer.values_size();
    for (const auto& axis : answer.axes()) {
      stride /= axis.values_size();
      csv += Exact(axis.values(point / stride % axis.values_size())) + ",";
    }
    csv += Exact(answer.values(point));
    if (request.with_intervals()) {
      csv += "," + Exact(answer.lower(point)) + "," + Exact(answer.upper(point));
    }
    csv += answer.inside_data(point) ? ",true\n" : ",false\n";
  }
  return csv;
}

}  // namespace bitbudget::cli
