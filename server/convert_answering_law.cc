// A stored fit as the law that answers questions.

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/convert_fit.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr double kFullPrecisionBits = 16;
constexpr std::string_view kFullPrecisionFamily = "chinchilla";

// The parameter of the search that a coefficient is.
double ToTheta(const fitter::Parameter& parameter, double coefficient) {
  return parameter.is_log_coefficient ? std::log(coefficient) : coefficient;
}

fitter::Interval ToInterval(const v1::Range& range) { return {range.lower(), range.upper()}; }

fitter::DataSupport FromSupportMessage(const v1::DataSupport& message) {
  return {.parameters = ToInterval(message.parameters()),
          .total_tokens = ToInterval(message.total_tokens()),
          .fp_tokens = ToInterval(message.fp_tokens()),
          .qat_tokens = ToInterval(message.qat_tokens()),
          .qat_fraction = ToInterval(message.qat_fraction()),
          .tokens_per_parameter_byte = ToInterval(message.tokens_per_parameter_byte()),
          .weight_bits = {message.weight_bits().begin(), message.weight_bits().end()},
          .group_size = ToInterval(message.group_size()),
          .optimizers = {message.optimizers().begin(), message.optimizers().end()},
          .parameters_level_count = message.parameters_level_count(),
          .total_tokens_level_count = message.total_tokens_level_count(),
          .qat_fraction_level_count = message.qat_fraction_level_count(),
          .qat_row_count = message.qat_row_count(),
          .full_precision_row_count = message.full_precision_row_count()};
}

absl::Status NotOfItsVariant(const std::string& fit) {
  return MakeError(absl::StatusCode::kDataLoss,
                   fmt::format("\"{}\" has other coefficients than its variant; the database is "
                               "damaged or was written by another version",
                               fit),
                   {.reason = "DATABASE_DAMAGED"});
}

// Fills in what a law owes to its stored coefficients; false if they are not
// those of `fitted.law`.
bool ReadCoefficients(const google::protobuf::RepeatedPtrField<v1::Coefficient>& coefficients,
                      const google::protobuf::RepeatedField<double>& covariance,
                      fitter::FittedLaw& fitted) {
  const int count = fitted.law.parameter_count();
  if (coefficients.size() != count || covariance.size() != count * count) return false;
  for (int i = 0; i < count; ++i) {
    const fitter::Parameter& parameter = fitted.law.parameters[i];
    if (coefficients[i].name() != parameter.name) return false;
    fitted.theta.push_back(ToTheta(parameter, coefficients[i].value()));
    fitted.identified.push_back(coefficients[i].identified());
    fitted.at_bound.push_back(coefficients[i].at_bound());
  }
  fitted.covariance.assign(covariance.begin(), covariance.end());
  return true;
}

// The variant `variant` of `family`; nullopt if there is none.
std::optional<fitter::Law> FindVariant(std::string_view family,
                                       std::string_view variant,
                                       const std::vector<double>& weight_bits,
                                       const std::vector<std::string>& optimizers) {
  absl::StatusOr<std::vector<fitter::Law>> ladder =
      fitter::LawLadder(family, weight_bits, optimizers);
  if (!ladder.ok()) return std::nullopt;
  for (fitter::Law& law : *ladder) {
    if (law.variant == variant) return std::move(law);
  }
  return std::nullopt;
}

fitter::Misfit ReadMisfit(const v1::Misfit& message) {
  return {.loss_stddev = message.loss_stddev(),
          .logit_fraction_stddev = message.logit_fraction_stddev(),
          .fraction_degrees_of_freedom = message.fraction_degrees_of_freedom(),
          .log_excess_stddev = message.log_excess_stddev()};
}

absl::StatusOr<fitter::FittedLaw> ReadLaw(const v1::Fit& fit, const fitter::DataSupport& support) {
  std::vector<double> widths = support.weight_bits;
  if (support.full_precision_row_count > 0) widths.push_back(kFullPrecisionBits);
  std::optional<fitter::Law> law =
      FindVariant(fit.law(), fit.variant(), widths, support.optimizers);
  if (!law) return NotOfItsVariant(fit.name());
  fitter::FittedLaw fitted{.law = *std::move(law),
                           .run_stddev = fit.noise().run_stddev(),
                           .trunk_stddev = fit.noise().trunk_stddev(),
                           .misfit = ReadMisfit(fit.misfit()),
                           .degrees_of_freedom = fit.degrees_of_freedom(),
                           .support = support};
  if (!ReadCoefficients(fit.coefficients(), fit.covariance(), fitted)) {
    return NotOfItsVariant(fit.name());
  }
  return fitted;
}

absl::StatusOr<fitter::FittedLaw> ReadFullPrecisionLaw(const v1::Fit& fit) {
  const v1::FullPrecisionLaw& message = fit.full_precision_law();
  std::optional<fitter::Law> law = FindVariant(kFullPrecisionFamily, "full", {}, {});
  if (!law) return NotOfItsVariant(fit.name());
  fitter::FittedLaw fitted{.law = *std::move(law),
                           .run_stddev = message.run_stddev(),
                           .trunk_stddev = message.trunk_stddev(),
                           .misfit = {.loss_stddev = message.misfit_stddev()},
                           .degrees_of_freedom = message.degrees_of_freedom(),
                           .support = FromSupportMessage(message.data_support())};
  if (!ReadCoefficients(message.coefficients(), message.covariance(), fitted)) {
    return NotOfItsVariant(fit.name());
  }
  return fitted;
}

absl::Status ReadDraws(const v1::Fit& fit, AnsweringLaw& answering) {
  const auto take = [](const google::protobuf::RepeatedField<double>& draws,
                       std::optional<fitter::FittedLaw>& law) {
    if (draws.empty()) return true;
    if (!law || draws.size() % law->law.parameter_count() != 0) return false;
    law->draws.assign(draws.begin(), draws.end());
    return true;
  };
  const bool fits = take(fit.bootstrap().draws(), answering.law) &&
                    take(fit.bootstrap().full_precision_draws(), answering.full_precision_law);
  return fits ? absl::OkStatus() : NotOfItsVariant(fit.name());
}

}  // namespace

absl::StatusOr<AnsweringLaw> ToAnsweringLaw(const v1::Fit& fit) {
  AnsweringLaw answering{.support = FromSupportMessage(fit.data_support())};
  if (!fit.coefficients().empty()) {
    ASSIGN_OR_RETURN(answering.law, ReadLaw(fit, answering.support));
  }
  if (fit.has_full_precision_law()) {
    ASSIGN_OR_RETURN(answering.full_precision_law, ReadFullPrecisionLaw(fit));
  }
  if (fit.has_bootstrap()) RETURN_IF_ERROR(ReadDraws(fit, answering));
  if (answering.law && answering.full_precision_law) {
    answering.cross_covariance.assign(fit.cross_covariance().begin(), fit.cross_covariance().end());
    const size_t entries = answering.law->theta.size() * answering.full_precision_law->theta.size();
    if (answering.cross_covariance.size() != entries) return NotOfItsVariant(fit.name());
  }
  answering.counts_embeddings = fit.inputs().parameter_convention() == v1::TOTAL;
  if (fit.has_fraction_law()) {
    const v1::FractionLaw& law = fit.fraction_law();
    answering.fraction_law = {.a = law.a().value(),
                              .a_stderr = law.a().standard_error(),
                              .optimum_count = law.optimum_count(),
                              .bound_count = law.bound_count(),
                              .mean_absolute_error = law.mean_absolute_error(),
                              .log_a_scatter = law.log_a_scatter()};
  }
  return answering;
}

}  // namespace bitbudget::server
