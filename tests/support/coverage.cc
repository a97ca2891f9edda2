#include "tests/support/coverage.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/statusor.h"
#include "fitter/bootstrap.h"
#include "fitter/fit.h"
#include "planner/bit_width.h"
#include "planner/full_precision.h"
#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "tests/support/simulated_study.h"
#include "util/status_macros.h"

namespace bitbudget::test_support {
namespace {

using fitter::RunPoint;
using planner::Estimate;

constexpr double kLeastSize = 86e6;
constexpr double kLargestSize = 2.2e9;
constexpr double kLeastBudget = 2.3e9;
constexpr double kLargestBudget = 1.4e12;
constexpr double kRuleOfThumb = 0.1;

std::vector<double> LogSpaced(double lower, double upper, int count) {
  std::vector<double> values;
  values.reserve(count);
  for (int i = 0; i < count; ++i) {
    values.push_back(lower * std::pow(upper / lower, static_cast<double>(i) / (count - 1)));
  }
  return values;
}

struct Grid {
  int sizes = 0;
  int budgets = 0;
  std::vector<double> widths;
  std::vector<double> fractions;
};

std::vector<RunPoint> PointsOf(const Grid& grid) {
  std::vector<RunPoint> points;
  for (const double n : LogSpaced(kLeastSize, kLargestSize, grid.sizes)) {
    for (const double d : LogSpaced(kLeastBudget, kLargestBudget, grid.budgets)) {
      points.push_back(RunAtFraction(n, d, 16, 0));
      for (const double bits : grid.widths) {
        for (const double f : grid.fractions) points.push_back(RunAtFraction(n, d, bits, f));
      }
    }
  }
  return points;
}

// A question put to a campaign: inside its data.
struct Place {
  double parameters = 0;
  double total_tokens = 0;
  double weight_bits = 0;
  double qat_fraction = 0;
};

Place DrawPlace(const fitter::DataSupport& support, NormalStream* stream) {
  const auto log_uniform = [&](double lower, double upper) {
    return lower * std::pow(upper / lower, stream->Uniform());
  };
  Place place;
  place.parameters = log_uniform(support.parameters.lower, support.parameters.upper);
  place.total_tokens = log_uniform(support.total_tokens.lower, support.total_tokens.upper);
  const std::vector<double>& widths = support.weight_bits;
  place.weight_bits =
      widths[static_cast<size_t>(stream->Uniform() * static_cast<double>(widths.size()))];
  place.qat_fraction =
      support.qat_fraction.lower +
      (support.qat_fraction.upper - support.qat_fraction.lower) * stream->Uniform();
  return place;
}

planner::FitLaws LawsOf(const fitter::FitResult& fit) {
  return {.law = &*fit.law,
          .full_precision_law = fit.full_precision_law ? &*fit.full_precision_law : nullptr,
          .cross_covariance = fit.cross_covariance};
}

// Asks one fit, and keeps the score.
class Interview {
 public:
  Interview(const QatLawCoefficients& truth, const CoverageOptions& options, CoverageReport* report)
      : truth_(truth), options_(options), report_(report) {}

  void Ask(const fitter::FitResult& fit, const Place& place) {
    AskLoss(fit, place);
    AskFraction(fit, place);
    AskFullPrecision(fit, place);
    AskWidths(fit, place);
  }

  // All questions of a place are refused.
  void Refuse() {
    for (const Asked asked : {Asked::kLoss,
                              Asked::kFraction,
                              Asked::kExcessLoss,
                              Asked::kWastedTokens,
                              Asked::kAboveSameLaw,
                              Asked::kAboveFullPrecisionLaw,
                              Asked::kWidthExcess}) {
      Score(asked, std::nullopt, 0);
    }
    ++report_->best_width.asked;
    ++report_->best_width.refused;
  }

 private:
  void AskLoss(const fitter::FitResult& fit, const Place& place) {
    const RunPoint run =
        RunAtFraction(place.parameters, place.total_tokens, place.weight_bits, place.qat_fraction);
    const auto answer = planner::PredictLoss(*fit.law, run, options_.confidence_level);
    if (!answer.ok()) return Score(Asked::kLoss, std::nullopt, 0);
    Score(Asked::kLoss, answer->loss_nats, TrueLoss(truth_, run));
  }

  void AskFraction(const fitter::FitResult& fit, const Place& place) {
    planner::FractionQuestion question{.parameters = place.parameters,
                                       .weight_bits = place.weight_bits,
                                       .budget_tokens = place.total_tokens,
                                       .caller_fraction = kRuleOfThumb,
                                       .confidence_level = options_.confidence_level};
    const auto answer = fit.fraction_law ? planner::OptimizeQatFraction(
                                               *fit.fraction_law, fit.law->support, question)
                                         : planner::OptimizeQatFraction(*fit.law, question);
    if (!answer.ok()) {
      Score(Asked::kFraction, std::nullopt, 0);
      Score(Asked::kExcessLoss, std::nullopt, 0);
      return Score(Asked::kWastedTokens, std::nullopt, 0);
    }
    Score(Asked::kFraction, answer->qat_fraction, BestFraction(place, place.total_tokens));
    if (!answer->caller_split) {
      Score(Asked::kExcessLoss, std::nullopt, 0);
      return Score(Asked::kWastedTokens, std::nullopt, 0);
    }
    const double by_rule = LossAt(place, place.total_tokens, kRuleOfThumb);
    Score(Asked::kExcessLoss,
          answer->caller_split->excess_loss_nats,
          by_rule - BestLoss(place, place.total_tokens));
    Score(Asked::kWastedTokens,
          answer->caller_split->wasted_token_fraction,
          1 - TokensForLoss(place, by_rule) / place.total_tokens);
  }

  void AskFullPrecision(const fitter::FitResult& fit, const Place& place) {
    planner::FullPrecisionQuestion question{.parameters = place.parameters,
                                            .weight_bits = {place.weight_bits},
                                            .budget = {.tokens = place.total_tokens},
                                            .confidence_level = options_.confidence_level};
    const auto answer = planner::CompareToFullPrecision(LawsOf(fit), question);
    if (!answer.ok()) {
      Score(Asked::kAboveSameLaw, std::nullopt, 0);
      return Score(Asked::kAboveFullPrecisionLaw, std::nullopt, 0);
    }
    const RunPoint full_precision = RunAtFraction(place.parameters, place.total_tokens, 16, 0);
    const auto& width = answer->widths.front();
    const RunPoint run{place.parameters, width.fp_tokens, width.qat_tokens, place.weight_bits};
    const double difference = TrueLoss(truth_, run) - TrueLoss(truth_, full_precision);
    Score(Asked::kAboveSameLaw, width.same_law.reference.loss_difference_nats, difference);
    std::optional<Estimate> by_other_law;
    if (width.full_precision_law) {
      by_other_law = width.full_precision_law->reference.loss_difference_nats;
    }
    Score(Asked::kAboveFullPrecisionLaw, by_other_law, difference);
  }

  // Sizes under a cap that the place's model fills.
  void AskWidths(const fitter::FitResult& fit, const Place& place) {
    planner::BitWidthQuestion question{.budget = {.tokens = place.total_tokens},
                                       .confidence_level = options_.confidence_level};
    question.memory_bytes =
        planner::MemoryOf(question.memory_model, place.parameters, place.weight_bits).total_bytes;
    BestWidthCalibration& calibration = report_->best_width;
    ++calibration.asked;
    const auto answer = planner::OptimizeBitWidth(*fit.law, question);
    if (!answer.ok() || !answer->candidates.front().probability_best) {
      ++calibration.refused;
      return Score(Asked::kWidthExcess, std::nullopt, 0);
    }
    std::vector<double> losses;
    for (const planner::WidthCandidate& candidate : answer->candidates) {
      losses.push_back(TrueLoss(truth_,
                                {candidate.parameters,
                                 candidate.fp_tokens,
                                 candidate.qat_tokens,
                                 candidate.weight_bits}));
    }
    calibration.probability_sum += *answer->candidates.front().probability_best;
    const auto best = std::ranges::min_element(losses) - losses.begin();
    if (best == 0) ++calibration.right;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      const double probability = *answer->candidates[i].probability_best;
      const auto edge = std::ranges::lower_bound(kProbabilityEdges, probability);
      ProbabilityBin& bin = calibration.bins[edge - kProbabilityEdges.begin()];
      ++bin.count;
      bin.probability_sum += probability;
      if (static_cast<std::ptrdiff_t>(i) == best) ++bin.right;
    }
    if (losses.size() < 2) return;
    Score(Asked::kWidthExcess, answer->candidates[1].excess_loss_nats, losses[1] - losses[0]);
  }

  double LossAt(const Place& place, double tokens, double fraction) const {
    return TrueLoss(truth_, RunAtFraction(place.parameters, tokens, place.weight_bits, fraction));
  }
  double BestFraction(const Place& place, double tokens) const {
    return TrueOptimalFraction(truth_, place.parameters, tokens, place.weight_bits);
  }
  double BestLoss(const Place& place, double tokens) const {
    return LossAt(place, tokens, BestFraction(place, tokens));
  }

  // Tokens whose best split has this loss, at most those of the place.
  double TokensForLoss(const Place& place, double loss_nats) const {
    double lower = place.total_tokens * 1e-6;
    double upper = place.total_tokens;
    while (upper / lower > 1 + 1e-12) {
      const double middle = std::sqrt(lower * upper);
      (BestLoss(place, middle) > loss_nats ? lower : upper) = middle;
    }
    return upper;
  }

  void Score(Asked asked, const std::optional<Estimate>& answer, double truth) {
    Coverage& coverage = report_->by_question[asked];
    ++coverage.asked;
    if (!answer || !answer->interval) {
      ++coverage.refused;
    } else if (answer->interval->lower <= truth && truth <= answer->interval->upper) {
      ++coverage.covered;
    }
  }

  const QatLawCoefficients& truth_;
  const CoverageOptions& options_;
  CoverageReport* report_;
};

// With draws, if they are asked for.
absl::StatusOr<fitter::FitResult> Fit(const fitter::Dataset& data, const CoverageOptions& options) {
  ASSIGN_OR_RETURN(fitter::FitResult fit,
                   fitter::FitLaw(data, {.huber_delta = options.huber_delta}));
  if (options.bootstrap_draw_count == 0 || !fit.law) return fit;
  ASSIGN_OR_RETURN(fitter::Bootstrap bootstrap,
                   fitter::BootstrapFit(data, fit, {.draw_count = options.bootstrap_draw_count}));
  fit.law->draws = std::move(bootstrap.law.theta);
  if (fit.full_precision_law) {
    fit.full_precision_law->draws = std::move(bootstrap.full_precision_law.theta);
  }
  return fit;
}

}  // namespace

CampaignDesign CampaignOf(int row_count) {
  const std::vector<double> three = {1, 2, 4};
  const std::vector<double> four = {1, 2, 4, 6};
  const std::vector<double> few = {0.1, 0.3, 0.6};
  const std::vector<double> many = {0.05, 0.1, 0.2, 0.35, 0.55, 0.8};
  if (row_count <= 60) return {PointsOf({3, 2, three, few})};
  if (row_count <= 120) return {PointsOf({3, 4, three, few})};
  if (row_count <= 300) return {PointsOf({4, 3, four, many})};
  return {PointsOf({4, 4, four, many}), 2};
}

std::string NameOf(Asked asked) {
  switch (asked) {
    case Asked::kLoss:
      return "loss";
    case Asked::kFraction:
      return "best fraction";
    case Asked::kExcessLoss:
      return "excess of 1/10";
    case Asked::kWastedTokens:
      return "waste of 1/10";
    case Asked::kAboveSameLaw:
      return "above full precision";
    case Asked::kAboveFullPrecisionLaw:
      return "above full precision (own law)";
    case Asked::kWidthExcess:
      return "next width";
  }
  return "";
}

CoverageReport MeasureCoverage(const Truth& truth, const CoverageOptions& options) {
  const CampaignDesign design = CampaignOf(options.row_count);
  CoverageReport report;
  NormalStream places(options.seed);
  Interview interview(truth.coefficients, options, &report);
  for (int i = 0; i < options.study_count; ++i) {
    const fitter::Dataset data =
        SimulateRuns(truth.coefficients,
                     design.points,
                     {.seed = options.seed * 1'000'003 + static_cast<uint64_t>(i),
                      .run_stddev = options.run_stddev,
                      .trunk_stddev = options.trunk_stddev,
                      .outlier_share = options.outlier_share,
                      .replicate_count = design.replicate_count});
    const absl::StatusOr<fitter::FitResult> fit = Fit(data, options);
    ++report.study_count;
    ++report.variants[fit.ok() ? fit->variant : "none"];
    const bool is_fitted = fit.ok() && fit->law.has_value();
    if (!is_fitted) ++report.unfitted_count;
    for (int question = 0; question < options.questions_per_study; ++question) {
      if (is_fitted) {
        interview.Ask(*fit, DrawPlace(fit->law->support, &places));
      } else {
        interview.Refuse();
      }
    }
  }
  return report;
}

}  // namespace bitbudget::test_support
