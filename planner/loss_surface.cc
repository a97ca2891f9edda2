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

}  // namespace

LogTokens LogTokens::Of(double fp_tokens, double qat_tokens) {
  return {std::log(fp_tokens), std::log(qat_tokens), std::log(fp_tokens + qat_tokens)};
}

double TokenTerm::LossNats(const LogTokens& tokens) const {
  return std::exp(log_scale - fp_exponent * tokens.fp - qat_exponent * tokens.qat -
                  total_exponent * tokens.total);
}

LossSurface::LossSurface(const FittedLaw& law, double parameters, double weight_bits)
    : law_(&law), parameters_(parameters), weight_bits_(weight_bits) {
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
      double* const exponent = ExponentOf(factor.feature, &token_term);
      if (exponent == nullptr) continue;
      *exponent += theta;
      depends_on_tokens = true;
    }
    if (depends_on_tokens) {
      terms_.push_back(token_term);
    } else {
      constant_nats_ += std::exp(token_term.log_scale);
    }
  }
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
  std::vector<double> gradient;
  fitter::LogLoss(law_->law, law_->theta, RunAt(tokens), &gradient);
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
