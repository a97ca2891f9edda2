// Formulas of published laws, with their coefficients as arguments. N and D are raw
// parameters and tokens, B and P bits, losses nats per token. Pure functions.

#ifndef BITBUDGET_FITTER_PUBLISHED_FORMULAS_H_
#define BITBUDGET_FITTER_PUBLISHED_FORMULAS_H_

namespace bitbudget::fitter {

// E + A / N^alpha + B / D^beta (Hoffmann et al., arXiv 2203.15556).
struct ChinchillaFormula {
  double E = 0, A = 0, alpha = 0, B = 0, beta = 0;

  double LossNats(double parameters, double tokens) const;
};

// k D^gamma_D (log2 G)^gamma_G / N^gamma_N (Chen et al., arXiv 2505.14302), with G
// weights that share a scale.
struct QatErrorFormula {
  double k = 0, gamma_N = 0, gamma_D = 0, gamma_G = 0;

  double ErrorNats(double parameters, double tokens, double group_size) const;

  // The factor on N that costs as much loss in `base` as the error does.
  double EffectiveShare(const ChinchillaFormula& base,
                        double parameters,
                        double tokens,
                        double group_size) const;
};

// Share of the parameters that counts at P bits, 1 - exp(n - P / gamma) (Kumar et
// al., arXiv 2411.04330). The offset n stands in the paper's table and not in its
// formula; with this sign its optimum of 7 to 8 bits comes out, and the share at 3
// bits of activations is below 0, where its runs diverge.
struct PrecisionFormula {
  double gamma = 0;
  double n = 0;

  // At most 1; 0 where the formula is negative.
  double EffectiveShare(double bits) const;
};

// The width P at which the product of the shares of all `formulas`, per bit, is
// greatest: where a law in N eff(P) with compute N D P has its optimum if alpha =
// beta. 0 if there is none in 1 to 32 bits.
double ComputeOptimalBits(const PrecisionFormula* formulas, int count);

// Loss by quantizing after training: C D^gamma_D / N^gamma_N exp(b - P / gamma_post)
// (Kumar et al.).
struct PostTrainingFormula {
  double C = 0, gamma_D = 0, gamma_N = 0, gamma_post = 0, b = 0;

  double ErrorNats(double parameters, double tokens, double bits) const;

  // Tokens beyond which more of them raise the loss in `base` plus this error.
  double CriticalTokens(const ChinchillaFormula& base, double parameters, double bits) const;
};

// k D^beta / (N^alpha P^gamma) (Ouyang et al., arXiv 2411.17691).
struct QuantizationDegradationFormula {
  double k = 0, beta = 0, alpha = 0, gamma = 0;

  double ErrorNats(double parameters, double tokens, double bits) const;
};

// Training in floating point of Ex exponent and Mx mantissa bits, with blocks of Bk
// elements (Sun et al., arXiv 2501.02423):
//   n / N^alpha + d / D^beta + epsilon
//     + (D^beta / N^alpha) log2(Bk) / (gamma (Ex + .5)^delta (Mx + .5)^nu)
struct FloatingPointFormula {
  double n = 0, alpha = 0, d = 0, beta = 0, epsilon = 0, gamma = 0, delta = 0, nu = 0;

  struct Format {
    double exponent_bits = 0;
    double mantissa_bits = 0;
    double block_size = 0;
  };
  double LossNats(double parameters, double tokens, const Format& format) const;

  // Tokens beyond which more of them raise the loss.
  double CriticalTokens(double parameters, const Format& format) const;
};

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_PUBLISHED_FORMULAS_H_
