#include "planner/width_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "planner/capability.h"
#include "planner/checkpoint.h"
#include "planner/uncertainty.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "util/width_text.h"

namespace bitbudget::planner {
namespace {

// Sizes nearer than this to an end of their range, in ln N, are at it.
constexpr double kAtEnd = 1e-6;

// d ln N / d ln block_parameters.
double SizeElasticity(const MemoryModel& model, const ModelMemory& memory) {
  if (!model.law_counts_embeddings) return 1;
  return (memory.block_parameters + memory.embedding_parameters / 3) /
         (memory.block_parameters + memory.embedding_parameters);
}

WidthOutcome Refuse(absl::Status refusal, double miss = 0) {
  return {.refusal = std::move(refusal), .miss = miss};
}

// Sizes to search at one width.
struct SizeRange {
  double lower = 0;  // ln N
  double upper = 0;
  bool is_given = false;
  bool is_capped = false;  // `upper` is what the memory holds

  bool HoldsEnd(double log_parameters) const { return upper - log_parameters < kAtEnd; }
  // True at an end that is neither the question's nor the cap's.
  bool IsUnbounded(double log_parameters) const {
    if (is_given) return false;
    const bool is_smallest = log_parameters - lower < kAtEnd && lower < upper;
    return is_smallest || (!is_capped && HoldsEnd(log_parameters));
  }
  SizeLimit LimitOf(double log_parameters) const {
    if (is_given) return SizeLimit::kGiven;
    return is_capped && HoldsEnd(log_parameters) ? SizeLimit::kMemory : SizeLimit::kBudget;
  }
};

class WidthSearch {
 public:
  WidthSearch(const FittedLaw& law,
              const BitWidthQuestion& question,
              const SizeSearch& search,
              const WidthPlan* near)
      : law_(law), question_(question), search_(search) {
    if (near != nullptr && near->split) {
      guess_ = {near->log_parameters, near->split->logit_fraction};
    }
  }

  WidthOutcome Run() const {
    absl::Status refusal;
    double miss = 0;
    const std::optional<SizeRange> range = Sizes(&refusal, &miss);
    if (!range) return Refuse(std::move(refusal), miss);
    if (question_.fixed_fp_tokens) return FromCheckpoint();
    if (question_.objective == WidthObjective::kLeastCompute) return LeastCompute(*range);
    if (absl::Status status = CheckBuysARun(question_.budget, std::exp(range->lower));
        !status.ok()) {
      return Refuse(std::move(status));
    }
    const auto best = search_.Best(range->lower, range->upper, question_.budget, guess_);
    if (!best) return Refuse(NoBestSplit());
    return question_.objective == WidthObjective::kLeastLoss ? LeastLoss(*best, *range)
                                                             : LeastMemory(*best, *range);
  }

 private:
  double weight_bits() const { return search_.weight_bits(); }

  // How many times the cap a model takes.
  double ShareOfCap(double parameters) const {
    return MemoryOf(question_.memory_model, parameters, weight_bits()).total_bytes /
           *question_.memory_bytes;
  }

  absl::Status TooLarge(double parameters) const {
    const ModelMemory memory = MemoryOf(question_.memory_model, parameters, weight_bits());
    return OutOfRangeField(
        "memory_bytes",
        fmt::format("is {:.0f}; {}{:.0f} parameters at {} take {:.0f} bytes in all, of which "
                    "{:.0f} are embedding and head (vocabulary {:.0f}) and {:.0f} key-value cache",
                    *question_.memory_bytes,
                    question_.parameters ? "" : "even ",
                    parameters,
                    WidthText(weight_bits()),
                    memory.total_bytes,
                    memory.embedding_bytes,
                    question_.memory_model.vocabulary,
                    memory.kv_cache_bytes));
  }

  // nullopt with the reason if the cap holds no model.
  std::optional<SizeRange> Sizes(absl::Status* refusal, double* miss) const {
    const double least =
        question_.parameters.value_or(law_.support.parameters.lower / kSizeSearchFactor);
    const double most =
        question_.parameters.value_or(law_.support.parameters.upper * kSizeSearchFactor);
    SizeRange range{std::log(least), std::log(most), question_.parameters.has_value()};
    if (!question_.memory_bytes) return range;
    *miss = ShareOfCap(least);
    if (*miss > 1) {
      *refusal = TooLarge(least);
      return std::nullopt;
    }
    if (range.is_given) return range;
    const double held =
        LargestModel(question_.memory_model, *question_.memory_bytes, weight_bits());
    range.is_capped = held < most;
    range.upper = std::max(range.lower, std::log(std::min(held, most)));
    return range;
  }

  absl::Status NoBestSplit() const {
    if (!question_.parameters) return NoInteriorOptimum(law_);
    const double parameters = *question_.parameters;
    return NoInteriorOptimumAt(law_,
                               {.parameters = parameters,
                                .fp_tokens = question_.budget.TokensAt(parameters),
                                .weight_bits = weight_bits()});
  }

  WidthOutcome LeastLoss(const SizedSplit& best, const SizeRange& range) const {
    if (range.IsUnbounded(best.log_parameters)) return Unbounded(best, range);
    return Found(best, question_.budget, range.LimitOf(best.log_parameters));
  }

  WidthOutcome LeastMemory(const SizedSplit& best, const SizeRange& range) const {
    const double target_nats = *question_.target_loss_nats;
    if (best.loss_nats() > target_nats) return TargetMissed(best.loss_nats());
    // The memory of a given size is certain.
    if (range.is_given) return Found(best, question_.budget, SizeLimit::kGiven);
    const SizedSplit smallest = search_.Smallest(range.lower, best, question_.budget, target_nats);
    if (smallest.log_parameters - range.lower < kAtEnd) return Unbounded(smallest, range);
    WidthOutcome outcome = Found(smallest, question_.budget, SizeLimit::kTarget);
    const ModelMemory memory =
        MemoryOf(question_.memory_model, smallest.parameters(), weight_bits());
    outcome.plan->need_per_log_loss = -smallest.loss_nats() / smallest.slope * memory.elasticity /
                                      SizeElasticity(question_.memory_model, memory);
    return outcome;
  }

  WidthOutcome LeastCompute(const SizeRange& range) const {
    const double cost = question_.budget.qat_token_cost;
    const auto least =
        search_.LeastCompute(range.lower, range.upper, cost, *question_.target_loss_nats);
    if (!least) return Refuse(NoInteriorOptimum(law_));
    if (!least->reaches) return TargetMissed(least->best.loss_nats());
    const SizedSplit& best = least->best;
    if (range.IsUnbounded(best.log_parameters)) return Unbounded(best, range);
    const SizeLimit limit = range.LimitOf(best.log_parameters);
    // What is spent follows from the target.
    WidthOutcome outcome =
        Found(best, least->budget, limit == SizeLimit::kBudget ? SizeLimit::kTarget : limit);
    outcome.plan->need_per_log_loss = -1 / best.split.LossElasticity();
    return outcome;
  }

  // QAT tokens that the budget, or the target, leaves for the checkpoint. Where the law
  // reaches the target with less than one, a plan has one all the same: refused, the
  // width would lose to those that need more.
  absl::StatusOr<double> QatTokensOfCheckpoint(const LossSurface& surface) const {
    const double fp_tokens = *question_.fixed_fp_tokens;
    FractionQuestion fraction_question{.parameters = *question_.parameters,
                                       .weight_bits = weight_bits()};
    fraction_question.qat_token_cost = question_.budget.qat_token_cost;
    fraction_question.fixed_fp_tokens = fp_tokens;
    const bool is_inverse = question_.objective == WidthObjective::kLeastCompute;
    if (is_inverse) {
      if (surface.LossNats(LogTokens::Of(fp_tokens, 1)) <= *question_.target_loss_nats) return 1;
      fraction_question.target_loss_nats = question_.target_loss_nats;
    } else {
      fraction_question.budget_tokens = question_.budget.TokensAt(*question_.parameters);
    }
    ASSIGN_OR_RETURN(const CheckpointAnswer answer,
                     PlanCheckpoint(surface, fraction_question, Uncertainty(law_)));
    return is_inverse ? answer.target_qat_tokens->value : *answer.qat_tokens;
  }

  // The full-precision tokens are spent.
  WidthOutcome FromCheckpoint() const {
    const double log_parameters = std::log(*question_.parameters);
    const LossSurface surface = search_.SurfaceAt(log_parameters);
    const auto qat_tokens = QatTokensOfCheckpoint(surface);
    if (!qat_tokens.ok()) {
      const double floor_nats = surface.FloorNats(*question_.fixed_fp_tokens);
      const bool is_inverse = question_.objective == WidthObjective::kLeastCompute;
      return Refuse(qat_tokens.status(), is_inverse ? floor_nats / *question_.target_loss_nats : 0);
    }
    const LogTokens tokens = LogTokens::Of(*question_.fixed_fp_tokens, *qat_tokens);
    WidthPlan plan{.log_parameters = log_parameters, .tokens = tokens};
    plan.loss_nats = surface.LossNats(tokens);
    plan.budget = {.flops = TrainingFlops(surface.RunAt(tokens), question_.budget.qat_token_cost),
                   .qat_token_cost = question_.budget.qat_token_cost};
    // QAT, all that is still to be spent, grows until the loss has fallen.
    plan.need_per_log_loss = -plan.loss_nats / surface.SlopeInLogQatTokens(tokens);
    return {.plan = plan};
  }

  static WidthOutcome Found(const SizedSplit& best, const TrainingBudget& budget, SizeLimit limit) {
    WidthPlan plan{.log_parameters = best.log_parameters, .tokens = best.split.tokens};
    plan.loss_nats = best.loss_nats();
    plan.split = best.split;
    plan.budget = budget;
    plan.limit = limit;
    return {.plan = plan};
  }

  WidthOutcome Unbounded(const SizedSplit& best, const SizeRange& range) const {
    const bool is_largest = range.HoldsEnd(best.log_parameters);
    return Refuse(OutOfRangeField(
        "parameters",
        fmt::format("are free, and by the law the best size is {} {:.3g}, {}",
                    is_largest ? "above" : "below",
                    best.parameters(),
                    is_largest
                        ? fmt::format("{:g} times the largest measured one; set memory_bytes or "
                                      "parameters",
                                      kSizeSearchFactor)
                        : fmt::format("1/{:g} of the smallest measured one; set parameters",
                                      kSizeSearchFactor))));
  }

  WidthOutcome TargetMissed(double best_nats) const {
    const double target_nats = *question_.target_loss_nats;
    // Rounded up, so that whoever asks for it gets it.
    const double reached_nats = std::ceil(best_nats * 1e5) / 1e5;
    return Refuse(OutOfRangeField("target_loss_nats",
                                  fmt::format("is {}; at best {} is reached at {}",
                                              target_nats,
                                              reached_nats,
                                              WidthText(weight_bits()))),
                  best_nats / target_nats);
  }

  const FittedLaw& law_;
  const BitWidthQuestion& question_;
  const SizeSearch& search_;
  std::optional<SizeSearch::Guess> guess_;
};

}  // namespace

WidthOutcome SearchAtWidth(const FittedLaw& law,
                           const BitWidthQuestion& question,
                           const SizeSearch& search,
                           const WidthPlan* near) {
  return WidthSearch(law, question, search, near).Run();
}

}  // namespace bitbudget::planner
