#include "planner/capability.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "fitter/laws/compute_optimal_qat.h"
#include "fitter/support.h"
#include "planner/law_questions.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "util/width_text.h"

namespace bitbudget::planner {
namespace {

using fitter::Factor;
using fitter::Feature;
using fitter::Term;

// A design from which all of the law can be estimated (arXiv 2509.22935 has
// more on every axis).
constexpr int kDesignSizes = 2;
constexpr int kDesignBudgets = 3;
constexpr int kDesignWidths = 3;
constexpr int kDesignFractions = 4;

bool DescribesQuantizedRuns(const Term& term) {
  return term.quantized_only || term.only_weight_bits.value_or(16) < 16;
}

bool HasFeature(const Term& term, Feature feature) {
  return std::ranges::any_of(term.factors,
                             [&](const Factor& factor) { return factor.feature == feature; });
}

bool AnyTermHas(const FittedLaw& law, Feature feature) {
  return std::ranges::any_of(law.law.terms,
                             [&](const Term& term) { return HasFeature(term, feature); });
}

// An axis of the data at which a question is asked.
struct AskedLevel {
  const char* axis;
  int level_count;
  double only_level;  // if level_count is 1
  double value;
};

bool IsSameLevel(double a, double b) {
  return std::abs(a - b) <= fitter::kLevelTolerance * std::min(a, b);
}

absl::Status CheckLevel(const AskedLevel& asked) {
  if (asked.level_count != 1 || IsSameLevel(asked.only_level, asked.value)) {
    return absl::OkStatus();
  }
  return DataCannotAnswer(
      {{asked.axis, 1, 2, {asked.only_level}}},
      fmt::format("The question is about {0} = {1:g}, but all runs have {0} = {2:g}; measure runs "
                  "at another {0}.",
                  asked.axis,
                  asked.value,
                  asked.only_level));
}

absl::Status FullPrecisionOnly(const FittedLaw& law) {
  if (law.law.family == fitter::kComputeOptimalQat) {
    return DataCannotAnswer(
        {{"weight_bits", 0, kDesignWidths}, {"qat_fraction", 0, kDesignFractions}},
        "All runs fitted are full precision; measure quantized ones.");
  }
  return LawCannotAnswer(
      fmt::format("The law {} describes full-precision runs only; ask a study with the law {}.",
                  law.law.family,
                  fitter::kComputeOptimalQat));
}

absl::Status CheckDescribesQuantizedRuns(const FittedLaw& law) {
  if (std::ranges::any_of(law.law.terms, DescribesQuantizedRuns)) return absl::OkStatus();
  return FullPrecisionOnly(law);
}

// Published laws come without runs.
bool IsPublished(const FittedLaw& law) { return law.support.qat_row_count == 0; }

// A law with terms of their own for each width knows no other one.
absl::Status CheckWidthIsDescribed(const FittedLaw& law, const RunPoint& run) {
  if (fitter::DescribesWidth(law.law, run)) return absl::OkStatus();
  std::vector<double> widths;  // of quantized runs
  for (const Term& term : law.law.terms) {
    if (!term.only_weight_bits || *term.only_weight_bits == 16) continue;
    if (widths.empty() || widths.back() != *term.only_weight_bits) {
      widths.push_back(*term.only_weight_bits);
    }
  }
  if (IsPublished(law)) {
    return LawCannotAnswer(
        fmt::format("It was published for the widths {} and 16, not for {:g} "
                    "bits.",
                    fmt::join(widths, ", "),
                    run.weight_bits));
  }
  const int count = static_cast<int>(widths.size());
  std::string explanation = fmt::format(
      "The variant {} of the law answers at the measured widths {} only, not at {:g} "
      "bits; measure more widths, fractions and sizes to lift it.",
      law.law.variant,
      fmt::join(widths, ", "),
      run.weight_bits);
  return DataCannotAnswer({{"weight_bits", count, count + 1, std::move(widths)}}, explanation);
}

// Laws of QAT from scratch know no full-precision phase.
absl::Status CheckTokensFromScratch(const RunPoint& run) {
  if (run.fp_tokens > 0) {
    return OutOfRangeField("fp_tokens",
                           fmt::format("is {:g} at {}; the law describes runs that are "
                                       "quantized from the first token: ask for 0",
                                       run.fp_tokens,
                                       WidthText(run.weight_bits)));
  }
  if (run.qat_tokens > 0) return absl::OkStatus();
  return OutOfRangeField("qat_tokens", "is 0; ask for more than 0");
}

// A law that knows the error by the size of groups must be told it.
absl::Status CheckGroupSize(const FittedLaw& law, const RunPoint& run) {
  const bool knows = fitter::DependsOn(law.law, Feature::kLogLog2GroupSize) &&
                     law.support.group_size.upper > 0 && run.weight_bits < 16;
  if (!knows || run.group_size > 1) return absl::OkStatus();
  return OutOfRangeField("group_size",
                         fmt::format("is {:g}; the law depends on it: state how many weights share "
                                     "a scale, 2 or more",
                                     run.group_size));
}

absl::Status CheckOptimizer(const FittedLaw& law, const RunPoint& run) {
  const int count = static_cast<int>(law.law.optimizers.size());
  if (count == 0 || (run.optimizer >= 0 && run.optimizer < count)) return absl::OkStatus();
  return OutOfRangeField(
      "optimizer",
      fmt::format("must be one that the runs have: {}", fmt::join(law.law.optimizers, ", ")));
}

absl::Status CheckTokens(const FittedLaw& law, const RunPoint& run) {
  if (run.weight_bits < 16 && fitter::DescribesQatFromScratch(law.law.family)) {
    return CheckTokensFromScratch(run);
  }
  if (run.weight_bits == 16) {
    if (run.qat_tokens == 0) return absl::OkStatus();
    return OutOfRangeField("qat_tokens",
                           fmt::format("is {:g} at 16 bits; full precision has none, and the law "
                                       "does not describe controls",
                                       run.qat_tokens));
  }
  if (!(run.fp_tokens > 0)) {
    return OutOfRangeField("fp_tokens",
                           "is 0; the law has a pole there and does not describe QAT from "
                           "scratch: ask for more than 0");
  }
  if (!(run.qat_tokens > 0)) {
    return OutOfRangeField("qat_tokens",
                           fmt::format("is 0 at {}; the law has a pole there and does not "
                                       "describe quantization after training: ask for more than 0",
                                       WidthText(run.weight_bits)));
  }
  return absl::OkStatus();
}

// Axes on which the data have less than a design that identifies the law.
std::vector<MissingAxis> PoorAxes(const fitter::DataSupport& data) {
  std::vector<MissingAxis> poor;
  const auto add = [&](const char* axis, int count, int needed, std::vector<double> levels = {}) {
    if (count < needed) poor.push_back({axis, count, needed, std::move(levels)});
  };
  add("parameters", data.parameters_level_count, kDesignSizes);
  add("total_tokens", data.total_tokens_level_count, kDesignBudgets);
  add("weight_bits", static_cast<int>(data.weight_bits.size()), kDesignWidths, data.weight_bits);
  add("qat_fraction", data.qat_fraction_level_count, kDesignFractions);
  return poor;
}

// True if some term moves with `feature`, and the data tell by how much.
bool Identifies(const FittedLaw& law, Feature feature) {
  return std::ranges::any_of(law.law.terms, [&](const Term& term) {
    return HasFeature(term, feature) &&
           std::ranges::all_of(term.factors, [&](const Factor& factor) {
             const bool matters = factor.feature == feature || factor.feature == Feature::kOne;
             return !matters || law.identified[factor.parameter];
           });
  });
}

absl::Status CheckTradeOff(const FittedLaw& law) {
  if (!AnyTermHas(law, Feature::kMinusLogFpTokensPerByte) ||
      !AnyTermHas(law, Feature::kMinusLogQatTokensPerByte)) {
    return DataCannotAnswer(
        PoorAxes(law.support),
        fmt::format("The data identify the variant {} only, whose loss does not depend on the "
                    "split; measure more QAT fractions, at more sizes and widths.",
                    law.law.variant));
  }
  for (const auto& [feature, what] :
       {std::pair{Feature::kMinusLogFpTokensPerByte, "too few full-precision tokens cost"},
        std::pair{Feature::kMinusLogQatTokensPerByte, "too few QAT tokens cost"}}) {
    if (Identifies(law, feature)) continue;
    return DataCannotAnswer(PoorAxes(law.support),
                            fmt::format("The data do not tell what {}; measure more QAT fractions "
                                        "and replicates at the widths and budgets in question.",
                                        what));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckMeasuredAxes(const fitter::DataSupport& data,
                               double parameters,
                               double weight_bits) {
  RETURN_IF_ERROR(
      CheckLevel({"parameters", data.parameters_level_count, data.parameters.lower, parameters}));
  if (weight_bits == 16) return absl::OkStatus();
  if (data.weight_bits.empty()) {
    return DataCannotAnswer({{"weight_bits", 0, 1}},
                            "The study has no quantized runs; measure some at the width in "
                            "question.");
  }
  return CheckLevel({"weight_bits",
                     static_cast<int>(data.weight_bits.size()),
                     data.weight_bits.front(),
                     weight_bits});
}

absl::Status CheckLossQuestion(const FittedLaw& law, const RunPoint& run) {
  const fitter::DataSupport& data = law.support;
  if (run.weight_bits < 16) RETURN_IF_ERROR(CheckDescribesQuantizedRuns(law));
  RETURN_IF_ERROR(CheckTokens(law, run));
  RETURN_IF_ERROR(CheckWidthIsDescribed(law, run));
  RETURN_IF_ERROR(CheckGroupSize(law, run));
  RETURN_IF_ERROR(CheckOptimizer(law, run));
  RETURN_IF_ERROR(CheckMeasuredAxes(law.support, run.parameters, run.weight_bits));
  RETURN_IF_ERROR(CheckLevel({"total_tokens",
                              data.total_tokens_level_count,
                              data.total_tokens.lower,
                              run.total_tokens()}));
  if (run.weight_bits == 16) return absl::OkStatus();
  return CheckLevel(
      {"qat_fraction", data.qat_fraction_level_count, data.qat_fraction.lower, run.qat_fraction()});
}

absl::Status CheckSplitQuestion(const FittedLaw& law, double parameters, double weight_bits) {
  const fitter::DataSupport& data = law.support;
  RETURN_IF_ERROR(CheckDescribesQuantizedRuns(law));
  RETURN_IF_ERROR(CheckTradeOff(law));
  RETURN_IF_ERROR(CheckMeasuredAxes(law.support, parameters, weight_bits));
  if (data.qat_fraction_level_count >= kMinSplitFractions) return absl::OkStatus();
  return DataCannotAnswer(
      {{"qat_fraction", data.qat_fraction_level_count, kMinSplitFractions}},
      "An optimum needs measured fractions on both sides of it; measure more QAT fractions of the "
      "same budget.");
}

absl::Status CheckWidthsQuestion(const FittedLaw& law,
                                 std::optional<double> parameters,
                                 std::span<const double> weight_bits) {
  const fitter::DataSupport& data = law.support;
  const double size = parameters.value_or(data.parameters.lower);
  RETURN_IF_ERROR(CheckSplitQuestion(law, size, weight_bits.empty() ? 1 : weight_bits.front()));
  for (const double bits : weight_bits) {
    RETURN_IF_ERROR(CheckMeasuredAxes(data, size, bits));
    if (bits < data.weight_bits.front() || bits > data.weight_bits.back()) {
      const int count = static_cast<int>(data.weight_bits.size());
      return DataCannotAnswer(
          {{"weight_bits", count, count + 1, data.weight_bits}},
          fmt::format("The question is about {}, outside the measured widths {}; measure "
                      "runs there.",
                      WidthText(bits),
                      fmt::join(data.weight_bits, ", ")));
    }
  }
  if (parameters || data.parameters_level_count >= kMinFreeSizes) return absl::OkStatus();
  return DataCannotAnswer(
      {{"parameters", data.parameters_level_count, kMinFreeSizes, {data.parameters.lower}}},
      fmt::format("All runs have parameters = {:g}, and the size is left open; set parameters to "
                  "that, or measure runs at another size.",
                  data.parameters.lower));
}

absl::Status NoInteriorOptimum(const FittedLaw& law) {
  return DataCannotAnswer(
      PoorAxes(law.support),
      "By the fitted law the loss changes in one direction with the QAT fraction, from 0 to 1: the "
      "data show no optimum in between; measure fractions nearer to 0 and 1.");
}

absl::Status NoInteriorOptimumAt(const FittedLaw& law, const RunPoint& question) {
  // Beyond three decades the extrapolation is no more an answer of the data.
  constexpr double kFarOutside = 1e3;
  for (const OutsideAxis& axis : OutsideData(law.support, question)) {
    if (axis.axis != "parameters" && axis.axis != "total_tokens") continue;
    if (axis.factor < kFarOutside) continue;
    return OutOfRangeField(
        axis.axis,
        fmt::format("is {:g}, {:.2g} times outside the data ({:g} to {:g}); the law has no best "
                    "split so far from them: ask nearer",
                    axis.value,
                    axis.factor,
                    axis.data_range.lower,
                    axis.data_range.upper));
  }
  return NoInteriorOptimum(law);
}

}  // namespace bitbudget::planner
