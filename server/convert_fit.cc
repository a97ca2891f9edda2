#include "server/convert_fit.h"

#include <cmath>
#include <string>
#include <vector>

#include "fitter/derived.h"
#include "fitter/fraction_law.h"

namespace bitbudget::server {
namespace {

// A parameter of the search in the unit of its coefficient.
double ToCoefficient(const fitter::Parameter& parameter, double theta) {
  return parameter.is_log_coefficient ? std::exp(theta) : theta;
}

v1::Coefficient ToCoefficientMessage(const fitter::FittedLaw& fitted, int index) {
  const fitter::Parameter& parameter = fitted.law.parameters[index];
  const int count = fitted.law.parameter_count();
  v1::Coefficient message;
  message.set_name(parameter.name);
  message.set_value(ToCoefficient(parameter, fitted.theta[index]));
  message.set_at_bound(fitted.at_bound[index]);
  message.set_identified(fitted.identified[index]);
  message.set_unit(parameter.unit);
  message.mutable_bounds()->set_lower(ToCoefficient(parameter, parameter.lower));
  message.mutable_bounds()->set_upper(ToCoefficient(parameter, parameter.upper));
  const double variance = fitted.covariance[static_cast<size_t>(index) * count + index];
  if (fitted.identified[index] && !fitted.at_bound[index] && variance > 0) {
    const double scale = parameter.is_log_coefficient ? message.value() : 1;
    message.set_standard_error(scale * std::sqrt(variance));
  }
  return message;
}

void SetRange(v1::Range* range, const fitter::Interval& interval) {
  range->set_lower(interval.lower);
  range->set_upper(interval.upper);
}

v1::DataSupport ToSupportMessage(const fitter::DataSupport& support) {
  v1::DataSupport message;
  SetRange(message.mutable_parameters(), support.parameters);
  SetRange(message.mutable_total_tokens(), support.total_tokens);
  SetRange(message.mutable_fp_tokens(), support.fp_tokens);
  SetRange(message.mutable_qat_tokens(), support.qat_tokens);
  SetRange(message.mutable_qat_fraction(), support.qat_fraction);
  SetRange(message.mutable_tokens_per_parameter_byte(), support.tokens_per_parameter_byte);
  message.mutable_weight_bits()->Add(support.weight_bits.begin(), support.weight_bits.end());
  message.set_parameters_level_count(support.parameters_level_count);
  message.set_total_tokens_level_count(support.total_tokens_level_count);
  message.set_qat_fraction_level_count(support.qat_fraction_level_count);
  message.set_qat_row_count(support.qat_row_count);
  message.set_full_precision_row_count(support.full_precision_row_count);
  SetRange(message.mutable_group_size(), support.group_size);
  for (const std::string& optimizer : support.optimizers) message.add_optimizers(optimizer);
  return message;
}

void SetMisfit(const fitter::Misfit& misfit, v1::Misfit& message) {
  message.set_loss_stddev(misfit.loss_stddev);
  message.set_logit_fraction_stddev(misfit.logit_fraction_stddev);
  message.set_fraction_degrees_of_freedom(misfit.fraction_degrees_of_freedom);
  message.set_log_excess_stddev(misfit.log_excess_stddev);
}

void SetLaw(const fitter::FittedLaw& fitted, v1::Fit& fit) {
  fit.set_formula(fitted.law.formula);
  for (int i = 0; i < fitted.law.parameter_count(); ++i) {
    *fit.add_coefficients() = ToCoefficientMessage(fitted, i);
  }
  fit.mutable_covariance()->Add(fitted.covariance.begin(), fitted.covariance.end());
  fit.set_degrees_of_freedom(fitted.degrees_of_freedom);
  SetMisfit(fitted.misfit, *fit.mutable_misfit());
  for (const fitter::DerivedCoefficient& derived : DerivedCoefficients(fitted)) {
    v1::DerivedCoefficient* message = fit.add_derived_coefficients();
    message->set_name(derived.name);
    message->set_value(derived.value);
    if (derived.standard_error) message->set_standard_error(*derived.standard_error);
  }
  fit.mutable_noise()->set_run_stddev(fitted.run_stddev);
  fit.mutable_noise()->set_trunk_stddev(fitted.trunk_stddev);
}

void SetSearch(const fitter::SearchReport& search, v1::Fit& fit) {
  fit.set_objective(search.objective);
  fit.set_huber_delta(search.huber_delta);
  fit.set_termination(search.termination == fitter::Termination::kConverged ? v1::CONVERGED
                                                                            : v1::ITERATION_LIMIT);
  fit.set_agreeing_start_count(search.agreeing_start_count);
  fit.set_polished_start_count(search.polished_start_count);
  fit.set_start_count(search.start_count);
  fit.set_residual_rms(search.residual_rms);
  fit.set_r_squared(search.r_squared);
  fit.mutable_noise()->set_residual_rms(search.residual_rms);
  fit.mutable_noise()->set_residual_robust_scale(search.residual_robust_scale);
}

void SetLackOfFit(const fitter::LackOfFit& lack_of_fit, v1::Fit& fit) {
  v1::LackOfFit* message = fit.mutable_lack_of_fit();
  message->set_replicate_stddev(lack_of_fit.replicate_stddev);
  message->set_replicate_degrees_of_freedom(lack_of_fit.replicate_degrees_of_freedom);
  message->set_misfit_rms(lack_of_fit.misfit_rms);
  message->set_f_ratio(lack_of_fit.f_ratio);
  message->set_p_value(lack_of_fit.p_value);
  message->set_misfit_stddev(lack_of_fit.misfit_stddev);
}

void SetFractionMisfit(const fitter::FractionMisfit& misfit, v1::Fit& fit) {
  v1::FractionMisfit* message = fit.mutable_fraction_misfit();
  message->set_optimum_count(misfit.optimum_count);
  message->set_logit_rms(misfit.logit_rms);
  message->set_p_value(misfit.p_value);
  message->set_logit_stddev(misfit.logit_stddev);
  if (misfit.published_logit_rms) message->set_published_logit_rms(*misfit.published_logit_rms);
}

void SetFullPrecisionLaw(const fitter::FitResult& result, v1::Fit& fit) {
  const fitter::FittedLaw& fitted = *result.full_precision_law;
  v1::FullPrecisionLaw* message = fit.mutable_full_precision_law();
  for (int i = 0; i < fitted.law.parameter_count(); ++i) {
    *message->add_coefficients() = ToCoefficientMessage(fitted, i);
  }
  message->mutable_covariance()->Add(fitted.covariance.begin(), fitted.covariance.end());
  message->set_experiment_count(result.full_precision_row_count);
  if (result.full_precision_search) {
    message->set_objective(result.full_precision_search->objective);
    message->set_residual_rms(result.full_precision_search->residual_rms);
  }
  message->set_degrees_of_freedom(fitted.degrees_of_freedom);
  message->set_run_stddev(fitted.run_stddev);
  message->set_trunk_stddev(fitted.trunk_stddev);
  message->set_misfit_stddev(fitted.misfit.loss_stddev);
  *message->mutable_data_support() = ToSupportMessage(fitted.support);
  fit.mutable_cross_covariance()->Add(result.cross_covariance.begin(),
                                      result.cross_covariance.end());
}

void SetFractionLaw(const fitter::FractionLaw& law, v1::Fit& fit) {
  v1::FractionLaw* message = fit.mutable_fraction_law();
  message->mutable_a()->set_name("a");
  message->mutable_a()->set_value(law.a);
  message->mutable_a()->set_standard_error(law.a_stderr);
  message->mutable_a()->set_identified(true);
  message->set_optimum_count(law.optimum_count);
  message->set_bound_count(law.bound_count);
  message->set_mean_absolute_error(law.mean_absolute_error);
  message->set_log_a_scatter(law.log_a_scatter);
}

v1::MeasuredOptimum::Bound ToBound(fitter::OptimumBound bound) {
  switch (bound) {
    case fitter::OptimumBound::kExact:
      return v1::MeasuredOptimum::EXACT;
    case fitter::OptimumBound::kAtMost:
      return v1::MeasuredOptimum::AT_MOST;
    case fitter::OptimumBound::kAtLeast:
      return v1::MeasuredOptimum::AT_LEAST;
  }
  return v1::MeasuredOptimum::BOUND_UNSPECIFIED;
}

void AddMeasuredOptimum(const fitter::MeasuredOptimum& optimum, v1::Fit& fit) {
  v1::MeasuredOptimum* message = fit.add_measured_optima();
  message->set_parameters(std::llround(optimum.parameters));
  message->set_weight_bits(optimum.weight_bits);
  message->set_total_tokens(optimum.total_tokens);
  message->set_qat_fraction(optimum.qat_fraction);
  message->set_bound(ToBound(optimum.bound));
  if (optimum.qat_fraction_stderr) message->set_standard_error(*optimum.qat_fraction_stderr);
}

void SetRowsAndLadder(const fitter::FitResult& result, v1::Fit& fit) {
  fit.set_experiment_count(result.row_count);
  for (const auto& [reason, count] : result.rows_left_out) {
    v1::RowsLeftOut* rows = fit.add_rows_left_out();
    // The two enumerations are in the same order; the contract's begins with
    // "unspecified".
    rows->set_reason(static_cast<v1::LeaveOutReason>(static_cast<int>(reason) + 1));
    rows->set_count(count);
  }
  for (const fitter::RungReport& rung : result.ladder) {
    v1::RungReport* message = fit.add_ladder();
    message->set_variant(rung.variant);
    message->set_accepted(rung.accepted);
    message->set_explanation(rung.explanation);
  }
}

}  // namespace

void SetBootstrap(const fitter::Bootstrap& bootstrap, v1::Fit& fit) {
  v1::Bootstrap* message = fit.mutable_bootstrap();
  message->mutable_draws()->Add(bootstrap.law.theta.begin(), bootstrap.law.theta.end());
  const std::vector<double>& full_precision = bootstrap.full_precision_law.theta;
  message->mutable_full_precision_draws()->Add(full_precision.begin(), full_precision.end());
  message->set_converged_count(bootstrap.converged_count);
  message->set_at_bound_count(bootstrap.at_bound_count);
}

v1::Fit ToFit(const fitter::FitResult& result, const fitter::DataSupport& support) {
  v1::Fit fit;
  fit.set_law(result.resolved_options.family);
  fit.set_variant(result.variant);
  *fit.mutable_data_support() = ToSupportMessage(support);
  SetRowsAndLadder(result, fit);
  if (result.law) {
    SetLaw(*result.law, fit);
    SetSearch(result.search, fit);
    fit.mutable_noise()->set_trunk_count(result.trunk_count);
    fit.mutable_noise()->set_trunk_confounded_with_size(result.is_trunk_confounded_with_size);
  } else {
    fit.set_formula(fitter::kFractionFormula);
  }
  if (result.lack_of_fit) SetLackOfFit(*result.lack_of_fit, fit);
  if (result.fraction_misfit) SetFractionMisfit(*result.fraction_misfit, fit);
  if (result.full_precision_law) SetFullPrecisionLaw(result, fit);
  if (result.fraction_law) SetFractionLaw(*result.fraction_law, fit);
  for (const fitter::MeasuredOptimum& optimum : result.measured_optima) {
    AddMeasuredOptimum(optimum, fit);
  }
  fit.mutable_singular_values()->Add(result.singular_values.begin(), result.singular_values.end());
  for (const std::string& name : result.not_identified) fit.add_not_identified(name);
  for (const std::string& warning : result.warnings) fit.add_warnings(warning);
  return fit;
}

}  // namespace bitbudget::server
