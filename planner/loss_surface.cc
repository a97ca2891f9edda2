#include "planner/loss_surface.h"

#include <cmath>

namespace bitbudget::planner {
namespace {

using fitter::Factor;
using fitter::Feature;
using fitter::Term;

// Where the exponent of a feature of tokens is kept; null for other features.
double* ExponentOf(Feature feature, TokenTerm* term) {
  switch (feature) {
    case Feature::kMinusLogFpTokensPerByte:
      return &term->fp_exponent;
    case Feature::kMinusLogQatTokensPerByte:
      return &term->qat_exponent;
    case Feature::kMinusLogTotalTokens:
      return &term->total_exponent;
    default:
      return nullptr;
  }
}

// d (value of a feature) / d ln N at fixed tokens.
double SizeSlope(Feature feature) {
  switch (feature) {
    case Feature::kMinusLogParameters:
      return -1;
    case Feature::kMinusLogFpTokensPerByte:
    case Feature::kMinusLogQatTokensPerByte:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

LogTokens LogTokens::Of(double fp_tokens, double qat_tokens) {
  return {std::log(fp_tokens), std::log(qat_tokens), std::log(fp_tokens + qat_tokens)};
}

double TokenTerm::LossNats(const LogTokens& tokens) const {
  return std::exp(log_scale - fp_exponent * tokens.fp - qat_exponent * tokens.qat -
                  total_exponent * tokens.total);
}

LossSurface::LossSurface(const FittedLaw& law, double parameters, double weight_bits)
    : law_(&law),
      parameters_(parameters),
      log_parameters_(std::log(parameters)),
      weight_bits_(weight_bits) {
  const RunPoint one_token_each{parameters, 1, 1, weight_bits};
  const RunPoint one_token_in_all{parameters, 1, 0, weight_bits};
  for (int i = 0; i < kFeatureCount; ++i) {
    const auto feature = static_cast<Feature>(i);
    unit_features_[i] = fitter::FeatureValue(
        feature,
        feature == Feature::kMinusLogTotalTokens ? one_token_in_all : one_token_each,
        law.law.reference);
  }
  for (const Term& term : law.law.terms) {
    if (!fitter::TermApplies(term, one_token_each)) continue;
    TokenTerm token_term{.term = &term};
    bool depends_on_tokens = false;
    for (const Factor& factor : term.factors) {
      const double theta = law.theta[factor.parameter];
      token_term.log_scale += theta * unit_features_[static_cast<int>(factor.feature)];
      token_term.size_exponent += theta * SizeSlope(factor.feature);
      double* const exponent = ExponentOf(factor.feature, &token_term);
      if (exponent == nullptr) continue;
      *exponent += theta;
      depends_on_tokens = true;
    }
    if (depends_on_tokens) {
      terms_.push_back(token_term);
    } else {
      token_free_terms_.push_back(
          {&term, std::exp(token_term.log_scale), token_term.size_exponent});
      constant_nats_ += token_free_terms_.back().loss_nats;
    }
  }
}

LossSurface LossSurface::AtSize(double log_parameters) const {
  LossSurface surface = *this;
  const double change = log_parameters - log_parameters_;
  surface.parameters_ = std::exp(log_parameters);
  surface.log_parameters_ = log_parameters;
  for (int i = 0; i < kFeatureCount; ++i) {
    surface.unit_features_[i] += change * SizeSlope(static_cast<Feature>(i));
  }
  for (TokenTerm& term : surface.terms_) term.log_scale += change * term.size_exponent;
  surface.constant_nats_ = 0;
  for (TokenFreeTerm& term : surface.token_free_terms_) {
    if (term.size_exponent != 0) term.loss_nats *= std::exp(change * term.size_exponent);
    surface.constant_nats_ += term.loss_nats;
  }
  return surface;
}

double LossSurface::LossNats(const LogTokens& tokens) const {
  double loss_nats = constant_nats_;
  for (const TokenTerm& term : terms_) loss_nats += term.LossNats(tokens);
  return loss_nats;
}

double LossSurface::SlopeInLogQatTokens(const LogTokens& tokens) const {
  const double qat_fraction = std::exp(tokens.qat - tokens.total);
  double slope = 0;
  for (const TokenTerm& term : terms_) {
    slope -= term.LossNats(tokens) * (term.qat_exponent + term.total_exponent * qat_fraction);
  }
  return slope;
}

std::vector<double> LossSurface::LogLossGradient(const LogTokens& tokens) const {
  std::vector<double> gradient(law_->theta.size());
  double loss_nats = 0;
  const auto add = [&](const Term& term, double term_nats) {
    loss_nats += term_nats;
    for (const Factor& factor : term.factors) {
      gradient[factor.parameter] += term_nats * FeatureAt(factor.feature, tokens);
    }
  };
  for (const TokenTerm& term : terms_) add(*term.term, term.LossNats(tokens));
  for (const TokenFreeTerm& term : token_free_terms_) add(*term.term, term.loss_nats);
  for (double& entry : gradient) entry /= loss_nats;
  return gradient;
}

double LossSurface::FloorNats(double fp_tokens) const {
  double loss_nats = constant_nats_;
  for (const TokenTerm& term : terms_) {
    if (term.qat_exponent > 0 || term.total_exponent > 0) continue;
    loss_nats += std::exp(term.log_scale - term.fp_exponent * std::log(fp_tokens));
  }
  return loss_nats;
}

RunPoint LossSurface::RunAt(const LogTokens& tokens) const {
  return {parameters_, std::exp(tokens.fp), std::exp(tokens.qat), weight_bits_};
}

double LossSurface::FeatureAt(Feature feature, const LogTokens& tokens) const {
  const double at_one_token = unit_features_[static_cast<int>(feature)];
  switch (feature) {
    case Feature::kMinusLogFpTokensPerByte:
      return at_one_token - tokens.fp;
    case Feature::kMinusLogQatTokensPerByte:
      return at_one_token - tokens.qat;
    case Feature::kMinusLogTotalTokens:
      return at_one_token - tokens.total;
    default:
      return at_one_token;
  }
}

}  // namespace bitbudget::planner
