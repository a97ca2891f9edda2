#include "client/cli/fit_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "client/cli/terminal.h"
#include "client/cli/text.h"

namespace bitbudget::cli {
namespace {

// `digits` significant ones, without an exponent for numbers of everyday size.
std::string Significant(double value, int digits) {
  constexpr double kEveryday = 1e6;
  const bool is_long = std::abs(value) >= std::pow(10, digits) && std::abs(value) < kEveryday;
  return is_long ? fmt::format("{:.0f}", value) : fmt::format("{:.{}g}", value, digits);
}

// The rows that a reason leaves out, in words that follow their number.
std::string_view LeftOutRows(v1::LeaveOutReason reason) {
  switch (reason) {
    case v1::ROW_EXCLUDED:
      return "excluded";
    case v1::ROLE_CONTROL:
      return "controls";
    case v1::ROLE_QAT_FROM_SCRATCH:
      return "with QAT from scratch";
    case v1::ROLE_POST_TRAINING:
      return "quantized after training";
    case v1::ROLE_FP_THEN_QAT:
      return "with QAT";
    case v1::QUANTIZED_ACTIVATIONS:
      return "with quantized activations";
    case v1::OTHER_SCHEDULE:
      return "of another schedule";
    case v1::OTHER_RECIPE:
      return "of another recipe";
    case v1::OTHER_OPTIMIZER:
      return "of another optimizer";
    case v1::TOO_FEW_FP_TOKENS:
      return "with too few full-precision tokens";
    case v1::ZERO_WEIGHT:
      return "of weight 0";
    default:
      return "for a reason unknown to this version";
  }
}

std::string LeftOutText(const v1::Fit& fit) {
  std::string text;
  for (const v1::RowsLeftOut& rows : fit.rows_left_out()) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", rows.count(), LeftOutRows(rows.reason()));
  }
  return text.empty() ? "none" : text;
}

std::string SummaryText(const v1::Fit& fit) {
  Table table({"", ""});
  table.AddRow({"Law", fit.law()});
  table.AddRow({"Rung", fit.variant()});
  table.AddRow({"Formula", fit.formula()});
  table.AddRow({"Rows fitted", fmt::to_string(fit.experiment_count())});
  table.AddRow({"Rows left out", LeftOutText(fit)});
  if (fit.has_objective()) {
    table.AddRow({"Objective",
                  fmt::format("{:.6g}, Huber delta {:.4g}", fit.objective(), fit.huber_delta())});
    table.AddRow({"Search",
                  fmt::format("{}; {} of {} polished starts agree, {} screened, {:.3g} s",
                              Words(v1::Termination_Name(fit.termination())),
                              fit.agreeing_start_count(),
                              fit.polished_start_count(),
                              fit.start_count(),
                              fit.compute_seconds())});
  }
  table.AddRow({"Data", fmt::format("revision {}", fit.revision())});
  table.AddRow({"Made", TimeText(fit.create_time())});
  return table.Aligned("  ");
}

// What must be said of a coefficient besides its numbers.
std::string CoefficientNote(const v1::Coefficient& coefficient) {
  if (!coefficient.identified()) return "not identified by the data";
  if (coefficient.at_bound()) return "at a bound";
  return "";
}

std::string CoefficientsText(
    const google::protobuf::RepeatedPtrField<v1::Coefficient>& coefficients) {
  Table table({"COEFFICIENT", "VALUE", "STANDARD ERROR", "UNIT", "NOTE"});
  for (const v1::Coefficient& coefficient : coefficients) {
    table.AddRow(
        {coefficient.name(),
         Significant(coefficient.value(), 5),
         coefficient.has_standard_error() ? Significant(coefficient.standard_error(), 2) : "",
         coefficient.unit(),
         CoefficientNote(coefficient)});
  }
  return table.Aligned("  ");
}

std::string ProbabilityText(double p) {
  constexpr double kLeast = 1e-99;
  return p < kLeast ? fmt::format("p < {:g}", kLeast) : fmt::format("p = {:.2g}", p);
}

void AddLackOfFit(const v1::Fit& fit, Table* table) {
  if (!fit.has_lack_of_fit()) {
    table->AddRow({"Lack of fit", "unknown: the data have no replicates"});
    return;
  }
  const v1::LackOfFit& lack = fit.lack_of_fit();
  table->AddRow({"Replicates",
                 fmt::format("{} about their mean, {} degrees of freedom",
                             Percent(lack.replicate_stddev()),
                             lack.replicate_degrees_of_freedom())});
  const std::string beyond =
      lack.misfit_stddev() > 0
          ? fmt::format("{} with their noise taken off and the fitted parameters counted",
                        Percent(lack.misfit_stddev()))
          : "no more than their noise explains";
  table->AddRow({"Lack of fit",
                 fmt::format("the law misses the means by {}; F = {:.3g}, {}; {}",
                             Percent(lack.misfit_rms()),
                             lack.f_ratio(),
                             ProbabilityText(lack.p_value()),
                             beyond)});
}

std::string FractionMisfitText(const v1::Fit& fit) {
  if (!fit.has_fraction_misfit()) {
    return "unknown: needs replicates and 3 measured optima";
  }
  const v1::FractionMisfit& misfit = fit.fraction_misfit();
  const std::string text =
      fmt::format("the law's best ones differ from {} measured ones by {:.3g} in logit f (rms); {}",
                  misfit.optimum_count(),
                  misfit.logit_rms(),
                  ProbabilityText(misfit.p_value()));
  const std::string beyond =
      misfit.logit_stddev() > 0
          ? fmt::format("; {:.2g} beyond the errors of these", misfit.logit_stddev())
          : "; no more than noise explains";
  const std::string published =
      misfit.has_published_logit_rms()
          ? fmt::format("; apple_qat_fraction by {:.3g}", misfit.published_logit_rms())
          : "";
  return text + beyond + published;
}

std::string TrunkNoiseText(const v1::Noise& noise) {
  if (noise.trunk_count() == 0) return "unknown: no trunk has two rows";
  std::string known = fmt::format(
      "{}, from {}", Percent(noise.trunk_stddev()), Counted(noise.trunk_count(), "trunk"));
  if (!noise.trunk_confounded_with_size()) return known;
  return noise.trunk_stddev() > 0 ? known + "; no size has two, which may be the law's misfit"
                                  : "unknown: no size has two trunks";
}

std::string NoiseText(const v1::Fit& fit) {
  const v1::Noise& noise = fit.noise();
  Table table({"", ""});
  table.AddRow({"Residuals",
                fmt::format("{} rms, {} robust; R squared {:.4f}",
                            Percent(noise.residual_rms()),
                            Percent(noise.residual_robust_scale()),
                            fit.r_squared())});
  table.AddRow({"A run about its trunk", fmt::format("{}", Percent(noise.run_stddev()))});
  table.AddRow({"Shared by a trunk", TrunkNoiseText(noise)});
  AddLackOfFit(fit, &table);
  if (fit.law() == "compute_optimal_qat") {
    table.AddRow({"QAT fractions", FractionMisfitText(fit)});
  }
  return table.Aligned("  ");
}

std::string LadderText(const v1::Fit& fit) {
  Table table({"", "", ""});
  for (const v1::RungReport& rung : fit.ladder()) {
    table.AddRow({rung.variant(), rung.accepted() ? "taken" : "not taken", rung.explanation()});
  }
  return table.Aligned("  ");
}

std::string FractionLawText(const v1::FractionLaw& law) {
  std::string text = fmt::format(
      "  f = exp(-a / ln S), a = {:.5g}, standard error {:.2g}, from {} measured optima; off by "
      "{:.3g} on average\n",
      law.a().value(),
      law.a().standard_error(),
      law.optimum_count(),
      law.mean_absolute_error());
  if (law.bound_count() > 0) {
    text += fmt::format("  and from {}, where the least loss is at an outermost fraction\n",
                        Counted(law.bound_count(), "bound"));
  }
  if (law.log_a_scatter() > 0) {
    text += fmt::format("  single optima ask for an a that scatters by {}\n",
                        Percent(law.log_a_scatter()));
  }
  return text;
}

std::string DerivedText(const v1::Fit& fit) {
  Table table({"DERIVED", "VALUE", "STANDARD ERROR"});
  for (const v1::DerivedCoefficient& derived : fit.derived_coefficients()) {
    table.AddRow({derived.name(),
                  Significant(derived.value(), 5),
                  derived.has_standard_error() ? Significant(derived.standard_error(), 2) : ""});
  }
  return table.empty() ? "" : "\n" + table.Aligned("  ");
}

std::string BootstrapText(const v1::Bootstrap& bootstrap) {
  return fmt::format("  {} draws, {}, seed {}; {} converged, {} with a coefficient at a bound\n",
                     bootstrap.options().draw_count(),
                     Words(v1::BootstrapOptions::Method_Name(bootstrap.options().method())),
                     bootstrap.options().seed(),
                     bootstrap.converged_count(),
                     bootstrap.at_bound_count());
}

std::string Section(std::string_view title, const std::string& body) {
  return body.empty() ? "" : fmt::format("\n{}\n{}", Bold(title), body);
}

std::string WarningsText(const v1::Fit& fit) {
  std::string text;
  for (const std::string& warning : fit.warnings()) text += fmt::format("  - {}\n", warning);
  if (!fit.not_identified().empty()) {
    text += fmt::format("  - The data leave undetermined: {}.\n",
                        fmt::join(fit.not_identified(), ", "));
  }
  return text;
}

}  // namespace

std::string FitText(const v1::Fit& fit) {
  std::string text = fmt::format("{}\n{}", Bold(fit.name()), SummaryText(fit));
  if (!fit.standard_options()) {
    text += "  Made with options of its own: it answers only where it is named.\n";
  }
  if (!fit.coefficients().empty()) {
    text += Section("Coefficients", CoefficientsText(fit.coefficients()) + DerivedText(fit));
  }
  if (fit.has_bootstrap()) text += Section("Bootstrap", BootstrapText(fit.bootstrap()));
  if (fit.has_noise()) text += Section("Noise, in log loss", NoiseText(fit));
  if (fit.has_full_precision_law()) {
    const v1::FullPrecisionLaw& law = fit.full_precision_law();
    text += Section(fmt::format("Full-precision runs alone: {}, residuals {} rms",
                                Counted(law.experiment_count(), "row"),
                                Percent(law.residual_rms())),
                    CoefficientsText(law.coefficients()));
  }
  if (fit.has_fraction_law()) {
    text += Section("Law of the fraction", FractionLawText(fit.fraction_law()));
  }
  text += Section("Ladder, richest first", LadderText(fit));
  text += Section("Warnings", WarningsText(fit));
  return text;
}

Table FitTable(const v1::ListFitsResponse& fits) {
  Table table(
      {"FIT", "REVISION", "LAW", "RUNG", "ROWS", "RESIDUAL RMS", "OBJECTIVE", "OPTIONS", "MADE"});
  for (const v1::Fit& fit : fits.fits()) {
    table.AddRow({LastPart(fit.name()),
                  fmt::to_string(fit.revision()),
                  fit.law(),
                  fit.variant(),
                  fmt::to_string(fit.experiment_count()),
                  fit.has_residual_rms() ? fmt::format("{:.3g}", fit.residual_rms()) : "",
                  fit.has_objective() ? fmt::format("{:.6g}", fit.objective()) : "",
                  fit.standard_options() ? "the study's" : "its own",
                  TimeText(fit.create_time())});
  }
  return table;
}

std::string ReplayText(const v1::ReplayFitResponse& response, const std::string& fit_name) {
  if (response.identical()) {
    return fmt::format("{}: computed again from its inputs, identical in every bit\n", fit_name);
  }
  std::string text = fmt::format("{}: computed again from its inputs, {} differ{}:\n",
                                 fit_name,
                                 Counted(response.differing_fields_size(), "field"),
                                 response.differing_fields_size() == 1 ? "s" : "");
  for (const std::string& field : response.differing_fields()) {
    text += fmt::format("  {}\n", field);
  }
  return text;
}

}  // namespace bitbudget::cli
