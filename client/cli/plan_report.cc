#include "client/cli/plan_report.h"

#include <fmt/format.h>

#include <vector>

#include "absl/strings/str_split.h"
#include "client/cli/bytes.h"
#include "client/cli/quantity.h"
#include "client/cli/text.h"
#include "client/cli/width_report.h"

namespace bitbudget::cli {
namespace {

std::string Quantity(double value) { return FormatQuantity(value); }

// The plan first.
std::vector<const v1::BitWidthCandidate*> Candidates(const v1::PlanTrainingResponse& answer) {
  std::vector<const v1::BitWidthCandidate*> candidates = {&answer.plan()};
  for (const v1::BitWidthCandidate& other : answer.alternatives()) candidates.push_back(&other);
  return candidates;
}

std::string GoalText(const v1::PlanTrainingRequest& request) {
  using Request = v1::PlanTrainingRequest;
  switch (request.goal_case()) {
    case Request::kTotalTokens:
      return fmt::format("{} tokens", Quantity(static_cast<double>(request.total_tokens())));
    case Request::kComputeFlops:
      return fmt::format("{} FLOPs", Quantity(request.compute_flops()));
    case Request::kDeviceHours:
      return fmt::format("{} device hours", Quantity(request.device_hours()));
    case Request::kMoney:
      return fmt::format("{} of money", Quantity(request.money()));
    case Request::kDeadlineHours:
      return fmt::format("{} hours on the clock", Quantity(request.deadline_hours()));
    case Request::kTargetLossNats:
      return fmt::format("the least compute for a loss of {} nats",
                         LossText(request.target_loss_nats()));
    case Request::GOAL_NOT_SET:
      break;
  }
  return "";
}

std::string QuestionText(const v1::PlanTrainingRequest& request) {
  std::string text = "Asked for: " + GoalText(request);
  if (request.has_parameters()) {
    text += fmt::format(", {} parameters", Quantity(static_cast<double>(request.parameters())));
  }
  if (request.has_memory_bytes()) {
    text += fmt::format(", at most {} of memory",
                        FormatBytes(static_cast<double>(request.memory_bytes())));
  }
  if (request.has_fixed_fp_tokens()) {
    text += fmt::format(", from a checkpoint of {} tokens",
                        Quantity(static_cast<double>(request.fixed_fp_tokens())));
  }
  return text + ".\n";
}

// Of waste that may be none the point value would be taken for a fact.
std::string WasteText(const v1::Estimate& waste) {
  if (!waste.has_lower() || waste.lower() != 0) return WithInterval(waste, &ShareText);
  return fmt::format("not told from 0 (up to {})", ShareText(waste.upper()));
}

Table PlanTable(const v1::PlanTrainingResponse& answer) {
  const v1::BitWidthCandidate& plan = answer.plan();
  Table table({"", ""});
  table.AddRow({"Bits per weight", BitsText(plan.weight_bits())});
  table.AddRow({"Parameters", Quantity(plan.parameters())});
  table.AddRow({"Tokens in full precision", Quantity(plan.fp_tokens())});
  table.AddRow({"Tokens with QAT", Quantity(plan.qat_tokens())});
  table.AddRow({"QAT fraction", WithInterval(plan.qat_fraction(), &ShareText)});
  table.AddRow({"Expected loss", WithInterval(plan.loss_nats(), &LossText)});
  if (plan.has_probability_best()) {
    table.AddRow({"Best of the widths with probability", Percent(plan.probability_best())});
  }
  table.AddRow({"Memory when served", FormatBytes(plan.memory().total_bytes())});
  const v1::TrainingCost& cost = answer.cost();
  table.AddRow({"FLOPs to spend", Quantity(cost.compute_flops())});
  if (cost.has_device_hours()) {
    table.AddRow({"Device hours", Quantity(cost.device_hours())});
    table.AddRow({"Hours on the clock", Quantity(cost.wall_hours())});
  }
  if (cost.has_money()) table.AddRow({"Money", Quantity(cost.money())});
  if (answer.has_caller_split()) {
    const v1::SplitComparison& split = answer.caller_split();
    table.AddRow(
        {fmt::format("{} QAT instead wastes, of the tokens", Percent(split.qat_fraction())),
         WasteText(split.wasted_token_fraction())});
  }
  return table;
}

Table ScheduleTable(const v1::SchedulePlan& schedule) {
  Table table({"phase", "steps", "learning rate, of the peak", "shape"});
  for (const v1::SchedulePhase& phase : schedule.phases()) {
    table.AddRow({phase.name(),
                  fmt::format("{}", phase.steps()),
                  fmt::format("{:g} to {:g}", phase.first_rate(), phase.last_rate()),
                  phase.shape()});
  }
  return table;
}

std::string ScheduleText(const v1::SchedulePlan& schedule) {
  std::string text = fmt::format(
      "{} Steps of {} {}: {} in full precision, {} with QAT.",
      schedule.is_fused() ? "Fused: the learning rate decays inside QAT."
                          : "Classic: the learning rate cools down in full precision, then QAT.",
      Quantity(schedule.tokens_per_step()),
      schedule.tokens_per_step() == 1 ? "token" : "tokens",
      schedule.fp_steps(),
      schedule.qat_steps());
  if (!schedule.tokens_per_step_source().empty()) {
    text += fmt::format(" The tokens of a step: {}", schedule.tokens_per_step_source());
  }
  return text + "\n" + schedule.cooldown().reason() +
         " The expected loss is that of the schedule with which the study's runs were trained.\n";
}

// A list of the lines of `text`.
std::string MarkdownList(const std::string& text) {
  std::string list;
  for (const auto& line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    list += fmt::format("- {}\n", std::string(line));
  }
  return list;
}

std::string Section(const std::string& title, const std::string& body) {
  return fmt::format("\n## {}\n\n{}", title, body);
}

}  // namespace

std::string PlanReport(const v1::PlanTrainingRequest& request,
                       const v1::PlanTrainingResponse& answer) {
  const auto candidates = Candidates(answer);
  std::string text = QuestionText(request) + "\n" + PlanTable(answer).Aligned("  ");
  if (answer.has_hardware()) text += "\n" + HardwareText(answer.hardware());
  text += "\n" + ScheduleText(answer.schedule()) + ScheduleTable(answer.schedule()).Aligned("  ");
  if (candidates.size() > 1) {
    text += "\nWidths compared:\n" + CandidateTable(candidates).Aligned("  ");
  }
  text += TiesText(candidates) + RefusedText(answer.refused());
  text += "\nMemory:\n" + MemoryTable(answer.plan().memory()).Aligned("  ");
  text += MemoryRuleText(answer.memory_model());
  return text + "\n" + ConfidenceText(answer.provenance()) + ProvenanceText(answer.provenance());
}

std::string PlanDocument(const v1::PlanTrainingRequest& request,
                         const v1::PlanTrainingResponse& answer) {
  const auto candidates = Candidates(answer);
  std::string text = "# Training plan\n\n" + QuestionText(request) + "\n";
  text += PlanTable(answer).Markdown();
  if (answer.has_hardware()) text += "\n" + HardwareText(answer.hardware());
  text +=
      Section("Schedule",
              ScheduleText(answer.schedule()) + "\n" + ScheduleTable(answer.schedule()).Markdown());
  text += Section("Memory",
                  MemoryTable(answer.plan().memory()).Markdown() + "\n" +
                      MemoryRuleText(answer.memory_model()));
  text += Section("Widths compared",
                  CandidateTable(candidates).Markdown() + "\n" +
                      MarkdownList(TiesText(candidates) + RefusedText(answer.refused())));
  text += Section(
      "Where this comes from",
      MarkdownList(ConfidenceText(answer.provenance()) + ProvenanceText(answer.provenance())));
  return text;
}

}  // namespace bitbudget::cli
