// What a law is: a loss as a sum of positive power-law terms,
//
//   L(run) = sum_k exp(x_k(run) . theta)
//
// where every x_k is known (1 for the log of a coefficient, logarithms of the
// run's quantities for exponents) and theta holds the parameters to be
// estimated. Log-coefficients and exponents enter linearly, so a variant of a
// law is an edit of this table: a term dropped, or a parameter shared by two
// terms. See fitter/laws/ for the families.
//
// Values, immutable once built; safe to read from any thread.

#ifndef BITBUDGET_FITTER_LAW_H_
#define BITBUDGET_FITTER_LAW_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fitter/observation.h"

namespace bitbudget::fitter {

// A known quantity of a run that multiplies a parameter inside a term. Reference
// scales make coefficients readable and are part of a law's definition.
enum class Feature {
  kOne,                       // 1: the parameter is the log of the term's coefficient
  kMinusLogParameters,        // -ln(N / N_ref)
  kMinusLogTotalTokens,       // -ln(D / D_ref)
  kMinusLogFpTokensPerByte,   // -ln(S_fp / S_ref)
  kMinusLogQatTokensPerByte,  // -ln(S_qat / S_ref)
  kMinusBitsLn2,              // -B ln 2
  kLogTotalTokens,            // ln(D / D_ref): the term grows with the tokens
  kLogLog2GroupSize,          // ln(log2 G); 0 where no group size is stated
};

// One parameter of a law.
struct Parameter {
  std::string name;  // of the coefficient: "phi", "omega"
  std::string unit;  // "nats at N = 1e9, S = 100", "per bit", ""
  // True: theta holds ln(coefficient), and the coefficient is positive.
  bool is_log_coefficient = false;
  double lower = 0;  // bounds on theta
  double upper = 0;
};

// One factor of a term: feature times theta[parameter].
struct Factor {
  Feature feature;
  int parameter;
};

// One term of a law.
struct Term {
  std::string name;  // "floor", "data", "model", "bits_floor", "qat",
                     // "interaction"
  std::vector<Factor> factors;
  // Absent from full-precision runs (16 bits, no QAT tokens).
  bool quantized_only = false;
  // Present only at this width, if set.
  std::optional<double> only_weight_bits;
  // Present only with this optimizer, an index into Law::optimizers, if set.
  std::optional<int> only_optimizer;
};

// Scales at which coefficients are stated.
struct ReferenceScales {
  double parameters = 1;
  double tokens = 1;
  double tokens_per_parameter_byte = 1;
};

// A law family in one of its variants.
struct Law {
  std::string family;   // "compute_optimal_qat"
  std::string variant;  // "full", or a rung of the ladder
  std::string formula;  // ASCII, in the names of the parameters
  ReferenceScales reference;
  std::vector<Parameter> parameters;
  std::vector<Term> terms;
  // Names that RunPoint::optimizer indexes, ascending; empty unless the law tells
  // optimizers apart.
  std::vector<std::string> optimizers;

  int parameter_count() const { return static_cast<int>(parameters.size()); }
  // Index of the parameter called `name`; nullopt if the variant lacks it.
  std::optional<int> FindParameter(std::string_view name) const;
};

// True if a factor of some term has this feature.
bool DependsOn(const Law& law, Feature feature);

// The run of `row` as the law sees it: with group size and optimizer where the law
// depends on them. `labels` are those of the row's data set.
RunPoint PointOf(const Law& law, const Observation& row, const std::vector<std::string>& labels);

// Value of a feature for a run; the run has the tokens that the feature needs.
double FeatureValue(Feature feature, const RunPoint& run, const ReferenceScales& reference);

// True if `term` contributes to `run`.
bool TermApplies(const Term& term, const RunPoint& run);

// False if the law has terms for certain widths alone and none for that of `run`: its
// other terms then add up to no loss.
bool DescribesWidth(const Law& law, const RunPoint& run);

// Loss of every term at `run`, 0 for those that do not apply; the sum is the
// loss. `theta` has one entry a parameter.
std::vector<double> TermLosses(const Law& law, std::span<const double> theta, const RunPoint& run);

// ln L and, if `gradient` is not null, its derivative by theta (resized).
double LogLoss(const Law& law,
               std::span<const double> theta,
               const RunPoint& run,
               std::vector<double>* gradient = nullptr);

// Why a law does not use a row; the order is that of bitbudget.v1
// LeaveOutReason.
enum class LeaveOutReason {
  kExcluded,
  kRoleControl,
  kRoleQatFromScratch,
  kRolePostTraining,
  kRoleFpThenQat,
  kQuantizedActivations,
  kOtherSchedule,
  kOtherRecipe,
  kOtherOptimizer,
  kTooFewFpTokens,
  kZeroWeight,
};

// True if the quantized runs that the family describes have no full-precision phase.
bool DescribesQatFromScratch(std::string_view family);

// nullopt if the family describes a run of this role and activation width.
std::optional<LeaveOutReason> OutsideDomain(const Law& law, const Observation& row);

// The variants of a family that are sums of power-law terms, richest first.
// `weight_bits` are the widths in the data, ascending, 16 among them if there are
// full-precision rows, and `optimizers` the optimizers in them, ascending: some
// variants have terms for each. INVALID_ARGUMENT for an unknown family, naming the
// known ones.
absl::StatusOr<std::vector<Law>> LawLadder(std::string_view family,
                                           std::span<const double> weight_bits,
                                           std::span<const std::string> optimizers = {});

// Names of the families, in the order of the documentation.
std::span<const std::string_view> LawFamilies();

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAW_H_
