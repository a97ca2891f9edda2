// OptimizeQatFraction from the one-coefficient law f = exp(-a / ln S).

#include "fitter/fraction_law.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "planner/capability.h"
#include "planner/law_questions.h"
#include "planner/qat_fraction.h"
#include "planner/root.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

double TotalTokens(const FractionQuestion& question, double qat_fraction) {
  return *question.budget_tokens / (1 + (question.qat_token_cost - 1) * qat_fraction);
}

double TokensPerByte(const FractionQuestion& question, double qat_fraction) {
  const RunPoint run{.parameters = question.parameters, .weight_bits = question.weight_bits};
  return run.tokens_per_parameter_byte(TotalTokens(question, qat_fraction));
}

// The fraction f that the law gives for the S that f itself leaves: with a cost
// other than 1 the split decides how many tokens the budget buys.
double FractionAt(double a, const FractionQuestion& question) {
  const double extra_cost = question.qat_token_cost - 1;
  const auto by_law = [&](double f) {
    const double s = TokensPerByte(question, f);
    return s > 1 ? fitter::PredictOptimalFraction(a, s) : 0;
  };
  const double fraction = FindRoot(
      [&](double f) {
        const double value = by_law(f);
        if (value == 0) return ValueAndSlope{f, 1};
        const double log_s = std::log(TokensPerByte(question, f));
        const double log_s_slope = -extra_cost / (1 + extra_cost * f);
        return ValueAndSlope{f - value, 1 - value * a / (log_s * log_s) * log_s_slope};
      },
      0,
      1,
      0.3,
      1e-9);
  return by_law(fraction);  // tiny fractions to all digits
}

// Measured optima are no random choice where many lie beyond the measured fractions.
std::string BoundsText(const fitter::FractionLaw& law) {
  if (law.bound_count == 0) return "";
  return fmt::format(
      " Where the least loss was at an outermost fraction, in {} of {} cases, the runs only bound "
      "the optimum: measure beyond.",
      law.bound_count,
      law.bound_count + law.optimum_count);
}

// Symmetric in ln a, so that a stays positive and the fraction in (0, 1). However well
// its one coefficient is known, the law misses single optima.
std::optional<Interval> FractionInterval(const fitter::FractionLaw& law,
                                         const FractionQuestion& question) {
  if (!question.with_intervals || !(law.a_stderr > 0)) return std::nullopt;
  const double degrees_of_freedom = std::max(1, law.optimum_count - 1);
  const double half_width = IntervalFactor(question.confidence_level, degrees_of_freedom) *
                            std::hypot(law.a_stderr / law.a, law.log_a_scatter);
  return Interval{FractionAt(law.a * std::exp(half_width), question),
                  FractionAt(law.a * std::exp(-half_width), question)};
}

}  // namespace

absl::StatusOr<FractionAnswer> OptimizeQatFraction(const fitter::FractionLaw& law,
                                                   const fitter::DataSupport& support,
                                                   const FractionQuestion& question) {
  const bool published = law.optimum_count == 0;
  if (question.fixed_fp_tokens && published) {
    return LawCannotAnswer(
        "It tells the best QAT fraction alone, no losses, and a checkpoint needs those.");
  }
  if (question.fixed_fp_tokens) {
    return DataCannotAnswer({},
                            "The data identify the best QAT fraction alone, no losses, and a "
                            "checkpoint needs those; measure more sizes, budgets and widths.");
  }
  if (!published) {
    RETURN_IF_ERROR(CheckMeasuredAxes(support, question.parameters, question.weight_bits));
  }
  if (const double s = TokensPerByte(question, 0); !(s > 1)) {
    return OutOfRangeField(
        "total_tokens",
        fmt::format("makes {:g} tokens per byte of quantized weights; f = exp(-a / ln S) is "
                    "defined above 1 only",
                    s));
  }
  FractionAnswer answer;
  const double fraction = FractionAt(law.a, question);
  answer.qat_fraction = {fraction, FractionInterval(law, question)};
  const double total_tokens = TotalTokens(question, fraction);
  answer.qat_tokens = fraction * total_tokens;
  answer.fp_tokens = total_tokens - answer.qat_tokens;
  answer.tokens_per_parameter_byte = TokensPerByte(question, fraction);
  answer.cooldown = AdviseCooldown(question.weight_bits);
  answer.outside = OutsideData(
      support, {question.parameters, answer.fp_tokens, answer.qat_tokens, question.weight_bits});
  if (published) {
    answer.warnings.push_back(
        fmt::format("A published law of the fraction alone, with a mean error of {:.2g} over its "
                    "own runs; it comes without losses.",
                    law.mean_absolute_error));
    return answer;
  }
  answer.warnings.push_back(
      fmt::format("The data identify no law of losses that knows about the split; the fraction is "
                  "that of f = exp(-a / ln S), fitted to {} measured optima with a mean error of "
                  "{:.2g}, and comes without losses.{}",
                  law.optimum_count,
                  law.mean_absolute_error,
                  BoundsText(law)));
  return answer;
}

}  // namespace bitbudget::planner
