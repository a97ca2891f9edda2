#include "planner/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "util/error.h"

namespace bitbudget::planner {
namespace {

constexpr double kWarmupShare = 0.01;     // of the full-precision phase
constexpr double kCooldownShare = 0.2;    // arXiv 2405.18392
constexpr double kQatWarmupShare = 0.05;  // as in the bundled runs
constexpr double kQatPeak = 0.3;          // likewise

// Batches of least loss by compute, arXiv 2401.02954.
double TokensPerStep(double flops) { return 0.292 * std::pow(flops, 0.3271); }

// Whole steps that `tokens` pay for; those of a division that rounding left just below a
// whole number as well.
int64_t Steps(double tokens, double tokens_per_step) {
  constexpr double kRounding = 1e-9;
  return static_cast<int64_t>(tokens / tokens_per_step * (1 + kRounding));
}

// Tokens of the shorter phase that is still to be trained.
double LeastPhaseTokens(const ScheduleQuestion& question) {
  return question.has_checkpoint ? question.qat_tokens
                                 : std::min(question.fp_tokens, question.qat_tokens);
}

// Whole steps of both phases. What they leave over may pay for one more, of the phase
// that lacks more of its tokens: the split stays near what was asked.
void SetSteps(const ScheduleQuestion& question, TrainingSchedule* schedule) {
  const double tokens_per_step = schedule->tokens_per_step;
  schedule->fp_steps = Steps(question.fp_tokens, tokens_per_step);
  schedule->qat_steps = Steps(question.qat_tokens, tokens_per_step);
  const auto rest_of = [&](double tokens, int64_t steps) {
    return tokens - static_cast<double>(steps) * tokens_per_step;
  };
  const double fp_rest = rest_of(question.fp_tokens, schedule->fp_steps);
  const double qat_rest = rest_of(question.qat_tokens, schedule->qat_steps);
  const double rest = std::max(0.0, fp_rest + question.qat_token_cost * qat_rest);
  const bool is_qat = qat_rest > fp_rest;
  const double cost = (is_qat ? question.qat_token_cost : 1) * tokens_per_step;
  if (Steps(rest, cost) >= 1) ++(is_qat ? schedule->qat_steps : schedule->fp_steps);
}

class PhaseList {
 public:
  void Add(
      const char* name, int64_t steps, double first_rate, double last_rate, const char* shape) {
    if (steps > 0) phases_.push_back({name, steps, first_rate, last_rate, shape});
  }
  std::vector<SchedulePhase> Take() { return std::move(phases_); }

 private:
  std::vector<SchedulePhase> phases_;
};

void AddFullPrecision(const TrainingSchedule& schedule, PhaseList* phases) {
  const auto share = [&](double of) {
    return static_cast<int64_t>(of * static_cast<double>(schedule.fp_steps));
  };
  const int64_t warmup = share(kWarmupShare);
  const int64_t cooldown = schedule.is_fused ? 0 : share(kCooldownShare);
  phases->Add("fp_warmup", warmup, 0, 1, "linear");
  phases->Add("fp_stable", schedule.fp_steps - warmup - cooldown, 1, 1, "constant");
  phases->Add("fp_cooldown", cooldown, 1, 0, "1-sqrt");
}

void AddQat(const TrainingSchedule& schedule, PhaseList* phases) {
  if (schedule.is_fused) {
    phases->Add("qat_decay", schedule.qat_steps, 1, 0, "1-sqrt");
    return;
  }
  const auto warmup =
      static_cast<int64_t>(kQatWarmupShare * static_cast<double>(schedule.qat_steps));
  phases->Add("qat_warmup", warmup, 0, kQatPeak, "linear");
  phases->Add("qat_decay", schedule.qat_steps - warmup, kQatPeak, 0, "cosine");
}

}  // namespace

absl::StatusOr<TrainingSchedule> MakeSchedule(const ScheduleQuestion& question) {
  TrainingSchedule schedule{.advice = AdviseCooldown(question.weight_bits)};
  schedule.is_fused = schedule.advice.advice == Cooldown::kFuse;
  if (question.has_checkpoint && schedule.is_fused) {
    schedule.advice.reason +=
        " It takes a checkpoint that has not been cooled down; after a cooldown keep to the "
        "classic "
        "schedule.";
  }
  const double most_tokens_per_step = LeastPhaseTokens(question);
  if (question.tokens_per_step) {
    if (Steps(most_tokens_per_step, *question.tokens_per_step) < 1) {
      return OutOfRangeField(
          "tokens_per_step",
          fmt::format("is {:.0f}; the plan has {:.3g} tokens in full precision and {:.3g} with "
                      "QAT, and a phase takes a step or more",
                      *question.tokens_per_step,
                      question.fp_tokens,
                      question.qat_tokens));
    }
    schedule.tokens_per_step = *question.tokens_per_step;
  } else {
    const double by_compute = std::round(TokensPerStep(question.compute_flops));
    schedule.tokens_per_step = std::clamp(by_compute, 1.0, std::floor(most_tokens_per_step));
    schedule.tokens_per_step_source =
        "0.292 C^0.3271 tokens for C FLOPs, the batch of least loss in arXiv 2401.02954; set your "
        "own where you know it.";
  }
  PhaseList phases;
  if (question.has_checkpoint) {
    schedule.qat_steps = Steps(question.qat_tokens, schedule.tokens_per_step);
  } else {
    SetSteps(question, &schedule);
    AddFullPrecision(schedule, &phases);
  }
  AddQat(schedule, &phases);
  schedule.phases = phases.Take();
  return schedule;
}

}  // namespace bitbudget::planner
