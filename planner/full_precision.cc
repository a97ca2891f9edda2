#include "planner/full_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "planner/capability.h"
#include "planner/size_optimum.h"
#include "planner/uncertainty.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "util/width_text.h"

namespace bitbudget::planner {
namespace {

constexpr double kFullPrecisionBits = 16;
constexpr double kDefaultToleranceShare = 0.01;

// A loss by one of the laws, with its derivatives.
struct Loss {
  const FittedLaw* law = nullptr;
  RunPoint run;
  double nats = 0;
  std::vector<double> log_gradient;  // empty without intervals
};

class Comparison {
 public:
  Comparison(const FitLaws& laws, const FullPrecisionQuestion& question)
      : laws_(laws), question_(question), log_parameters_(std::log(question.parameters)) {
    if (question.with_intervals) joint_ = JointUncertainty(laws, question.confidence_level);
    total_tokens_ = question.budget.TokensAt(question.parameters);
  }

  // Whether the question can be answered at all; settles tolerance and laws.
  absl::Status Prepare(FullPrecisionAnswer* answer) {
    RETURN_IF_ERROR(CheckBuysARun(question_.budget, question_.parameters));
    const RunPoint run = FullPrecisionRun(question_.parameters);
    RETURN_IF_ERROR(CheckLossQuestion(*laws_.law, run));
    const FittedLaw* other = laws_.full_precision_law;
    if (other == nullptr) {
      answer->warnings.push_back(
          "The study has no law of its full-precision runs alone, which would be the second "
          "reference; measure some more of them.");
    } else if (const absl::Status status = CheckLossQuestion(*other, run); !status.ok()) {
      answer->warnings.push_back(
          fmt::format("The law of the full-precision runs alone cannot say: {}",
                      std::string(status.message())));
      other = nullptr;
    }
    full_precision_law_ = other;
    tolerance_nats_ =
        question_.tolerance_nats.value_or(kDefaultToleranceShare * LossOf(*laws_.law, run).nats);
    answer->tolerance_nats = tolerance_nats_;
    answer->total_tokens = total_tokens_;
    return absl::OkStatus();
  }

  absl::StatusOr<WidthAgainstFullPrecision> At(double weight_bits) const {
    const SizeSearch search(*laws_.law, weight_bits);
    const auto best = search.At(log_parameters_, question_.budget);
    if (!best) return NoInteriorOptimumAt(*laws_.law, FullPrecisionRun(question_.parameters));
    const RunPoint run = search.SurfaceAt(log_parameters_).RunAt(best->split.tokens);
    RETURN_IF_ERROR(CheckLossQuestion(*laws_.law, run));
    const Loss loss = LossOf(*laws_.law, run);
    RETURN_IF_ERROR(CheckBuysTheRun(question_.budget, run));
    RETURN_IF_ERROR(CheckHasPerplexity(loss));

    WidthAgainstFullPrecision width{.weight_bits = weight_bits};
    width.qat_fraction = run.qat_fraction();
    width.fp_tokens = run.fp_tokens;
    width.qat_tokens = run.qat_tokens;
    width.loss_nats = EstimateOf(loss);
    width.memory = MemoryOf(question_.memory_model, question_.parameters, weight_bits);
    width.same_law = AtEqualTokens(search, loss, *laws_.law);
    // The law itself says that quantization never helps.
    KeepAtLeastZero(&width.same_law.reference.loss_difference_nats);
    KeepAtLeastZero(&width.same_law.reference.perplexity_difference);
    if (full_precision_law_ != nullptr) {
      width.full_precision_law = AtEqualTokens(search, loss, *full_precision_law_);
    }
    width.equal_memory = AtEqualMemory(loss, width.memory.total_bytes);
    return width;
  }

 private:
  RunPoint FullPrecisionRun(double parameters) const {
    return {.parameters = parameters,
            .fp_tokens = question_.budget.TokensAt(parameters),
            .qat_tokens = 0,
            .weight_bits = kFullPrecisionBits};
  }

  Loss LossOf(const FittedLaw& law, const RunPoint& run) const {
    Loss loss{.law = &law, .run = run};
    std::vector<double>* gradient = question_.with_intervals ? &loss.log_gradient : nullptr;
    loss.nats = std::exp(fitter::LogLoss(law.law, law.theta, run, gradient));
    return loss;
  }

  // A few tokens for a large model: the law has a loss for that, and no run has it.
  absl::Status CheckHasPerplexity(const Loss& loss) const {
    if (std::isfinite(std::exp(loss.nats))) return absl::OkStatus();
    return OutOfRangeField(
        FieldOf(question_.budget),
        fmt::format("buys so little for {:g} parameters at {} that the law gives a loss of "
                    "{:.3g} nats",
                    loss.run.parameters,
                    WidthText(loss.run.weight_bits),
                    loss.nats));
  }

  Estimate EstimateOf(const Loss& loss) const {
    const Uncertainty uncertainty = question_.with_intervals
                                        ? Uncertainty(*loss.law, question_.confidence_level)
                                        : Uncertainty(*loss.law);
    return uncertainty.Loss(loss.run, loss.nats, loss.log_gradient);
  }

  // Of weight_a L_a + weight_b L_b.
  JointGradient GradientOf(const Loss& a, double weight_a, const Loss& b, double weight_b) const {
    JointGradient gradient;
    gradient.AddLoss(laws_, *a.law, a.run, a.nats, a.log_gradient, weight_a);
    gradient.AddLoss(laws_, *b.law, b.run, b.nats, b.log_gradient, weight_b);
    return gradient;
  }

  Reference CompareWith(const Loss& full_precision, const Loss& quantized) const {
    const double perplexity = std::exp(quantized.nats);
    const double full_perplexity = std::exp(full_precision.nats);
    return {.full_precision_loss_nats = EstimateOf(full_precision),
            .loss_difference_nats = joint_.Signed(quantized.nats - full_precision.nats,
                                                  GradientOf(quantized, 1, full_precision, -1)),
            .perplexity_difference =
                joint_.Signed(perplexity - full_perplexity,
                              GradientOf(quantized, perplexity, full_precision, -full_perplexity))};
  }

  EqualTokens AtEqualTokens(const SizeSearch& search,
                            const Loss& quantized,
                            const FittedLaw& law) const {
    const Loss full_precision = LossOf(law, FullPrecisionRun(question_.parameters));
    EqualTokens equal{.reference = CompareWith(full_precision, quantized)};
    equal.matches = equal.reference.loss_difference_nats.value <= tolerance_nats_;
    equal.extra_token_share = ExtraTokens(search, full_precision);
    if (equal.extra_token_share) {
      KeepInLineWith(equal.reference.loss_difference_nats, &*equal.extra_token_share);
    }
    return equal;
  }

  std::optional<Estimate> ExtraTokens(const SizeSearch& search, const Loss& full_precision) const {
    const double target_nats = full_precision.nats + tolerance_nats_;
    const auto least = search.LeastCompute(
        log_parameters_, log_parameters_, question_.budget.qat_token_cost, target_nats);
    if (!least || !least->reaches) return std::nullopt;
    const double ratio = least->budget.TokensAt(question_.parameters) / total_tokens_;
    Estimate share{ratio - 1};
    // The tokens follow the difference of the two losses.
    const OptimalSplit& split = least->best.split;
    const RunPoint run = search.SurfaceAt(log_parameters_).RunAt(split.tokens);
    const double scale = 1 / (split.LossElasticity() * split.loss_nats());
    const auto half_width =
        joint_.HalfWidth(GradientOf(full_precision, scale, LossOf(*laws_.law, run), -scale));
    if (half_width) {
      share.interval = {std::expm1(std::log(ratio) - *half_width),
                        std::expm1(std::log(ratio) + *half_width)};
      if (!std::isfinite(share.interval->upper)) share.interval.reset();
    }
    return share;
  }

  std::optional<EqualMemory> AtEqualMemory(const Loss& quantized, double bytes) const {
    EqualMemory equal;
    equal.parameters = LargestModel(question_.memory_model, bytes, kFullPrecisionBits);
    if (!(equal.parameters >= 1)) return std::nullopt;
    const RunPoint run = FullPrecisionRun(equal.parameters);
    if (!CheckLossQuestion(*laws_.law, run).ok()) return std::nullopt;
    equal.total_tokens = run.fp_tokens;
    equal.memory = MemoryOf(question_.memory_model, equal.parameters, kFullPrecisionBits);
    equal.same_law = CompareWith(LossOf(*laws_.law, run), quantized);
    equal.outside = OutsideData(laws_.law->support, run);
    if (full_precision_law_ != nullptr && CheckLossQuestion(*full_precision_law_, run).ok()) {
      equal.full_precision_law = CompareWith(LossOf(*full_precision_law_, run), quantized);
    }
    return equal;
  }

  // More tokens are needed exactly where the loss at equal tokens lies above full
  // precision by more than the tolerance. Far from equal tokens the interval of
  // `share`, straight in their logarithm, would forget that.
  void KeepInLineWith(const Estimate& difference_nats, Estimate* share) const {
    if (!share->interval || !difference_nats.interval) return;
    Interval& interval = *share->interval;
    if (difference_nats.interval->lower > tolerance_nats_) {
      interval.lower = std::max(0.0, interval.lower);
    }
    if (difference_nats.interval->upper <= tolerance_nats_) {
      interval.upper = std::min(0.0, interval.upper);
    }
  }

  static void KeepAtLeastZero(Estimate* estimate) {
    if (estimate->interval) estimate->interval->lower = std::max(0.0, estimate->interval->lower);
  }

  const FitLaws& laws_;
  const FullPrecisionQuestion& question_;
  const double log_parameters_;
  double total_tokens_ = 0;
  double tolerance_nats_ = 0;
  const FittedLaw* full_precision_law_ = nullptr;  // null if it cannot say
  JointUncertainty joint_;
};

}  // namespace

absl::StatusOr<FullPrecisionAnswer> CompareToFullPrecision(const FitLaws& laws,
                                                           const FullPrecisionQuestion& question) {
  std::vector<double> widths =
      question.weight_bits.empty() ? laws.law->support.weight_bits : question.weight_bits;
  std::ranges::sort(widths);
  RETURN_IF_ERROR(CheckWidthsQuestion(*laws.law, question.parameters, widths));
  FullPrecisionAnswer answer{.warnings = WarnOfInterpolatedWidths(laws.law->support, widths)};
  Comparison comparison(laws, question);
  RETURN_IF_ERROR(comparison.Prepare(&answer));
  for (const double weight_bits : widths) {
    if (question.cancelled && question.cancelled()) {
      return absl::CancelledError("the question was cancelled");
    }
    ASSIGN_OR_RETURN(WidthAgainstFullPrecision width, comparison.At(weight_bits));
    if (width.same_law.matches && !answer.fewest_bits_same_law) {
      answer.fewest_bits_same_law = weight_bits;
    }
    if (width.full_precision_law && width.full_precision_law->matches &&
        !answer.fewest_bits_full_precision_law) {
      answer.fewest_bits_full_precision_law = weight_bits;
    }
    KeepFarthest(OutsideData(laws.law->support,
                             {question.parameters, width.fp_tokens, width.qat_tokens, weight_bits}),
                 &answer.outside);
    answer.widths.push_back(std::move(width));
  }
  return answer;
}

}  // namespace bitbudget::planner
