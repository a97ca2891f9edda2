#include "fitter/fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "fitter/covariance.h"
#include "fitter/estimate.h"
#include "fitter/fit_options.h"
#include "fitter/fitted_rows.h"
#include "fitter/fraction_law.h"
#include "fitter/fraction_misfit.h"
#include "fitter/lack_of_fit.h"
#include "fitter/ladder.h"
#include "fitter/laws/chinchilla.h"
#include "fitter/laws/compute_optimal_qat.h"
#include "fitter/measured_optima.h"
#include "fitter/row_selection.h"
#include "fitter/simplification.h"
#include "fitter/support.h"
#include "fitter/warnings.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {
namespace {

bool IsFullPrecision(const Observation& row) { return row.role == RunRole::kFullPrecision; }

std::vector<double> WidthsOf(const Dataset& data, const std::vector<int>& rows) {
  std::set<double> widths;
  for (const int i : rows) widths.insert(data.rows[i].point.weight_bits);
  return {widths.begin(), widths.end()};
}

std::vector<std::string> OptimizersOf(const Dataset& data, const std::vector<int>& rows) {
  std::set<std::string> optimizers;
  for (const int i : rows) optimizers.insert(data.labels[data.rows[i].optimizer]);
  return {optimizers.begin(), optimizers.end()};
}

absl::Status CheckVariant(const std::vector<Law>& ladder, const FitOptions& options) {
  if (!options.variant) return absl::OkStatus();
  std::vector<std::string> known;
  known.reserve(ladder.size() + 1);
  for (const Law& law : ladder) known.push_back(law.variant);
  if (options.family == kComputeOptimalQat) known.push_back(kFractionVariant);
  if (std::find(known.begin(), known.end(), *options.variant) != known.end()) {
    return absl::OkStatus();
  }
  return InvalidField("fit_options.variant",
                      fmt::format("is \"{}\"; variants of {}: {}",
                                  *options.variant,
                                  options.family,
                                  fmt::join(known, ", ")));
}

LadderOptions ClimbOptions(const FitOptions& options) {
  return {.search = {.huber_delta = options.huber_delta,
                     .seed = options.seed,
                     .start_count = options.start_count,
                     .polish_count = options.polish_count,
                     .cancelled = options.cancelled},
          .variant = options.variant};
}

// The Chinchilla law of the full-precision rows that the QAT law may take,
// whatever weight it gives them; unset if they do not identify it.
absl::StatusOr<std::optional<Estimate>> EstimateFullPrecision(const Dataset& data,
                                                              FitOptions options) {
  const std::vector<Law> ladder = ChinchillaLadder();
  options.variant.reset();
  ASSIGN_OR_RETURN(const RowSelection selection, SelectRows(data, ladder.front(), options));
  if (selection.rows.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(LadderResult climbed,
                   Climb(ladder,
                         MeasurementsOf(data, selection.rows, ladder.front(), options),
                         ClimbOptions(options),
                         {}));
  const int parameter_count = ladder.front().parameter_count();
  if (!climbed.rung || climbed.rung->freedom.free_count() < parameter_count) return std::nullopt;
  return MakeEstimate(data, selection.rows, *std::move(climbed.rung), options);
}

// Axes too poor for any law of the family, for the error that says so. None where
// the design would do and the losses show no dependence on it.
std::vector<MissingAxis> PoorAxes(const DataSupport& support, int row_count) {
  constexpr int kLevels = 3;
  // Rows that a design of three levels on three axes has at least.
  constexpr int kFewRows = 27;
  std::vector<MissingAxis> axes;
  const auto need = [&](const char* axis, int level_count) {
    if (level_count < kLevels) axes.push_back({axis, level_count, kLevels, {}});
  };
  need("parameters", support.parameters_level_count);
  need("total_tokens", support.total_tokens_level_count);
  if (support.qat_row_count > 0) need("qat_fraction", support.qat_fraction_level_count);
  if (axes.empty() && row_count < kFewRows) {
    axes.push_back({"experiments", row_count, kFewRows, {}});
  }
  return axes;
}

std::vector<int> QatRows(const Dataset& data, const std::vector<int>& rows) {
  std::vector<int> qat_rows;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(qat_rows), [&](int i) {
    return !IsFullPrecision(data.rows[i]);
  });
  return qat_rows;
}

absl::Status NothingIdentified(const Dataset& data,
                               const std::vector<int>& rows,
                               const std::vector<RungReport>& ladder) {
  // The last ones ask for the least.
  constexpr size_t kTold = 2;
  std::string explanation = "The runs identify no variant of the law, not even the simplest.";
  for (size_t i = ladder.size() - std::min(ladder.size(), kTold); i < ladder.size(); ++i) {
    const RungReport& report = ladder[i];
    explanation += fmt::format(" {}: {}", report.variant, report.explanation);
  }
  return DataCannotAnswer(PoorAxes(ComputeSupport(data, rows), static_cast<int>(rows.size())),
                          explanation);
}

void AddMeasuredOptima(const OptimumSearch& search, FitResult* result) {
  // The least of some losses that noise has made is a minimum too.
  if (!search.dependence || search.dependence->p_value >= kLeastPValue) return;
  result->measured_optima = search.optima;
  std::ranges::copy(search.bounds, std::back_inserter(result->measured_optima));
}

// Fits the fraction law beside a law that knows no fraction, or alone.
absl::Status AddFractionLaw(const Dataset& data,
                            const std::vector<int>& rows,
                            const OptimumSearch& search,
                            FitResult* result) {
  const absl::StatusOr<FractionLaw> fraction = FitFractionLaw(search);
  if (fraction.ok()) result->fraction_law = *fraction;
  if (result->law) return absl::OkStatus();
  if (!fraction.ok()) {
    if (result->ladder.empty()) return fraction.status();
    const std::optional<ErrorDetails> details = GetErrorDetails(fraction.status());
    result->ladder.push_back(
        {.variant = kFractionVariant, .explanation = details ? details->explanation : ""});
    return NothingIdentified(data, rows, result->ladder);
  }
  result->variant = kFractionVariant;
  result->ladder.push_back(
      {.variant = kFractionVariant,
       .accepted = true,
       .explanation = "Fitted to the optima of the measured runs themselves."});
  result->warnings.push_back(
      "The fit knows the optimal fraction alone, by one coefficient, and no losses.");
  return absl::OkStatus();
}

void AddFractionMisfit(const Dataset& data, const std::vector<int>& rows, FitResult* result) {
  if (!KnowsFraction(result->law->law)) return;
  result->fraction_misfit = MeasureFractionMisfit(data, QatRows(data, rows), *result->law);
  if (!result->fraction_misfit) return;
  Misfit& misfit = result->law->misfit;
  misfit.logit_fraction_stddev = result->fraction_misfit->logit_stddev;
  misfit.fraction_degrees_of_freedom = result->fraction_misfit->optimum_count;
}

// What the law misses and what its rung gives up are not two errors: replicates show
// some of the second in the first.
void AddSimplification(const Dataset& data,
                       const std::vector<int>& rows,
                       const Rung& richest,
                       FitResult* result) {
  const Simplification simplification =
      MeasureSimplification(data, rows, *result->law, {.law = richest.law, .theta = richest.theta});
  Misfit& misfit = result->law->misfit;
  misfit.loss_stddev = std::max(misfit.loss_stddev, simplification.log_loss_rms);
  misfit.log_excess_stddev = simplification.log_excess_rms;
  if (simplification.logit_fraction_rms > misfit.logit_fraction_stddev) {
    misfit.logit_fraction_stddev = simplification.logit_fraction_rms;
    misfit.fraction_degrees_of_freedom = simplification.fraction_count;
  }
}

void AddEstimate(const Dataset& data,
                 const std::vector<int>& rows,
                 const Estimate& estimate,
                 FitResult* result) {
  result->law = estimate.law;
  result->variant = estimate.rung.law.variant;
  result->search = estimate.search;
  result->trunk_count = estimate.noise.trunk_count;
  result->is_trunk_confounded_with_size = IsTrunkConfoundedWithSize(data, rows);
  result->lack_of_fit = estimate.lack_of_fit;
  AddFractionMisfit(data, rows, result);
  result->singular_values = estimate.rung.identification.singular_values;
  result->not_identified = UndeterminedParameters(estimate.rung);
  result->warnings = FindWarnings(*result, estimate.rung);
  result->resolved_options.huber_delta = estimate.search.huber_delta;
}

void AddFullPrecision(const std::optional<Estimate>& full_precision,
                      const std::optional<Estimate>& estimate,
                      FitResult* result) {
  if (!full_precision) return;
  result->full_precision_law = full_precision->law;
  result->full_precision_search = full_precision->search;
  if (!estimate) return;
  result->cross_covariance = RowMajor(EstimateCrossCovariance(
      estimate->linearized, estimate->noise, full_precision->linearized, full_precision->noise));
}

// Climbs the ladder unless the fraction law is asked for; unset if no rung holds.
absl::StatusOr<std::optional<Estimate>> EstimateLaw(const Dataset& data,
                                                    const std::vector<int>& rows,
                                                    const FitOptions& options,
                                                    const std::vector<Start>& warm_starts,
                                                    FitResult* result) {
  if (options.variant == kFractionVariant) return std::nullopt;
  ASSIGN_OR_RETURN(const std::vector<Law> ladder,
                   LawLadder(options.family, WidthsOf(data, rows), OptimizersOf(data, rows)));
  ASSIGN_OR_RETURN(LadderResult climbed,
                   Climb(ladder,
                         MeasurementsOf(data, rows, ladder.front(), options),
                         ClimbOptions(options),
                         warm_starts));
  result->ladder = std::move(climbed.reports);
  if (!climbed.rung) return std::nullopt;
  Estimate estimate = MakeEstimate(data, rows, *std::move(climbed.rung), options);
  AddEstimate(data, rows, estimate, result);
  if (climbed.richest) {
    AddSimplification(data, rows, *climbed.richest, result);
    estimate.law.misfit = result->law->misfit;
  }
  return estimate;
}

}  // namespace

absl::StatusOr<FitResult> FitLaw(const Dataset& data,
                                 const FitOptions& options,
                                 const std::vector<Start>& warm_starts) {
  RETURN_IF_ERROR(CheckFitOptions(options));
  // Neither the names of variants nor the rows that a family describes depend on the
  // widths among the rows.
  constexpr double kAnyWidth[] = {16};
  ASSIGN_OR_RETURN(const std::vector<Law> any_widths, LawLadder(options.family, kAnyWidth));
  RETURN_IF_ERROR(CheckVariant(any_widths, options));
  ASSIGN_OR_RETURN(const RowSelection selection, SelectRows(data, any_widths.front(), options));
  const std::vector<int>& rows = selection.rows;
  if (rows.empty()) return NoRowLeft(selection);

  FitResult result{.row_count = static_cast<int64_t>(rows.size()),
                   .rows_left_out = selection.left_out,
                   .resolved_options = selection.options};
  result.full_precision_row_count =
      std::count_if(rows.begin(), rows.end(), [&](int i) { return IsFullPrecision(data.rows[i]); });
  ASSIGN_OR_RETURN(const std::optional<Estimate> estimate,
                   EstimateLaw(data, rows, options, warm_starts, &result));
  if (options.family == kComputeOptimalQat) {
    ASSIGN_OR_RETURN(const std::optional<Estimate> full_precision,
                     EstimateFullPrecision(data, selection.options));
    AddFullPrecision(full_precision, estimate, &result);
    const OptimumSearch search = FindMeasuredOptima(data, QatRows(data, rows));
    AddMeasuredOptima(search, &result);
    if (!estimate || !KnowsFraction(estimate->rung.law)) {
      RETURN_IF_ERROR(AddFractionLaw(data, rows, search, &result));
    }
  } else if (!estimate) {
    return NothingIdentified(data, rows, result.ladder);
  }
  result.resolved_options.variant = result.variant;
  return result;
}

bool NeedsColdSearch(const FitResult& previous,
                     const FitResult& warm,
                     int64_t rows_since_cold_search) {
  constexpr double kNewShare = 0.1;
  constexpr double kScaleGrowth = 1.1;
  return previous.variant != warm.variant ||
         static_cast<double>(rows_since_cold_search) >
             kNewShare * static_cast<double>(warm.row_count) ||
         warm.search.residual_robust_scale > kScaleGrowth * previous.search.residual_robust_scale ||
         warm.search.termination != Termination::kConverged;
}

}  // namespace bitbudget::fitter
