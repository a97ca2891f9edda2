#include "client/cli/width_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <vector>

#include "client/cli/bytes.h"
#include "client/cli/quantity.h"
#include "client/cli/text.h"
#include "util/width_text.h"

namespace bitbudget::cli {
namespace {

std::string Quantity(double value) { return FormatQuantity(value); }

// A difference of losses or perplexities; those beyond everyday size with an exponent.
std::string Signed(double value) {
  constexpr double kEveryday = 1e6;
  return std::abs(value) < kEveryday ? fmt::format("{:+.4f}", value)
                                     : fmt::format("{:+.3e}", value);
}

// Tokens to add, as a share of the budget; from ten budgets on, how many it takes in all.
std::string ExtraTokensText(double share) {
  if (share >= 10) return Quantity(1 + share) + "-fold";
  return fmt::format("{:+.3g} %", 100 * share);
}

std::string SizeLimitText(v1::BitWidthCandidate::SizeLimit limit) {
  switch (limit) {
    case v1::BitWidthCandidate::GIVEN:
      return "the question";
    case v1::BitWidthCandidate::MEMORY:
      return "the memory";
    case v1::BitWidthCandidate::BUDGET:
      return "the budget";
    case v1::BitWidthCandidate::TARGET:
      return "the target";
    default:
      return "";
  }
}

std::string BestSentence(const v1::BitWidthCandidate& best) {
  return fmt::format(
      "Train at {}: {} parameters, {} tokens in full precision and {} with QAT ({}); expected "
      "loss {} nats, memory {}.\n",
      WidthText(best.weight_bits()),
      Quantity(best.parameters()),
      Quantity(best.fp_tokens()),
      Quantity(best.qat_tokens()),
      Percent(best.qat_fraction().value()),
      LossText(best.loss_nats().value()),
      FormatBytes(best.memory().total_bytes()));
}

// Empty for a question that wanted no intervals.
template <typename Request>
std::string AskedConfidenceText(const Request& request, const v1::Provenance& provenance) {
  return request.point_only() ? "" : ConfidenceText(provenance);
}

// What the target takes, with an inverse; else empty.
std::string NeedText(const v1::BitWidthCandidate& candidate) {
  if (candidate.has_needed_memory_bytes()) {
    return WithInterval(candidate.needed_memory_bytes(), &FormatBytes);
  }
  if (candidate.has_needed_compute_flops()) {
    return WithInterval(candidate.needed_compute_flops(), &Quantity) + " FLOPs";
  }
  return "";
}

std::string NeedSentence(const v1::BitWidthCandidate& best) {
  const std::string need = NeedText(best);
  return need.empty() ? "" : fmt::format("The target needs {}.\n", need);
}

std::string ExcessText(const v1::BitWidthCandidate& candidate, bool is_best) {
  return is_best ? "" : WithInterval(candidate.excess_loss_nats(), &Signed);
}

std::string ExtraTokens(const v1::EqualTokensComparison& comparison) {
  if (!comparison.has_extra_token_share()) return "none suffice";
  return WithInterval(comparison.extra_token_share(), &ExtraTokensText);
}

void AddComparison(Table& table,
                   const v1::WidthComparison& width,
                   const std::string& reference,
                   const v1::EqualTokensComparison& comparison) {
  table.AddRow({BitsText(width.weight_bits()),
                reference,
                WithInterval(comparison.reference().loss_difference_nats(), &Signed),
                WithInterval(comparison.reference().perplexity_difference(), &Signed),
                comparison.matches() ? "yes" : "no",
                ExtraTokens(comparison)});
}

Table EqualTokensTable(const v1::CompareToFullPrecisionResponse& answer) {
  Table table({"bits", "reference", "loss", "perplexity", "matches", "tokens to match"});
  for (const v1::WidthComparison& width : answer.widths()) {
    AddComparison(table, width, "the law's own", width.same_law());
    if (width.has_full_precision_law()) {
      AddComparison(table, width, "full-precision law", width.full_precision_law());
    }
  }
  return table;
}

Table EqualMemoryTable(const v1::CompareToFullPrecisionResponse& answer) {
  Table table({"bits",
               "memory",
               "parameters in full precision",
               "loss, the law's own",
               "loss, full-precision law"});
  for (const v1::WidthComparison& width : answer.widths()) {
    if (!width.has_equal_memory()) continue;
    const v1::EqualMemoryComparison& equal = width.equal_memory();
    table.AddRow({BitsText(width.weight_bits()),
                  FormatBytes(width.memory().total_bytes()),
                  Quantity(equal.parameters()),
                  WithInterval(equal.same_law().loss_difference_nats(), &Signed),
                  equal.has_full_precision_law()
                      ? WithInterval(equal.full_precision_law().loss_difference_nats(), &Signed)
                      : ""});
  }
  return table;
}

// Where full-precision models of equal memory lie outside the data.
std::string EqualMemoryRangeText(const v1::CompareToFullPrecisionResponse& answer) {
  std::string text;
  for (const v1::WidthComparison& width : answer.widths()) {
    text += ExtrapolationText(
        fmt::format("Outside the data, in the memory of {}", WidthText(width.weight_bits())),
        width.equal_memory().extrapolation());
  }
  return text;
}

std::string FewestBitsText(const char* reference, bool is_known, double weight_bits) {
  if (!is_known) return fmt::format("No width matches {}.\n", reference);
  return fmt::format("The fewest bits that match {}: {}.\n", reference, BitsText(weight_bits));
}

}  // namespace

Table CandidateTable(const std::vector<const v1::BitWidthCandidate*>& candidates) {
  const v1::BitWidthCandidate& best = *candidates.front();
  const bool has_need = best.has_needed_memory_bytes() || best.has_needed_compute_flops();
  Table table({"bits",
               "parameters",
               "QAT",
               "loss",
               has_need ? "needs" : "above the best",
               "best of all",
               "memory",
               "FLOPs",
               "size set by"});
  for (const v1::BitWidthCandidate* candidate : candidates) {
    table.AddRow({BitsText(candidate->weight_bits()) + (candidate->is_tie() ? " =" : ""),
                  Quantity(candidate->parameters()),
                  Percent(candidate->qat_fraction().value()),
                  WithInterval(candidate->loss_nats(), &LossText),
                  has_need ? NeedText(*candidate) : ExcessText(*candidate, candidate == &best),
                  candidate->has_probability_best() ? Percent(candidate->probability_best()) : "",
                  FormatBytes(candidate->memory().total_bytes()),
                  Quantity(candidate->compute_flops()),
                  SizeLimitText(candidate->size_limit())});
  }
  return table;
}

Table MemoryTable(const v1::ModelMemory& memory) {
  Table table({"", ""});
  const auto add = [&](const std::string& name, double bytes) {
    table.AddRow({name, FormatBytes(bytes)});
  };
  add(fmt::format("Block weights, {} at {}",
                  Quantity(memory.block_parameters()),
                  WidthText(memory.storage_bits())),
      memory.block_bytes());
  add("Scales of groups", memory.scale_bytes());
  add("Zero points of groups", memory.zero_point_bytes());
  add(fmt::format("Embedding and head, {} at {}",
                  Quantity(memory.embedding_parameters()),
                  WidthText(memory.embedding_bits())),
      memory.embedding_bytes());
  add("Norms", memory.norm_bytes());
  add("Key-value cache", memory.kv_cache_bytes());
  add("Overhead", memory.overhead_bytes());
  add("In all", memory.total_bytes());
  return table;
}

std::string MemoryRuleText(const v1::MemoryModel& model) {
  const std::string groups =
      model.group_size() == 0 ? "a row of weights" : Counted(model.group_size(), "weight");
  return fmt::format(
      "Memory by this rule: {:.4g} parameters a layer and squared width, width {:.4g} times the "
      "layers; vocabulary {}, {}; a scale of {:g} bits and a zero point of {:g} for {}; a cache "
      "of {} x {} tokens at {:g} bits; overhead {} and {}.\n",
      model.layer_coefficient(),
      model.width_per_layer(),
      model.vocabulary(),
      model.tied_embeddings() ? "head tied" : "head of its own",
      model.scale_bits(),
      model.zero_point_bits(),
      groups,
      model.batch(),
      model.context_tokens(),
      model.kv_cache_bits(),
      Percent(model.overhead_share()),
      FormatBytes(model.overhead_bytes()));
}

std::string RefusedText(const google::protobuf::RepeatedPtrField<v1::RefusedWidth>& refused) {
  std::string text;
  for (const v1::RefusedWidth& width : refused) {
    text += fmt::format("Not {}: {}.\n", WidthText(width.weight_bits()), width.reason());
  }
  return text;
}

std::string TiesText(const std::vector<const v1::BitWidthCandidate*>& candidates) {
  std::vector<std::string> ties;
  for (const v1::BitWidthCandidate* candidate : candidates) {
    if (candidate->is_tie() && candidate != candidates.front()) {
      ties.push_back(BitsText(candidate->weight_bits()));
    }
  }
  if (ties.empty()) return "";
  return fmt::format("Tied with the best (=): {} bits.\n", fmt::join(ties, ", "));
}

std::string ConfidenceText(const v1::Provenance& provenance) {
  return fmt::format("Intervals: {}.\n", Percent(provenance.confidence_level()));
}

std::string HardwareText(const v1::Hardware& hardware) {
  return fmt::format("On {} at {} FLOP/s, {} of it used.\n",
                     hardware.device().empty()
                         ? Counted(hardware.device_count(), "device")
                         : fmt::format("{} {}", hardware.device_count(), hardware.device()),
                     Quantity(hardware.peak_flops()),
                     Percent(hardware.utilization()));
}

std::string BitsReport(const v1::OptimizeBitWidthRequest& request,
                       const v1::OptimizeBitWidthResponse& answer) {
  std::vector<const v1::BitWidthCandidate*> candidates;
  for (const v1::BitWidthCandidate& candidate : answer.candidates()) {
    candidates.push_back(&candidate);
  }
  const v1::BitWidthCandidate& best = answer.candidates(0);
  std::string text = BestSentence(best) + NeedSentence(best);
  if (request.has_memory_bytes()) {
    text +=
        fmt::format("The cap is {}.\n", FormatBytes(static_cast<double>(request.memory_bytes())));
  }
  text += "\n" + CandidateTable(candidates).Aligned("  ");
  const std::string remarks = TiesText(candidates) + RefusedText(answer.refused());
  if (!remarks.empty()) text += "\n" + remarks;
  text += fmt::format("\nMemory at {}:\n", WidthText(best.weight_bits()));
  text += MemoryTable(best.memory()).Aligned("  ") + "\n" + MemoryRuleText(answer.memory_model());
  return text + AskedConfidenceText(request, answer.provenance()) +
         ProvenanceText(answer.provenance());
}

std::string CompareReport(const v1::CompareToFullPrecisionRequest& request,
                          const v1::CompareToFullPrecisionResponse& answer) {
  std::string text = fmt::format(
      "{} parameters, {} tokens: quantized runs at their best split against full precision.\n",
      Quantity(static_cast<double>(request.parameters())),
      Quantity(answer.total_tokens()));
  text += fmt::format("A match is a loss at most {:.4g} nats above full precision.\n",
                      answer.tolerance_nats());
  text += FewestBitsText("the law's own full precision",
                         answer.has_fewest_bits_same_law(),
                         answer.fewest_bits_same_law());
  if (answer.widths(0).has_full_precision_law()) {
    text += FewestBitsText("the law of the full-precision runs alone",
                           answer.has_fewest_bits_full_precision_law(),
                           answer.fewest_bits_full_precision_law());
  }
  text += "\nAt equal tokens, quantized minus full precision:\n";
  text += EqualTokensTable(answer).Aligned("  ");
  const Table equal_memory = EqualMemoryTable(answer);
  if (!equal_memory.empty()) {
    text += "\nAt equal memory, against the largest full-precision model that fits:\n";
    text += equal_memory.Aligned("  ");
  }
  text += EqualMemoryRangeText(answer);
  text += "\n" + MemoryRuleText(answer.memory_model());
  return text + AskedConfidenceText(request, answer.provenance()) +
         ProvenanceText(answer.provenance());
}

std::string WasteReport(const v1::EstimateWasteRequest& request,
                        const v1::EstimateWasteResponse& answer) {
  std::string text = fmt::format(
      "What {} QAT wastes at {} parameters and {}, by the law itself (nobody has "
      "measured it).\n\n",
      Percent(answer.qat_fraction()),
      Quantity(static_cast<double>(request.parameters())),
      WidthText(request.weight_bits()));
  const bool has_money = answer.budgets(0).has_wasted_money();
  std::vector<std::string> headings = {
      "budget, tokens", "best QAT", "wasted", "in tokens", "in FLOPs"};
  if (answer.has_hardware()) headings.emplace_back("in device hours");
  if (has_money) headings.emplace_back("in money");
  Table table(headings);
  for (const v1::BudgetWaste& waste : answer.budgets()) {
    std::vector<std::string> row = {Quantity(waste.budget_tokens()),
                                    Percent(waste.best_qat_fraction()),
                                    WithInterval(waste.wasted_token_fraction(), &Percent),
                                    WithInterval(waste.wasted_tokens(), &Quantity),
                                    WithInterval(waste.wasted_flops(), &Quantity)};
    if (answer.has_hardware()) row.push_back(WithInterval(waste.wasted_device_hours(), &Quantity));
    if (has_money) row.push_back(WithInterval(waste.wasted_money(), &Quantity));
    table.AddRow(std::move(row));
  }
  text += table.Aligned("  ") + "\n";
  if (answer.has_hardware()) text += HardwareText(answer.hardware());
  return text + AskedConfidenceText(request, answer.provenance()) +
         ProvenanceText(answer.provenance());
}

std::string DevicesReport(const v1::ListDevicesResponse& answer) {
  Table table({"device", "FLOP/s", "memory", "source"});
  for (const v1::Device& device : answer.devices()) {
    table.AddRow({device.name(),
                  Quantity(device.peak_flops()),
                  fmt::format("{:g} GB", device.memory_bytes() / 1e9),
                  device.source()});
  }
  return fmt::format("{}\nUtilization unless you set it: {}. {}\n",
                     table.Aligned(),
                     Percent(answer.default_utilization()),
                     answer.utilization_source());
}

}  // namespace bitbudget::cli
