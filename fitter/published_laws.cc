#include "fitter/published_laws.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fitter/laws/effective_parameters.h"
#include "fitter/published_catalogue.h"
#include "fitter/published_formulas.h"

namespace bitbudget::fitter {
namespace {

std::optional<Interval> RangeOf(const PublishedLaw& law, std::string_view axis) {
  for (const FittedRange& fitted : law.fitted_range) {
    if (fitted.axis == axis) return fitted.range;
  }
  return std::nullopt;
}

bool HasCoefficient(const PublishedLaw& law, std::string_view name) {
  return std::ranges::any_of(law.coefficients, [&](const auto& c) { return c.name == name; });
}

// Widths at which the law can be asked.
std::vector<double> WidthsOf(const PublishedLaw& law) {
  std::vector<double> widths;
  const std::optional<Interval> range = RangeOf(law, "weight_bits");
  if (!range) return widths;
  for (double bits = range->lower; bits <= range->upper; ++bits) {
    const bool is_known =
        law.key != "quest_eff" || HasCoefficient(law, fmt::format("eff_{}", bits));
    if (is_known) widths.push_back(bits);
  }
  return widths;
}

// Share of the parameters that counts at a width of the weights.
double EffectiveShare(const PublishedLaw& law, double bits) {
  if (law.key == "kumar_train") {
    return PrecisionFormula{law.Coefficient("gamma_w"), law.Coefficient("n_w")}.EffectiveShare(
        bits);
  }
  return bits == 16 ? 1 : law.Coefficient(fmt::format("eff_{}", bits));
}

// The published value of a parameter of the family's table.
double ValueOf(const PublishedLaw& law, const std::string& parameter) {
  if (HasCoefficient(law, parameter)) return law.Coefficient(parameter);
  const std::string name = parameter.substr(0, parameter.rfind('_'));
  if (law.family == kEffectiveParameters && parameter.starts_with("A_")) {
    const double bits = std::stod(parameter.substr(2));
    return law.Coefficient("A") * std::pow(EffectiveShare(law, bits), -law.Coefficient("alpha"));
  }
  if (parameter == "beta") return law.Coefficient("alpha");  // tied in kumar_train
  return law.Coefficient(name);                              // "gamma_N_4"
}

}  // namespace

double PublishedLaw::Coefficient(std::string_view name) const {
  return std::ranges::find(coefficients, name, &PublishedCoefficient::name)->value;
}

std::span<const PublishedLaw> PublishedLaws() {
  static const std::vector<PublishedLaw>& laws =
      *new std::vector<PublishedLaw>(PublishedCatalogue());
  return laws;
}

const PublishedLaw* FindPublishedLaw(std::string_view key) {
  const auto found = std::ranges::find(PublishedLaws(), key, &PublishedLaw::key);
  return found == PublishedLaws().end() ? nullptr : &*found;
}

DataSupport ToSupport(const PublishedLaw& law) {
  // Level counts say that a law was fitted over a range, not at one level of it.
  constexpr int kSeveral = 3;
  DataSupport support{
      .parameters = RangeOf(law, "parameters").value_or(Interval{}),
      .total_tokens = RangeOf(law, "total_tokens").value_or(Interval{}),
      .tokens_per_parameter_byte = RangeOf(law, "tokens_per_parameter_byte").value_or(Interval{}),
      .weight_bits = WidthsOf(law),
      .group_size = RangeOf(law, "group_size").value_or(Interval{}),
      .tokens_per_parameter = RangeOf(law, "tokens_per_parameter").value_or(Interval{}),
      .compute_flops = RangeOf(law, "compute_flops").value_or(Interval{}),
      .parameters_level_count = kSeveral,
      .total_tokens_level_count = kSeveral,
      .qat_fraction_level_count = kSeveral};
  // A law of one precision throughout has its widths and no others; the rest have runs
  // in full precision beside theirs.
  if (law.family != kEffectiveParameters) support.full_precision_row_count = kSeveral;
  return support;
}

std::optional<FittedLaw> ToFittedLaw(const PublishedLaw& law) {
  if (law.family.empty() || law.coefficients.empty()) return std::nullopt;
  std::vector<double> widths = WidthsOf(law);
  widths.push_back(16);
  FittedLaw fitted{.law = LawLadder(law.family, widths)->front(), .support = ToSupport(law)};
  for (const Parameter& parameter : fitted.law.parameters) {
    const double value = ValueOf(law, parameter.name);
    fitted.theta.push_back(parameter.is_log_coefficient ? std::log(value) : value);
  }
  fitted.identified.assign(fitted.theta.size(), true);
  fitted.at_bound.assign(fitted.theta.size(), false);
  return fitted;
}

std::optional<FractionLaw> ToFractionLaw(const PublishedLaw& law) {
  if (law.quantity != LawQuantity::kQatFraction || !HasCoefficient(law, "a")) return std::nullopt;
  return FractionLaw{.a = law.Coefficient("a"), .mean_absolute_error = law.mean_absolute_error};
}

}  // namespace bitbudget::fitter
