#include "planner/bit_width.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "planner/best_fraction.h"
#include "planner/capability.h"
#include "planner/uncertainty.h"
#include "planner/width_ranking.h"
#include "planner/width_search.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "util/width_text.h"

namespace bitbudget::planner {
namespace {

// As in qat_fraction.cc: the noise between seeds of a run.
constexpr double kDefaultToleranceShare = 1e-3;

// A candidate and what its ranking needs.
struct Entry {
  WidthCandidate candidate;
  Contender contender;
  RunPoint run;
};

class EntryMaker {
 public:
  EntryMaker(const FittedLaw& law, const BitWidthQuestion& question, const Uncertainty& uncertainty)
      : law_(law), question_(question), uncertainty_(uncertainty) {}

  // `surface` is that of the width and size of `plan`.
  absl::StatusOr<Entry> Make(const LossSurface& surface, const WidthPlan& plan) const {
    const RunPoint run = surface.RunAt(plan.tokens);
    RETURN_IF_ERROR(CheckBuysARun(plan.budget, run.parameters));
    RETURN_IF_ERROR(CheckLossQuestion(law_, run));
    RETURN_IF_ERROR(CheckBuysPhases(plan, run));
    Entry entry{.run = run};
    if (uncertainty_.wanted()) entry.contender.gradient = surface.LogLossGradient(plan.tokens);
    SetCandidate(surface, plan, &entry);
    if (question_.objective == WidthObjective::kLeastLoss) {
      entry.contender.log_score = std::log(plan.loss_nats);
      entry.contender.misfit_stddev = law_.misfit.loss_stddev;
    } else {
      SetNeed(plan.need_per_log_loss, &entry);
    }
    return entry;
  }

 private:
  // A target that needs less than a token is no plan either.
  absl::Status CheckBuysPhases(const WidthPlan& plan, const RunPoint& run) const {
    if (question_.objective != WidthObjective::kLeastCompute) {
      return CheckBuysTheRun(plan.budget, run);
    }
    if (run.fp_tokens >= 1 && run.qat_tokens >= 1) return absl::OkStatus();
    return OutOfRangeField(
        "target_loss_nats",
        fmt::format("is {:g}, which {:.3g} tokens in full precision and {:.3g} with QAT reach at "
                    "{}; each phase takes 1 or more",
                    *question_.target_loss_nats,
                    run.fp_tokens,
                    run.qat_tokens,
                    WidthText(run.weight_bits)));
  }

  void SetCandidate(const LossSurface& surface, const WidthPlan& plan, Entry* entry) const {
    const RunPoint& run = entry->run;
    WidthCandidate& candidate = entry->candidate;
    candidate.weight_bits = run.weight_bits;
    candidate.parameters = question_.parameters.value_or(run.parameters);
    candidate.qat_fraction = FractionOf(surface, plan);
    candidate.fp_tokens = question_.fixed_fp_tokens.value_or(run.fp_tokens);
    candidate.qat_tokens = run.qat_tokens;
    candidate.loss_nats = uncertainty_.Loss(run, plan.loss_nats, entry->contender.gradient);
    candidate.memory = MemoryOf(question_.memory_model, candidate.parameters, run.weight_bits);
    candidate.compute_flops = TrainingFlops(run, plan.budget.qat_token_cost);
    candidate.tokens_per_parameter_byte = run.tokens_per_parameter_byte(run.total_tokens());
    candidate.size_limit = plan.limit;
    candidate.outside = OutsideData(law_.support, run);
  }

  Estimate FractionOf(const LossSurface& surface, const WidthPlan& plan) const {
    if (!plan.split) return {std::exp(plan.tokens.qat - plan.tokens.total)};
    return BestFraction(surface, plan.budget.At(plan.log_parameters), *plan.split, uncertainty_);
  }

  void SetNeed(double need_per_log_loss, Entry* entry) const {
    WidthCandidate& candidate = entry->candidate;
    Contender& contender = entry->contender;
    const bool is_memory = question_.objective == WidthObjective::kLeastMemory;
    const double need = is_memory ? candidate.memory.total_bytes : FlopsToSpend(entry->run);
    contender.log_score = std::log(need);
    contender.misfit_stddev = std::abs(need_per_log_loss) * law_.misfit.loss_stddev;
    for (double& slope : contender.gradient) slope *= need_per_log_loss;
    candidate.needed = uncertainty_.Positive(
        need, contender.gradient, contender.misfit_stddev * contender.misfit_stddev);
    if (!is_memory) AddSpentFlops(candidate.compute_flops - need, &*candidate.needed);
    // Next to the best loss that the budget buys the slope vanishes, and any size might do.
    const std::optional<fitter::Interval>& interval = candidate.needed->interval;
    if (is_memory && interval && interval->upper > SearchedSpan() * interval->lower) {
      candidate.needed->interval.reset();
    }
  }

  // Without those of a checkpoint, which are certain.
  double FlopsToSpend(RunPoint run) const {
    if (question_.fixed_fp_tokens) run.fp_tokens = 0;
    return TrainingFlops(run, question_.budget.qat_token_cost);
  }

  static void AddSpentFlops(double spent_flops, Estimate* needed) {
    needed->value += spent_flops;
    if (!needed->interval) return;
    needed->interval->lower += spent_flops;
    needed->interval->upper += spent_flops;
  }

  // The largest size that is searched, in smallest ones.
  double SearchedSpan() const {
    const auto& sizes = law_.support.parameters;
    return kSizeSearchFactor * kSizeSearchFactor * sizes.upper / sizes.lower;
  }

  const FittedLaw& law_;
  const BitWidthQuestion& question_;
  const Uncertainty& uncertainty_;
};

// Excess over the first entry, and whether it is a tie.
void CompareWithBest(const BitWidthQuestion& question,
                     const Uncertainty& uncertainty,
                     double tolerance_nats,
                     std::vector<Entry>* entries) {
  const Entry& best = entries->front();
  const double best_nats = best.candidate.loss_nats.value;
  const bool is_about_loss = question.objective == WidthObjective::kLeastLoss;
  for (Entry& entry : *entries) {
    if (&entry == &best) continue;
    const Estimate excess = RelativeExcess(best.contender, entry.contender, uncertainty);
    WidthCandidate& candidate = entry.candidate;
    candidate.is_tie = excess.value == 0 || (excess.interval && excess.interval->lower <= 0);
    if (is_about_loss) {
      candidate.excess_loss_nats.value = best_nats * excess.value;
      if (excess.interval) {
        candidate.excess_loss_nats.interval = {best_nats * excess.interval->lower,
                                               best_nats * excess.interval->upper};
      }
      candidate.is_tie = candidate.is_tie || candidate.excess_loss_nats.value <= tolerance_nats;
    }
  }
  const bool has_ties =
      std::ranges::any_of(*entries, [](const Entry& entry) { return entry.candidate.is_tie; });
  entries->front().candidate.is_tie = has_ties;
}

absl::Status AddProbabilities(const FittedLaw& law,
                              const BitWidthQuestion& question,
                              std::vector<Entry>* entries) {
  std::vector<Contender> contenders;
  std::vector<RunPoint> runs;
  for (const Entry& entry : *entries) {
    contenders.push_back(entry.contender);
    if (question.objective == WidthObjective::kLeastLoss) runs.push_back(entry.run);
  }
  ASSIGN_OR_RETURN(
      const std::vector<double> shares,
      ProbabilitiesOfBest(
          law, contenders, runs, question.draw_count, question.seed, question.cancelled));
  for (size_t i = 0; i < shares.size(); ++i) (*entries)[i].candidate.probability_best = shares[i];
  return absl::OkStatus();
}

bool IsUncertain(const FittedLaw& law) { return !law.covariance.empty() || !law.draws.empty(); }

// A sentence for each width whose target takes no QAT to speak of.
void WarnOfNeedlessQat(const BitWidthQuestion& question,
                       const std::vector<Entry>& entries,
                       std::vector<std::string>* warnings) {
  if (question.objective != WidthObjective::kLeastCompute || !question.fixed_fp_tokens) return;
  for (const Entry& entry : entries) {
    const WidthCandidate& candidate = entry.candidate;
    if (candidate.qat_tokens > 1) continue;
    warnings->push_back(
        fmt::format("By the law one QAT token or less reaches {:g} nats at {}; quantize the "
                    "checkpoint and measure its loss before training it.",
                    *question.target_loss_nats,
                    WidthText(candidate.weight_bits)));
  }
}

std::vector<std::string> Warnings(const FittedLaw& law,
                                  const BitWidthQuestion& question,
                                  const std::vector<Entry>& entries) {
  std::vector<double> widths;
  widths.reserve(entries.size());
  for (const Entry& entry : entries) widths.push_back(entry.candidate.weight_bits);
  std::vector<std::string> warnings = WarnOfInterpolatedWidths(law.support, widths);
  WarnOfNeedlessQat(question, entries, &warnings);
  return warnings;
}

// A candidate for each width that has one; the nearest miss if none has.
absl::StatusOr<std::vector<Entry>> FindEntries(const FittedLaw& law,
                                               const BitWidthQuestion& question,
                                               const std::vector<double>& widths,
                                               const Uncertainty& uncertainty,
                                               std::vector<RefusedWidth>* refused) {
  const EntryMaker maker(law, question, uncertainty);
  std::vector<Entry> entries;
  entries.reserve(widths.size());
  absl::Status nearest_refusal;
  double nearest_miss = std::numeric_limits<double>::infinity();
  std::optional<WidthPlan> near;
  for (const double weight_bits : widths) {
    if (question.cancelled && question.cancelled()) {
      return absl::CancelledError("the question was cancelled");
    }
    const SizeSearch search(law, weight_bits);
    WidthOutcome outcome = SearchAtWidth(law, question, search, near ? &*near : nullptr);
    if (outcome.plan) {
      near = outcome.plan;
      absl::StatusOr<Entry> entry =
          maker.Make(search.SurfaceAt(outcome.plan->log_parameters), *outcome.plan);
      if (entry.ok()) {
        entries.push_back(*std::move(entry));
        continue;
      }
      outcome.refusal = entry.status();
    }
    refused->push_back({weight_bits, std::string(outcome.refusal.message())});
    if (nearest_refusal.ok() || outcome.miss < nearest_miss) {
      nearest_refusal = outcome.refusal;
      nearest_miss = outcome.miss;
    }
  }
  if (entries.empty()) return nearest_refusal;
  return entries;
}

}  // namespace

absl::StatusOr<BitWidthAnswer> OptimizeBitWidth(const FittedLaw& law,
                                                const BitWidthQuestion& question) {
  const std::vector<double>& widths =
      question.weight_bits.empty() ? law.support.weight_bits : question.weight_bits;
  RETURN_IF_ERROR(CheckWidthsQuestion(law, question.parameters, widths));
  const Uncertainty uncertainty =
      question.with_intervals ? Uncertainty(law, question.confidence_level) : Uncertainty(law);
  BitWidthAnswer answer;
  ASSIGN_OR_RETURN(std::vector<Entry> entries,
                   FindEntries(law, question, widths, uncertainty, &answer.refused));
  std::ranges::stable_sort(
      entries, {}, [](const Entry& entry) { return entry.contender.log_score; });
  answer.loss_tolerance_nats = question.loss_tolerance_nats.value_or(
      kDefaultToleranceShare * entries.front().candidate.loss_nats.value);
  CompareWithBest(question, uncertainty, answer.loss_tolerance_nats, &entries);
  if (question.draw_count > 0 && question.with_intervals && IsUncertain(law)) {
    RETURN_IF_ERROR(AddProbabilities(law, question, &entries));
    answer.draw_count = question.draw_count;
  }
  answer.warnings = Warnings(law, question, entries);
  answer.candidates.reserve(entries.size());
  for (Entry& entry : entries) answer.candidates.push_back(std::move(entry.candidate));
  return answer;
}

}  // namespace bitbudget::planner
