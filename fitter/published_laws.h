// Laws with coefficients that the literature published: where they come from, what
// they count, where they were fitted and how sure the numbers are. Their formulas:
// published_formulas.h.
//
// Losses are those of the paper's tokenizer and data. A loss of one law is never to
// be compared with that of another; differences within one law are. Immutable, safe
// to read from any thread.

#ifndef BITBUDGET_FITTER_PUBLISHED_LAWS_H_
#define BITBUDGET_FITTER_PUBLISHED_LAWS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/fit.h"

namespace bitbudget::fitter {

// What a law gives.
enum class LawQuantity {
  kLoss,            // nats per token
  kLossDifference,  // nats per token above the loss in full precision
  kQatFraction,     // best share of QAT tokens
  kMultiplier,      // factor on parameters or tokens
};

// How the numbers came here.
enum class Certainty {
  kRead,         // read in the paper or its code
  kSecondHand,   // read in notes about it
  kInferred,     // read, and completed by an inference that `caveat` states
  kUnavailable,  // the form alone was published
};

// How the paper counts N.
enum class ParameterCount { kAll, kNonEmbedding, kNotStated };

struct PublishedCoefficient {
  std::string name;  // of the formula
  double value = 0;
  std::optional<double> standard_error;  // as published
};

// A range of the runs that a law was fitted to.
struct FittedRange {
  std::string axis;  // "parameters", "total_tokens", "weight_bits", ...
  Interval range;
};

struct PublishedLaw {
  std::string key;        // "chen_w4a16"
  std::string title;      // one line
  std::string formula;    // ASCII, in the names of the coefficients
  std::string reference;  // "arXiv 2505.14302, table 1"
  LawQuantity quantity = LawQuantity::kLoss;
  // Family of laws of which it is one (law.h), or empty.
  std::string family;
  std::vector<PublishedCoefficient> coefficients;
  std::string units;  // of N, D and the result, in words
  ParameterCount parameter_count = ParameterCount::kNotStated;
  std::string data;  // tokenizer, data set, recipe
  std::vector<FittedRange> fitted_range;
  double mean_absolute_error = 0;  // as published, of the quantity; 0 if not stated
  Certainty certainty = Certainty::kRead;
  std::string caveat;  // empty if there is none

  // Value of a coefficient, which the law has.
  double Coefficient(std::string_view name) const;
};

// All of them, in the order of the documentation.
std::span<const PublishedLaw> PublishedLaws();

// The law of the best QAT fraction with one coefficient (arXiv 2509.22935).
inline constexpr char kPublishedFractionLaw[] = "apple_qat_fraction";

// Null if there is none of this key.
const PublishedLaw* FindPublishedLaw(std::string_view key);

// The law as a planner takes it, without covariance: no intervals. Its support is
// the fitted range. nullopt if it is no sum of power laws of the families in law.h.
std::optional<FittedLaw> ToFittedLaw(const PublishedLaw& law);

// The same for laws of the fraction, with optimum_count = 0 where unknown; nullopt
// if it is not f = exp(-a / ln S).
std::optional<FractionLaw> ToFractionLaw(const PublishedLaw& law);

// The fitted range as the box that answers are compared with.
DataSupport ToSupport(const PublishedLaw& law);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_PUBLISHED_LAWS_H_
