#include "planner/bit_width.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "planner/capability.h"
#include "planner/size_optimum.h"
#include "planner/uncertainty.h"
#include "planner/width_ranking.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

// As in qat_fraction.cc: the noise between seeds of a run.
constexpr double kDefaultToleranceShare = 1e-3;

// A run of fewer tokens than one a phase is none.
constexpr double kLeastTokens = 2;

// Sizes nearer than this to an end of their range, in ln N, are at it.
constexpr double kAtEnd = 1e-6;

// What the search found at one width, or why it found nothing.
struct Outcome {
  std::optional<SizedSplit> best;
  TrainingBudget budget;
  SizeLimit limit = SizeLimit::kGiven;
  absl::Status refusal;
  double miss = 0;  // by which factor the question is missed; 0 if none is known
};

Outcome Refuse(absl::Status refusal, double miss = 0) {
  return {.refusal = std::move(refusal), .miss = miss};
}

// Sizes to search at one width.
struct SizeRange {
  double lower = 0;  // ln N
  double upper = 0;
  bool is_given = false;
  bool is_capped = false;  // `upper` is what the memory holds
};

class WidthSearch {
 public:
  WidthSearch(const FittedLaw& law, const BitWidthQuestion& question)
      : law_(law), question_(question) {}

  Outcome At(double weight_bits) const {
    absl::Status refusal;
    double miss = 0;
    const std::optional<SizeRange> range = SizesAt(weight_bits, &refusal, &miss);
    if (!range) return Refuse(std::move(refusal), miss);
    const SizeSearch search(law_, weight_bits);
    if (question_.objective == WidthObjective::kLeastCompute) return LeastCompute(search, *range);
    const auto best = search.Best(range->lower, range->upper, question_.budget);
    if (!best) return Refuse(NoInteriorOptimum(law_));
    return question_.objective == WidthObjective::kLeastLoss ? LeastLoss(*best, *range)
                                                             : LeastMemory(search, *best, *range);
  }

 private:
  std::optional<SizeRange> SizesAt(double weight_bits, absl::Status* refusal, double* miss) const {
    const auto too_large = [&](double parameters) {
      const double bytes = MemoryOf(question_.memory_model, parameters, weight_bits).total_bytes;
      *refusal = OutOfRangeField(
          "memory_bytes",
          fmt::format("is {:g}; {:g} parameters at {:g} bits take {:.4g} bytes in all",
                      *question_.memory_bytes,
                      parameters,
                      weight_bits,
                      bytes));
      *miss = bytes / *question_.memory_bytes;
      return *miss > 1;
    };
    if (question_.parameters) {
      if (question_.memory_bytes && too_large(*question_.parameters)) return std::nullopt;
      const double log_parameters = std::log(*question_.parameters);
      return SizeRange{log_parameters, log_parameters, /*is_given=*/true};
    }
    const double least = law_.support.parameters.lower / kSizeSearchFactor;
    const double most = law_.support.parameters.upper * kSizeSearchFactor;
    SizeRange range{std::log(least), std::log(most)};
    if (!question_.memory_bytes) return range;
    if (too_large(least)) return std::nullopt;
    const double held = LargestModel(question_.memory_model, *question_.memory_bytes, weight_bits);
    range.is_capped = held < most;
    range.upper = std::max(range.lower, std::log(std::min(held, most)));
    return range;
  }

  Outcome LeastLoss(const SizedSplit& best, const SizeRange& range) const {
    Outcome outcome{.best = best, .budget = question_.budget};
    outcome.limit = LimitOf(best, range);
    if (!range.is_given && IsAtEndOfSearch(best, range)) return Unbounded(best, range);
    return outcome;
  }

  Outcome LeastMemory(const SizeSearch& search,
                      const SizedSplit& best,
                      const SizeRange& range) const {
    const double target_nats = *question_.target_loss_nats;
    if (best.loss_nats() > target_nats) return TargetMissed(search.weight_bits(), best.loss_nats());
    if (range.is_given) return {.best = best, .budget = question_.budget};
    const SizedSplit smallest = search.Smallest(range.lower, best, question_.budget, target_nats);
    if (smallest.log_parameters - range.lower < kAtEnd) return Unbounded(smallest, range);
    return {.best = smallest, .budget = question_.budget, .limit = SizeLimit::kTarget};
  }

  Outcome LeastCompute(const SizeSearch& search, const SizeRange& range) const {
    constexpr double kEndlessFlops = 1e40;
    const TrainingBudget endless{.flops = kEndlessFlops,
                                 .qat_token_cost = question_.budget.qat_token_cost};
    const auto floor = search.Best(range.lower, range.upper, endless);
    if (!floor) return Refuse(NoInteriorOptimum(law_));
    const auto least = search.LeastCompute(
        range.lower, range.upper, endless.qat_token_cost, *question_.target_loss_nats);
    if (!least) return TargetMissed(search.weight_bits(), floor->loss_nats());
    if (!range.is_given && IsAtEndOfSearch(least->best, range)) {
      return Unbounded(least->best, range);
    }
    return {.best = least->best, .budget = least->budget, .limit = LimitOf(least->best, range)};
  }

  static SizeLimit LimitOf(const SizedSplit& best, const SizeRange& range) {
    if (range.is_given) return SizeLimit::kGiven;
    const bool is_full = range.is_capped && range.upper - best.log_parameters < kAtEnd;
    return is_full ? SizeLimit::kMemory : SizeLimit::kBudget;
  }

  static bool IsAtEndOfSearch(const SizedSplit& best, const SizeRange& range) {
    const bool is_largest = !range.is_capped && range.upper - best.log_parameters < kAtEnd;
    const bool is_smallest = best.log_parameters - range.lower < kAtEnd;
    return is_largest || (is_smallest && range.lower < range.upper);
  }

  Outcome Unbounded(const SizedSplit& best, const SizeRange& range) const {
    const bool is_largest = range.upper - best.log_parameters < kAtEnd;
    return Refuse(OutOfRangeField(
        "parameters",
        fmt::format("are free, and by the law the best size is {} {:.3g}, {:g} times {} measured "
                    "one; {}",
                    is_largest ? "above" : "below",
                    best.parameters(),
                    kSizeSearchFactor,
                    is_largest ? "the largest" : "the smallest",
                    is_largest ? "set memory_bytes or parameters" : "set parameters")));
  }

  Outcome TargetMissed(double weight_bits, double best_nats) const {
    const double target_nats = *question_.target_loss_nats;
    return Refuse(
        OutOfRangeField(
            "target_loss_nats",
            fmt::format(
                "is {:g}; {:g} bits reach {:.5g} at best", target_nats, weight_bits, best_nats)),
        best_nats / target_nats);
  }

  const FittedLaw& law_;
  const BitWidthQuestion& question_;
};

// d ln N / d ln block_parameters.
double SizeElasticity(const MemoryModel& model, const ModelMemory& memory) {
  if (!model.law_counts_embeddings) return 1;
  return (memory.block_parameters + memory.embedding_parameters / 3) /
         (memory.block_parameters + memory.embedding_parameters);
}

// By what the logarithm of the memory or the FLOPs that the target needs rises as
// the log loss of the plan does; 0 if the need is certain.
double NeedPerLogLoss(const BitWidthQuestion& question,
                      const Outcome& outcome,
                      const ModelMemory& memory) {
  const SizedSplit& best = *outcome.best;
  if (question.objective == WidthObjective::kLeastCompute) return -1 / best.split.LossElasticity();
  if (outcome.limit == SizeLimit::kGiven) return 0;
  return -best.loss_nats() / best.slope * memory.elasticity /
         SizeElasticity(question.memory_model, memory);
}

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

  absl::StatusOr<Entry> Make(double weight_bits, const Outcome& outcome) const {
    const SizedSplit& best = *outcome.best;
    const LossSurface surface = SizeSearch(law_, weight_bits).SurfaceAt(best.log_parameters);
    const RunPoint run = surface.RunAt(best.split.tokens);
    RETURN_IF_ERROR(CheckTokens(run, outcome.budget));
    RETURN_IF_ERROR(CheckSplitQuestion(law_, run.parameters, weight_bits));
    RETURN_IF_ERROR(CheckLossQuestion(law_, run));
    Entry entry{.run = run};
    if (uncertainty_.wanted())
      entry.contender.gradient = surface.LogLossGradient(best.split.tokens);
    SetCandidate(surface, outcome, &entry);
    if (question_.objective == WidthObjective::kLeastLoss) {
      entry.contender.log_score = std::log(best.loss_nats());
      entry.contender.misfit_stddev = law_.misfit.loss_stddev;
    } else {
      SetNeed(outcome, &entry);
    }
    return entry;
  }

 private:
  static absl::Status CheckTokens(const RunPoint& run, const TrainingBudget& budget) {
    if (run.total_tokens() >= kLeastTokens) return absl::OkStatus();
    return OutOfRangeField(
        budget.flops ? "compute_flops" : "total_tokens",
        fmt::format("buys {:.3g} tokens for {:.3g} parameters; a run of two phases takes 2 or more",
                    run.total_tokens(),
                    run.parameters));
  }

  void SetCandidate(const LossSurface& surface, const Outcome& outcome, Entry* entry) const {
    const SizedSplit& best = *outcome.best;
    const RunPoint& run = entry->run;
    WidthCandidate& candidate = entry->candidate;
    candidate.weight_bits = run.weight_bits;
    candidate.parameters = question_.parameters.value_or(run.parameters);
    std::vector<double> fraction_gradient;
    if (uncertainty_.wanted()) {
      fraction_gradient =
          LogitFractionGradient(surface, outcome.budget.At(best.log_parameters), best.split);
    }
    candidate.qat_fraction = uncertainty_.Fraction(best.split.logit_fraction, fraction_gradient);
    candidate.fp_tokens = run.fp_tokens;
    candidate.qat_tokens = run.qat_tokens;
    candidate.loss_nats = uncertainty_.Loss(best.loss_nats(), entry->contender.gradient);
    candidate.memory = MemoryOf(question_.memory_model, candidate.parameters, run.weight_bits);
    candidate.compute_flops = TrainingFlops(run, outcome.budget.qat_token_cost);
    candidate.tokens_per_parameter_byte = run.tokens_per_parameter_byte(run.total_tokens());
    candidate.size_limit = outcome.limit;
    candidate.outside = OutsideData(law_.support, run);
  }

  void SetNeed(const Outcome& outcome, Entry* entry) const {
    WidthCandidate& candidate = entry->candidate;
    Contender& contender = entry->contender;
    const bool is_memory = question_.objective == WidthObjective::kLeastMemory;
    const double need = is_memory ? candidate.memory.total_bytes : candidate.compute_flops;
    const double scale = NeedPerLogLoss(question_, outcome, candidate.memory);
    contender.log_score = std::log(need);
    contender.misfit_stddev = std::abs(scale) * law_.misfit.loss_stddev;
    for (double& slope : contender.gradient) slope *= scale;
    candidate.needed = uncertainty_.Positive(
        need, contender.gradient, contender.misfit_stddev * contender.misfit_stddev);
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

std::vector<std::string> Warnings(const FittedLaw& law, const std::vector<Entry>& entries) {
  std::vector<std::string> warnings;
  for (const Entry& entry : entries) {
    const double bits = entry.candidate.weight_bits;
    if (std::ranges::find(law.support.weight_bits, bits) == law.support.weight_bits.end()) {
      warnings.push_back(fmt::format(
          "{:g} bits were not measured: its loss is interpolated between the widths that were.",
          bits));
    }
  }
  return warnings;
}

}  // namespace

absl::StatusOr<BitWidthAnswer> OptimizeBitWidth(const FittedLaw& law,
                                                const BitWidthQuestion& question) {
  const std::vector<double>& widths =
      question.weight_bits.empty() ? law.support.weight_bits : question.weight_bits;
  RETURN_IF_ERROR(CheckWidthsQuestion(law, question.parameters, widths));
  const Uncertainty uncertainty =
      question.with_intervals ? Uncertainty(law, question.confidence_level) : Uncertainty(law);
  const WidthSearch search(law, question);
  const EntryMaker maker(law, question, uncertainty);

  BitWidthAnswer answer;
  std::vector<Entry> entries;
  absl::Status nearest_refusal;
  double nearest_miss = std::numeric_limits<double>::infinity();
  for (const double weight_bits : widths) {
    if (question.cancelled && question.cancelled()) {
      return absl::CancelledError("the question was cancelled");
    }
    Outcome outcome = search.At(weight_bits);
    if (outcome.best) {
      absl::StatusOr<Entry> entry = maker.Make(weight_bits, outcome);
      if (entry.ok()) {
        entries.push_back(*std::move(entry));
        continue;
      }
      outcome.refusal = entry.status();
    }
    answer.refused.push_back({weight_bits, std::string(outcome.refusal.message())});
    if (nearest_refusal.ok() || outcome.miss < nearest_miss) {
      nearest_refusal = outcome.refusal;
      nearest_miss = outcome.miss;
    }
  }
  if (entries.empty()) return nearest_refusal;

  std::ranges::stable_sort(
      entries, {}, [](const Entry& entry) { return entry.contender.log_score; });
  answer.loss_tolerance_nats = question.loss_tolerance_nats.value_or(
      kDefaultToleranceShare * entries.front().candidate.loss_nats.value);
  CompareWithBest(question, uncertainty, answer.loss_tolerance_nats, &entries);
  if (question.draw_count > 0 && question.with_intervals && !law.covariance.empty()) {
    RETURN_IF_ERROR(AddProbabilities(law, question, &entries));
    answer.draw_count = question.draw_count;
  }
  answer.warnings = Warnings(law, entries);
  for (Entry& entry : entries) answer.candidates.push_back(std::move(entry.candidate));
  return answer;
}

}  // namespace bitbudget::planner
