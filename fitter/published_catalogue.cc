#include "fitter/published_catalogue.h"

#include <cmath>
#include <string>
#include <utility>

#include "fitter/laws/chinchilla.h"
#include "fitter/laws/compute_optimal_qat.h"
#include "fitter/laws/effective_parameters.h"
#include "fitter/laws/unified_qat_error.h"

namespace bitbudget::fitter {
namespace {

using Coefficients = std::vector<PublishedCoefficient>;

constexpr char kRawUnits[] = "N in parameters, D in tokens; loss in nats per token";
constexpr char kChinchillaFormula[] = "E + A / N^alpha + B / D^beta";

// N 74M to 595M, with 973M and 200B tokens beyond the fit.
constexpr Interval kChenSizes = {74e6, 595e6};
constexpr Interval kChenBudgets = {10e9, 100e9};

PublishedLaw ChenLaw(const std::string& precision,
                     const std::string& title,
                     double bits,
                     double k,
                     double gamma_n,
                     double gamma_d,
                     double gamma_g) {
  PublishedLaw law{
      .key = "chen_" + precision,
      .title = title,
      .formula = "E + A / N^alpha + B / D^beta + k D^gamma_D (log2 G)^gamma_G / N^gamma_N",
      .reference = "arXiv 2505.14302, table 1",
      .family = kUnifiedQatError,
      .coefficients = {{"E", 1.9279},
                       {"A", 237.7042},
                       {"alpha", 0.3022},
                       {"B", 596.2490},
                       {"beta", 0.3022},
                       {"k", k},
                       {"gamma_N", gamma_n},
                       {"gamma_D", gamma_d},
                       {"gamma_G", gamma_g}},
      .units = kRawUnits,
      .data = "Llama 3 style decoders on OLMo2-Mix-1124; smoothed training loss; QAT from scratch",
      .fitted_range = {{"parameters", kChenSizes},
                       {"total_tokens", kChenBudgets},
                       {"weight_bits", {bits, bits}},
                       {"group_size", {32, 1536}}},
      .caveat =
          "QAT from the first token: the error grows with the tokens without end, against that of "
          "QAT after full precision. A group size of a whole channel is the layer's input width."};
  // Full precision is part of the law; a width of 16 here is one of weights alone.
  if (bits == 16) law.family.clear();
  return law;
}

std::vector<PublishedLaw> ChenLaws() {
  return {
      ChenLaw("w4a4",
              "QAT from scratch, weights and activations of 4 bits",
              4,
              0.1582,
              0.2186,
              0.0745,
              0.7779),
      ChenLaw("w4a16", "QAT from scratch, weights of 4 bits", 4, 0.2522, 0.3589, 0.1610, 0.3533),
      ChenLaw(
          "w16a4", "QAT from scratch, activations of 4 bits", 16, 0.1004, 0.1816, 0.0331, 0.9812),
      ChenLaw("w4a4_fc2w8",
              "As chen_w4a4, with inputs of 8 bits for the second projection",
              4,
              0.3519,
              0.2637,
              0.0964,
              0.3407),
      ChenLaw("w16a4_fc2w8",
              "As chen_w16a4, with inputs of 8 bits for the second projection",
              16,
              0.1273,
              0.2347,
              0.0827,
              0.4491)};
}

PublishedLaw ChinchillaOf(const std::string& key,
                          const std::string& title,
                          const std::string& reference,
                          Coefficients coefficients) {
  return {.key = key,
          .title = title,
          .formula = kChinchillaFormula,
          .reference = reference,
          .family = kChinchilla,
          .coefficients = std::move(coefficients),
          .units = kRawUnits,
          .parameter_count = ParameterCount::kAll,
          .data = "MassiveText; runs digitised from figure 4 of arXiv 2203.15556",
          .fitted_range = {{"parameters", {57e6, 16.2e9}}, {"compute_flops", {1e18, 1.3e22}}}};
}

std::vector<PublishedLaw> FullPrecisionLaws() {
  PublishedLaw chen = {.key = "chen_bf16",
                       .title = "Full precision, the base of the chen_ laws",
                       .formula = kChinchillaFormula,
                       .reference = "arXiv 2505.14302, table 1",
                       .family = kChinchilla,
                       .coefficients = {{"E", 1.9279},
                                        {"A", 237.7042},
                                        {"alpha", 0.3022},
                                        {"B", 596.2490},
                                        {"beta", 0.3022}},
                       .units = kRawUnits,
                       .data = "OLMo2-Mix-1124; smoothed training loss",
                       .fitted_range = {{"parameters", {145e6, 12.7e9}}}};
  PublishedLaw hoffmann = ChinchillaOf("hoffmann",
                                       "Full precision, as first published",
                                       "arXiv 2203.15556",
                                       {{"E", std::exp(0.5267228)},
                                        {"A", std::exp(6.0073404)},
                                        {"alpha", 0.33917084},
                                        {"B", std::exp(6.0179186)},
                                        {"beta", 0.2849083}});
  hoffmann.caveat =
      "The search stopped early: a likelihood ratio test on the runs rejects it (p below 1e-48). "
      "Rounded to two digits the exponents give optima that are off by factors.";
  PublishedLaw epoch = ChinchillaOf("epoch_chinchilla",
                                    "Full precision, the same runs fitted again",
                                    "arXiv 2404.10102",
                                    {{"E", 1.8169, 0.0257},
                                     {"A", 482.01, 124.52},
                                     {"alpha", 0.3478, 0.0154},
                                     {"B", 2085.43, 1293.28},
                                     {"beta", 0.3658, 0.0206}});
  epoch.caveat =
      "The limit of least absolute error; a Huber objective of 1e-3 has its optimum at "
      "E 1.8172, A 477.83, alpha .3473, B 2143.4, beta .3672.";
  return {chen, hoffmann, epoch};
}

constexpr char kKumarCaveat[] =
    "The table has offsets that the formula lacks; read as exp(n - P / gamma) they give the "
    "paper's optimum of 7 to 8 bits. Its authors call the constants unlikely to be useful outside "
    "their set-up.";
constexpr char kKumarData[] =
    "OLMo style decoders on Dolma 1.7; weights quantized per channel, activations per tensor";

std::vector<PublishedLaw> PrecisionLaws() {
  return {
      {.key = "kumar_train",
       .title = "Training at P bits throughout",
       .formula = "E + A / (N eff)^alpha + B / D^alpha, eff = (1 - exp(n_w - P_w / gamma_w)) "
                  "(1 - exp(n_a - P_a / gamma_a)) (1 - exp(n_kv - P_kv / gamma_kv))",
       .reference = "arXiv 2411.04330, table 2",
       .family = kEffectiveParameters,
       .coefficients = {{"E", 2.7648},
                        {"A", 4299},
                        {"alpha", 0.4965},
                        {"B", 18060},
                        {"gamma_w", 2.6745},
                        {"n_w", 0.3037},
                        {"gamma_a", 2.2102},
                        {"n_a", 1.4072},
                        {"gamma_kv", 0.9578},
                        {"n_kv", 2.4185}},
       .units = kRawUnits,
       .parameter_count = ParameterCount::kNonEmbedding,
       .data = kKumarData,
       .fitted_range = {{"parameters", {30e6, 220e6}},
                        {"total_tokens", {1.5e9, 26e9}},
                        {"weight_bits", {3, 12}}},
       .certainty = Certainty::kInferred,
       .caveat = kKumarCaveat},
      {.key = "kumar_ptq",
       .title = "Quantizing to P bits after training in 16",
       .formula = "C D^gamma_D / N^gamma_N exp(b - P / gamma_post)",
       .reference = "arXiv 2411.04330, table 2",
       .quantity = LawQuantity::kLossDifference,
       .coefficients = {{"C", 0.0598},
                        {"gamma_D", 0.5068},
                        {"gamma_N", 0.3439},
                        {"gamma_post", 0.5907},
                        {"b", 1.1277}},
       .units = kRawUnits,
       .parameter_count = ParameterCount::kNonEmbedding,
       .data = kKumarData,
       .fitted_range = {{"parameters", {30e6, 220e6}},
                        {"total_tokens", {1.5e9, 26e9}},
                        {"weight_bits", {3, 12}}},
       .certainty = Certainty::kInferred,
       .caveat = kKumarCaveat},
      {.key = "quest_eff",
       .title = "Training weights and activations at B bits throughout",
       .formula = "E + A / (N eff_B)^alpha + B / D^beta",
       .reference = "arXiv 2502.05003, code release",
       .family = kEffectiveParameters,
       .coefficients = {{"E", 0.0014233},
                        {"A", 8.1340},
                        {"alpha", 0.062727},
                        {"B", 86.412},
                        {"beta", 0.241288},
                        {"eff_1", 0.0205},
                        {"eff_2", 0.1519},
                        {"eff_3", 0.4331},
                        {"eff_4", 0.6918},
                        {"eff_8", 1.0162},
                        {"eff_weights_1", 0.1384},
                        {"eff_weights_2", 0.4137},
                        {"eff_weights_3", 0.6531},
                        {"eff_weights_4", 0.8404},
                        {"eff_no_hadamard_1", 0.0156},
                        {"eff_no_hadamard_2", 0.0784},
                        {"eff_no_hadamard_3", 0.3221},
                        {"eff_no_hadamard_4", 0.6033},
                        {"eff_no_hadamard_8", 0.9376},
                        {"eff_fp4", 0.6296},
                        {"eff_sparse_int4", 0.3812}},
       .units = kRawUnits,
       .parameter_count = ParameterCount::kNonEmbedding,
       .data = "Llama style decoders on C4, GPT-2 tokenizer; QAT from scratch",
       .fitted_range = {{"parameters", {30e6, 822e6}},
                        {"total_tokens", {7.5e8, 8e10}},
                        {"weight_bits", {1, 8}},
                        {"tokens_per_parameter", {25, 100}}},
       .caveat =
           "A, alpha and E are not identified by the runs: E is next to 0 and the model term "
           "reaches 2.2 nats. Ratios of eff are its use, and those at low bits hang on alpha."}};
}

std::vector<PublishedLaw> OtherLossLaws() {
  return {{.key = "ouyang_qid",
           .title = "Quantizing to P bits after training",
           .formula = "k D^beta / (N^alpha P^gamma)",
           .reference = "arXiv 2411.17691",
           .quantity = LawQuantity::kLossDifference,
           .coefficients = {{"k", 0.017}, {"beta", 0.525}, {"alpha", 0.226}, {"gamma", 5.497}},
           .units = kRawUnits,
           .parameter_count = ParameterCount::kNonEmbedding,
           .data = "Pythia checkpoints, GPTQ",
           .fitted_range = {{"parameters", {160e6, 12e9}},
                            {"total_tokens", {1e9, 206e9}},
                            {"weight_bits", {2, 4}}},
           .certainty = Certainty::kSecondHand,
           .caveat = "Gives the paper's table at 2 bits; at 3 and 4 bits the table has more than "
                     "twice the tokens."},
          {.key = "sun_fp",
           .title = "Training in floating point of few bits",
           .formula = "n / N^alpha + d / D^beta + epsilon + (D^beta / N^alpha) log2(Bk) / (gamma "
                      "(Ex + .5)^delta (Mx + .5)^nu)",
           .reference = "arXiv 2501.02423",
           .coefficients = {{"n", 69.2343},
                            {"alpha", 0.2368},
                            {"d", 68973.0621},
                            {"beta", 0.5162},
                            {"epsilon", 1.9061},
                            {"gamma", 11334.5197},
                            {"delta", 3.1926},
                            {"nu", 2.9543}},
           .units = "N in parameters, D in tokens, Ex and Mx bits of exponent and mantissa, Bk "
                    "elements of a block; loss in nats per token",
           .data = "decoders trained in simulated floating point formats",
           .fitted_range = {{"parameters", {41e6, 679e6}}}}};
}

std::vector<PublishedLaw> FractionLaws() {
  return {{.key = kPublishedFractionLaw,
           .title = "Best share of QAT tokens after full precision",
           .formula = "exp(-a / ln S)",
           .reference = "arXiv 2509.22935",
           .quantity = LawQuantity::kQatFraction,
           .coefficients = {{"a", 6.7297}},
           .units = "S in tokens per byte of quantized parameters, above 1; fraction of all tokens",
           .parameter_count = ParameterCount::kAll,
           .data = "Llama 2 style decoders on DCLM; weights alone quantized",
           .fitted_range = {{"parameters", {86e6, 2.2e9}},
                            {"total_tokens", {2.3e9, 1.4e12}},
                            {"weight_bits", {1, 6}},
                            {"tokens_per_parameter_byte", {36, 1.3e5}}},
           .mean_absolute_error = 0.091,
           .certainty = Certainty::kSecondHand,
           .caveat = "Mean absolute error .091 over the paper's runs, part of it the grid of "
                     "fractions that were tried."},
          {.key = "apple_qat_loss",
           .title = "Loss of QAT after full precision: the form, to be fitted",
           .formula = "alpha + beta / D^gamma + zeta / N^eta + theta 2^(-kappa B) + phi 2^(-chi B) "
                      "/ (N^psi S_qat^omega) + lambda 2^(-mu B) / (N^nu S_fp^xi S_qat^rho)",
           .reference = "arXiv 2509.22935",
           .family = kComputeOptimalQat,
           .units = "N in parameters, D in tokens, S in tokens per byte; loss in nats per token",
           .parameter_count = ParameterCount::kAll,
           .data = "Llama 2 style decoders on DCLM; weights alone quantized",
           .fitted_range = {{"parameters", {86e6, 2.2e9}},
                            {"total_tokens", {2.3e9, 1.4e12}},
                            {"weight_bits", {1, 6}}},
           .certainty = Certainty::kUnavailable,
           .caveat = "Its coefficients were not published: fit a study with the law "
                     "compute_optimal_qat."},
          {.key = "paretoq_90_10",
           .title = "The rule of thumb: one tenth of the tokens for QAT",
           .formula = "f",
           .reference = "arXiv 2502.02631",
           .quantity = LawQuantity::kQatFraction,
           .coefficients = {{"f", 0.1}},
           .units = "fraction of all tokens",
           .parameter_count = ParameterCount::kNotStated,
           .data = "MobileLLM-125M",
           .fitted_range = {{"parameters", {125e6, 125e6}}, {"total_tokens", {100e9, 100e9}}},
           .certainty = Certainty::kSecondHand,
           .caveat = "Found for one model and one budget; a baseline."}};
}

std::vector<PublishedLaw> OptimizerLaws() {
  return {{.key = "beyond_outliers_rho4",
           .title = "Parameters that count when training at 4 bits, by optimizer",
           .formula = "E + A / (N rho)^alpha, D = 20 N",
           .reference = "arXiv 2509.23500",
           .quantity = LawQuantity::kMultiplier,
           .coefficients = {{"rho_shampoo", 0.879},
                            {"rho_adamw", 0.863},
                            {"rho_scion", 0.856},
                            {"rho_muon", 0.852},
                            {"rho_psgd", 0.739}},
           .units = "factor on N",
           .data = "OLMo2 style decoders on ClimbMix; QuEST at 4 bits from scratch",
           .fitted_range = {{"parameters", {50e6, 1.5e9}}, {"tokens_per_parameter", {20, 20}}},
           .certainty = Certainty::kSecondHand,
           .caveat = "A, alpha and E were not found, nor the value of SOAP."},
          {.key = "volkova_rho",
           .title = "Tokens that an optimizer is worth, relative to AdamW",
           .formula = "E + A / (rho_N N)^alpha + B / (rho_D D)^beta",
           .reference = "arXiv 2602.07712",
           .quantity = LawQuantity::kMultiplier,
           .coefficients = {{"rho_D_muon", 2.08}, {"rho_D_scion", 1.99}, {"rho_D_soap", 2.57}},
           .units = "factor on D; rho_N is about 1 for all",
           .data = "OLMo style decoders",
           .fitted_range = {{"parameters", {50e6, 1.5e9}}, {"tokens_per_parameter", {30, 200}}},
           .certainty = Certainty::kSecondHand,
           .caveat = "The values of Shampoo and of the other model family were not found."}};
}

}  // namespace

std::vector<PublishedLaw> PublishedCatalogue() {
  std::vector<PublishedLaw> laws;
  for (const auto& group : {FractionLaws(),
                            ChenLaws(),
                            FullPrecisionLaws(),
                            PrecisionLaws(),
                            OtherLossLaws(),
                            OptimizerLaws()}) {
    laws.insert(laws.end(), group.begin(), group.end());
  }
  return laws;
}

}  // namespace bitbudget::fitter
