#include "fitter/warnings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <optional>

#include "fitter/noise.h"
#include "fitter/published_laws.h"

namespace bitbudget::fitter {
namespace {

// Root mean squares of residuals above this many robust scales are made by a few
// rows: of a normal distribution it is 1.
constexpr double kFewRowsRatio = 3;

std::optional<double> Find(const Rung& rung, const char* name) {
  const std::optional<int> index = rung.law.FindParameter(name);
  if (!index) return std::nullopt;
  return rung.theta[*index];
}

// Standard error of omega - xi - rho.
double MarginError(const FittedLaw& law) {
  const int count = law.law.parameter_count();
  std::vector<double> direction(count, 0.0);
  direction[*law.law.FindParameter("omega")] = 1;
  direction[*law.law.FindParameter("xi")] = -1;
  direction[*law.law.FindParameter("rho")] = -1;
  double variance = 0;
  for (int a = 0; a < count; ++a) {
    for (int b = 0; b < count; ++b) {
      variance += direction[a] * direction[b] * law.covariance[a * count + b];
    }
  }
  return std::sqrt(std::max(0.0, variance));
}

// At fixed N and B the optimal fraction grows with the budget if and only if
// omega < xi + rho: then the qat term decays more slowly than the interaction.
void WarnOfFraction(const FitResult& result, const Rung& rung, std::vector<std::string>* warnings) {
  const std::optional<double> omega = Find(rung, "omega");
  const std::optional<double> xi = Find(rung, "xi");
  const std::optional<double> rho = Find(rung, "rho");
  if (!omega || !xi || !rho) {
    if (result.full_precision_row_count < result.row_count) {
      warnings->push_back(
          "The losses of this rung have no QAT fraction in them; how to split tokens is told, if "
          "at all, by the law of the fraction alone.");
    }
    return;
  }
  if (*xi == 0) {
    warnings->push_back(
        "xi is 0: no full-precision phase is too short for this law, and its loss falls with the "
        "QAT fraction all the way to 1.");
  } else if (*omega >= *xi + *rho) {
    warnings->push_back(fmt::format(
        "The optimal QAT fraction falls with the budget (omega {:.3g} is not below xi + rho "
        "{:.3g}; standard error of the difference {:.2g}), against the finding of arXiv "
        "2509.22935; compare with 16-bit controls before relying on it.",
        *omega,
        *xi + *rho,
        MarginError(*result.law)));
  }
}

void WarnOfSearch(const SearchReport& search, std::vector<std::string>* warnings) {
  if (search.termination == Termination::kIterationLimit) {
    warnings->push_back(
        "The search stopped at its iteration limit; the coefficients are the best seen, not an "
        "optimum.");
  }
  if (search.polished_start_count > 1 && search.agreeing_start_count == 1) {
    warnings->push_back(fmt::format(
        "Of {} polished starts one alone reached the best optimum; raise start_count to look for "
        "a better one.",
        search.polished_start_count));
  }
}

void WarnOfHeld(const Rung& rung, std::vector<std::string>* warnings) {
  std::vector<std::string> constant;
  std::vector<std::string> typical;
  for (int j = 0; j < rung.law.parameter_count(); ++j) {
    const std::string& name = rung.law.parameters[j].name;
    const HoldReason reason = rung.freedom.reasons[j];
    if (reason == HoldReason::kNoVariation || reason == HoldReason::kPartOfFloor) {
      constant.push_back(name);
    } else if (reason == HoldReason::kTwoLevels) {
      typical.push_back(fmt::format("{} = {:.3g}", name, rung.theta[j]));
    }
  }
  if (!constant.empty()) {
    warnings->push_back(fmt::format(
        "Nothing in the runs varies that would show {}; the law holds at their values of that "
        "axis alone.",
        fmt::join(constant, ", ")));
  }
  if (!typical.empty()) {
    warnings->push_back(fmt::format(
        "Two levels of an axis fix no exponent; assumed {}. Do not extrapolate along it.",
        fmt::join(typical, ", ")));
  }
}

void WarnOfResiduals(const SearchReport& search, std::vector<std::string>* warnings) {
  if (search.residual_rms <= kFewRowsRatio * search.residual_robust_scale) return;
  warnings->push_back(
      fmt::format("A few rows lie far off the law: the root mean square residual is {:.2g} in log "
                  "loss, where half of the rows are within {:.2g}. They hardly move the "
                  "coefficients; look for mistakes among them, and exclude those.",
                  search.residual_rms,
                  search.residual_robust_scale / kScaleOfMedian));
}

void WarnOfTrunks(const FitResult& result, std::vector<std::string>* warnings) {
  if (!result.is_trunk_confounded_with_size) return;
  warnings->push_back(
      "No size has two trunks: what the runs of a trunk share cannot be told from the effect of "
      "their size, and intervals of losses may be too narrow. Train a second trunk, with another "
      "seed, for each size.");
}

// Probabilities near the least double are no numbers to tell.
std::string Probability(double p) {
  constexpr double kLeast = 1e-99;
  return p < kLeast ? fmt::format("p < {:g}", kLeast) : fmt::format("p = {:.1g}", p);
}

void WarnOfMisfit(const FitResult& result, std::vector<std::string>* warnings) {
  if (const auto& lack = result.lack_of_fit; lack && lack->misfit_stddev > 0) {
    warnings->push_back(fmt::format(
        "The law misses the runs by more than the noise of replicates explains (F = {:.3g}, "
        "{}): it is off by {:.2g} in log loss, which the intervals of losses take into "
        "account.",
        lack->f_ratio,
        Probability(lack->p_value),
        lack->misfit_stddev));
  }
  if (const auto& misfit = result.fraction_misfit; misfit && misfit->logit_stddev > 0) {
    warnings->push_back(fmt::format(
        "The best QAT fractions of the law differ from {} measured ones by more than the errors "
        "of both explain ({}): the law is off by {:.2g} in logit f, which intervals of "
        "fractions, waste and ranges of equally good fractions take into account.",
        misfit->optimum_count,
        Probability(misfit->p_value),
        misfit->logit_stddev));
    if (misfit->published_logit_rms && *misfit->published_logit_rms < misfit->logit_rms) {
      warnings->push_back(
          fmt::format("The published law {}, fitted to none of these runs, is nearer to those "
                      "fractions: off by {:.2g} in logit f (rms) where this law is off by {:.2g}. "
                      "Ask it as well.",
                      kPublishedFractionLaw,
                      *misfit->published_logit_rms,
                      misfit->logit_rms));
    }
  }
}

}  // namespace

std::vector<std::string> FindWarnings(const FitResult& result, const Rung& rung) {
  std::vector<std::string> warnings;
  WarnOfFraction(result, rung, &warnings);
  WarnOfSearch(result.search, &warnings);
  WarnOfHeld(rung, &warnings);
  const std::string obstacle = ExplainObstacle(rung);
  if (!obstacle.empty()) {
    warnings.push_back(
        fmt::format("The variant was asked for but is not identified. {}", obstacle));
  }
  WarnOfResiduals(result.search, &warnings);
  WarnOfTrunks(result, &warnings);
  WarnOfMisfit(result, &warnings);
  return warnings;
}

}  // namespace bitbudget::fitter
