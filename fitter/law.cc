#include "fitter/law.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>

#include "fitter/laws/chinchilla.h"
#include "fitter/laws/compute_optimal_qat.h"
#include "fitter/laws/effective_parameters.h"
#include "fitter/laws/optimizer_rescaled.h"
#include "fitter/laws/unified_qat_error.h"
#include "util/error.h"

namespace bitbudget::fitter {
namespace {

constexpr std::array<std::string_view, 5> kFamilies = {
    kComputeOptimalQat, kChinchilla, kUnifiedQatError, kEffectiveParameters, kOptimizerRescaled};

// Exponent of a term at a run: the logarithm of its loss.
double LogTerm(const Law& law,
               const Term& term,
               std::span<const double> theta,
               const RunPoint& run) {
  double sum = 0;
  for (const Factor& factor : term.factors) {
    sum += FeatureValue(factor.feature, run, law.reference) * theta[factor.parameter];
  }
  return sum;
}

bool IsQuantized(const RunPoint& run) { return run.weight_bits < 16 || run.qat_tokens > 0; }

}  // namespace

std::optional<int> Law::FindParameter(std::string_view name) const {
  const auto found = std::find_if(
      parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == name; });
  if (found == parameters.end()) return std::nullopt;
  return static_cast<int>(found - parameters.begin());
}

bool DependsOn(const Law& law, Feature feature) {
  return std::any_of(law.terms.begin(), law.terms.end(), [&](const Term& term) {
    return std::any_of(term.factors.begin(), term.factors.end(), [&](const Factor& factor) {
      return factor.feature == feature;
    });
  });
}

RunPoint PointOf(const Law& law, const Observation& row, const std::vector<std::string>& labels) {
  RunPoint point = row.point;
  if (DependsOn(law, Feature::kLogLog2GroupSize) && IsQuantized(point)) {
    point.group_size = static_cast<double>(row.group_size);
  }
  if (!law.optimizers.empty()) {
    const auto found =
        std::find(law.optimizers.begin(), law.optimizers.end(), labels[row.optimizer]);
    point.optimizer = static_cast<int>(found - law.optimizers.begin());
  }
  return point;
}

double FeatureValue(Feature feature, const RunPoint& run, const ReferenceScales& reference) {
  const auto minus_log_per_byte = [&](double tokens) {
    return -std::log(run.tokens_per_parameter_byte(tokens) / reference.tokens_per_parameter_byte);
  };
  switch (feature) {
    case Feature::kOne:
      return 1;
    case Feature::kMinusLogParameters:
      return -std::log(run.parameters / reference.parameters);
    case Feature::kMinusLogTotalTokens:
      return -std::log(run.total_tokens() / reference.tokens);
    case Feature::kMinusLogFpTokensPerByte:
      return minus_log_per_byte(run.fp_tokens);
    case Feature::kMinusLogQatTokensPerByte:
      return minus_log_per_byte(run.qat_tokens);
    case Feature::kMinusBitsLn2:
      return -run.weight_bits * std::numbers::ln2;
    case Feature::kLogTotalTokens:
      return std::log(run.total_tokens() / reference.tokens);
    case Feature::kLogLog2GroupSize:
      return run.group_size > 1 ? std::log(std::log2(run.group_size)) : 0;
  }
  return 0;
}

bool TermApplies(const Term& term, const RunPoint& run) {
  if (term.only_weight_bits && run.weight_bits != *term.only_weight_bits) return false;
  if (term.only_optimizer && run.optimizer != *term.only_optimizer) return false;
  return !term.quantized_only || IsQuantized(run);
}

bool DescribesWidth(const Law& law, const RunPoint& run) {
  bool has_own_widths = false;
  for (const Term& term : law.terms) {
    if (!term.only_weight_bits || (term.quantized_only && !IsQuantized(run))) continue;
    if (*term.only_weight_bits == run.weight_bits) return true;
    has_own_widths = true;
  }
  return !has_own_widths;
}

std::vector<double> TermLosses(const Law& law, std::span<const double> theta, const RunPoint& run) {
  std::vector<double> losses;
  losses.reserve(law.terms.size());
  for (const Term& term : law.terms) {
    losses.push_back(TermApplies(term, run) ? std::exp(LogTerm(law, term, theta, run)) : 0);
  }
  return losses;
}

double LogLoss(const Law& law,
               std::span<const double> theta,
               const RunPoint& run,
               std::vector<double>* gradient) {
  if (gradient != nullptr) gradient->assign(law.parameters.size(), 0);
  double loss = 0;
  for (const Term& term : law.terms) {
    if (!TermApplies(term, run)) continue;
    const double term_loss = std::exp(LogTerm(law, term, theta, run));
    loss += term_loss;
    if (gradient == nullptr) continue;
    for (const Factor& factor : term.factors) {
      (*gradient)[factor.parameter] += term_loss * FeatureValue(factor.feature, run, law.reference);
    }
  }
  if (gradient != nullptr) {
    for (double& entry : *gradient) entry /= loss;
  }
  return std::log(loss);
}

bool DescribesQatFromScratch(std::string_view family) {
  return family == kUnifiedQatError || family == kEffectiveParameters;
}

std::optional<LeaveOutReason> OutsideDomain(const Law& law, const Observation& row) {
  const bool from_scratch = DescribesQatFromScratch(law.family);
  switch (row.role) {
    case RunRole::kControl:
      return LeaveOutReason::kRoleControl;
    case RunRole::kQatFromScratch:
      if (!from_scratch) return LeaveOutReason::kRoleQatFromScratch;
      break;
    case RunRole::kPostTraining:
      return LeaveOutReason::kRolePostTraining;
    case RunRole::kFpThenQat:
      if (law.family != kComputeOptimalQat) return LeaveOutReason::kRoleFpThenQat;
      break;
    case RunRole::kFullPrecision:
      break;
  }
  // Laws of QAT from scratch tell precisions apart by the width of the weights.
  const bool tells_activations = from_scratch && row.point.weight_bits < 16;
  if (row.activation_bits < 16 && !tells_activations) return LeaveOutReason::kQuantizedActivations;
  return std::nullopt;
}

absl::StatusOr<std::vector<Law>> LawLadder(std::string_view family,
                                           std::span<const double> weight_bits,
                                           std::span<const std::string> optimizers) {
  if (family == kComputeOptimalQat) return ComputeOptimalQatLadder(weight_bits);
  if (family == kChinchilla) return ChinchillaLadder();
  if (family == kUnifiedQatError) return UnifiedQatErrorLadder(weight_bits);
  if (family == kEffectiveParameters) return EffectiveParametersLadder(weight_bits);
  if (family == kOptimizerRescaled) return OptimizerRescaledLadder(optimizers);
  return InvalidField("law",
                      fmt::format("is \"{}\"; known laws: {}", family, fmt::join(kFamilies, ", ")));
}

std::span<const std::string_view> LawFamilies() { return kFamilies; }

}  // namespace bitbudget::fitter
