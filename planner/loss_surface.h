// The loss at fixed N and B as a function of the tokens of the two phases alone:
//
//   L = c + sum_k exp(a_k - p_k ln D_fp - q_k ln D_qat - t_k ln D),  D = D_fp + D_qat
//
// with all exponents >= 0. Every question about splits is one about this surface.

#ifndef BITBUDGET_PLANNER_LOSS_SURFACE_H_
#define BITBUDGET_PLANNER_LOSS_SURFACE_H_

#include <array>
#include <span>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "planner/answer.h"

namespace bitbudget::planner {

// Logarithms of the tokens of a run; both phases have some.
struct LogTokens {
  double fp = 0;
  double qat = 0;
  double total = 0;

  static LogTokens Of(double fp_tokens, double qat_tokens);
};

// A term that depends on tokens.
struct TokenTerm {
  const fitter::Term* term = nullptr;
  double log_scale = 0;       // a_k
  double fp_exponent = 0;     // p_k
  double qat_exponent = 0;    // q_k
  double total_exponent = 0;  // t_k
  double size_exponent = 0;   // d a_k / d ln N

  double LossNats(const LogTokens& tokens) const;
};

// A term that does not.
struct TokenFreeTerm {
  const fitter::Term* term = nullptr;
  double loss_nats = 0;
  double size_exponent = 0;  // d ln L_k / d ln N
};

// Refers to the law it was made from, which must outlive it.
class LossSurface {
 public:
  LossSurface(const FittedLaw& law, double parameters, double weight_bits);

  // The same at another size, far cheaper than made anew.
  LossSurface AtSize(double log_parameters) const;

  const FittedLaw& law() const { return *law_; }
  double parameters() const { return parameters_; }
  double weight_bits() const { return weight_bits_; }
  std::span<const TokenTerm> terms() const { return {terms_.data(), terms_.size()}; }
  std::span<const TokenFreeTerm> token_free_terms() const {
    return {token_free_terms_.data(), token_free_terms_.size()};
  }

  // What no token changes.
  double constant_nats() const { return constant_nats_; }

  double LossNats(const LogTokens& tokens) const;

  // Derivative of the loss by ln D_qat at fixed D_fp.
  double SlopeInLogQatTokens(const LogTokens& tokens) const;

  // Derivative of ln L by theta.
  std::vector<double> LogLossGradient(const LogTokens& tokens) const;

  // Loss in the limit of endless QAT at fixed D_fp.
  double FloorNats(double fp_tokens) const;

  // The run with these tokens.
  RunPoint RunAt(const LogTokens& tokens) const;

  // Value of `feature` at `tokens`.
  double FeatureAt(fitter::Feature feature, const LogTokens& tokens) const;

 private:
  static constexpr int kFeatureCount = 8;

  const FittedLaw* law_;
  double parameters_;
  double log_parameters_;
  double weight_bits_;
  double constant_nats_ = 0;                           // c
  std::array<double, kFeatureCount> unit_features_{};  // at one token each
  absl::InlinedVector<TokenTerm, 6> terms_;
  absl::InlinedVector<TokenFreeTerm, 4> token_free_terms_;
};

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_LOSS_SURFACE_H_
