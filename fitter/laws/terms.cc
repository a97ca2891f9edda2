#include "fitter/laws/terms.h"

#include <utility>

namespace bitbudget::fitter {
namespace {

// Wide enough for any unit in which a coefficient may be stated; what the data
// leave of a term decides, not this.
constexpr double kLogCoefficientBound = 100;

// No power law of the field comes near: exponents of tokens and parameters lie
// between 0.05 and 1.3, decays per bit between 0.5 and 2.
constexpr double kMaxExponent = 2;
constexpr double kMaxBitDecay = 4;

}  // namespace

TermBuilder& TermBuilder::Add(const std::string& name) {
  law_->terms.push_back({.name = name});
  return *this;
}

TermBuilder& TermBuilder::QuantizedOnly() {
  law_->terms.back().quantized_only = true;
  return *this;
}

TermBuilder& TermBuilder::OnlyAt(double weight_bits) {
  law_->terms.back().only_weight_bits = weight_bits;
  return *this;
}

TermBuilder& TermBuilder::OnlyWith(int optimizer) {
  law_->terms.back().only_optimizer = optimizer;
  return *this;
}

TermBuilder& TermBuilder::Coefficient(const std::string& name, const std::string& unit) {
  const int parameter = AddParameter({.name = name,
                                      .unit = unit,
                                      .is_log_coefficient = true,
                                      .lower = -kLogCoefficientBound,
                                      .upper = kLogCoefficientBound});
  law_->terms.back().factors.push_back({Feature::kOne, parameter});
  return *this;
}

TermBuilder& TermBuilder::Exponent(const std::string& name, Feature feature) {
  const bool per_bit = feature == Feature::kMinusBitsLn2;
  const int parameter = AddParameter({.name = name,
                                      .unit = per_bit ? "per bit" : "",
                                      .lower = 0,
                                      .upper = per_bit ? kMaxBitDecay : kMaxExponent});
  law_->terms.back().factors.push_back({feature, parameter});
  return *this;
}

void AddChinchillaTerms(TermBuilder* builder) {
  builder->Add("floor").Coefficient("E", "nats");
  builder->Add("model")
      .Coefficient("A", "nats at N = 1")
      .Exponent("alpha", Feature::kMinusLogParameters);
  builder->Add("data")
      .Coefficient("B", "nats at D = 1")
      .Exponent("beta", Feature::kMinusLogTotalTokens);
}

int TermBuilder::AddParameter(Parameter parameter) {
  if (const std::optional<int> known = law_->FindParameter(parameter.name)) return *known;
  law_->parameters.push_back(std::move(parameter));
  return law_->parameter_count() - 1;
}

}  // namespace bitbudget::fitter
