// The calls of FitService that look at fits: comparisons of laws, explanations.

#include <algorithm>
#include <cmath>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "server/convert.h"
#include "server/convert_analysis.h"
#include "server/convert_planner.h"
#include "server/fit_service.h"
#include "server/page_size.h"
#include "server/request_hash.h"
#include "server/resource_names.h"
#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr PageSizes kPageSizes{.unset = 20, .most = 200};
constexpr PageSizes kRunCounts{.unset = 20, .most = 1000};

// The stated answer as a function of the parameters; null if none is stated.
fitter::Answer AnswerOf(const v1::ExplainFitRequest& request, const fitter::FittedLaw& law) {
  const auto with_theta = [&law](const std::vector<double>& theta) {
    fitter::FittedLaw changed = law;
    changed.theta = theta;
    changed.covariance.clear();
    return changed;
  };
  if (request.has_predict_loss()) {
    const fitter::RunPoint run = ToRunPoint(request.predict_loss(), law.law);
    return [with_theta, run](const std::vector<double>& theta) -> absl::StatusOr<double> {
      ASSIGN_OR_RETURN(const planner::LossAnswer answer,
                       planner::PredictLoss(with_theta(theta), run, 0.9));
      return answer.loss_nats.value;
    };
  }
  if (request.has_optimize_qat_fraction()) {
    planner::FractionQuestion question = ToFractionQuestion(request.optimize_qat_fraction());
    question.with_intervals = false;
    return [with_theta, question](const std::vector<double>& theta) -> absl::StatusOr<double> {
      ASSIGN_OR_RETURN(const planner::FractionAnswer answer,
                       planner::OptimizeQatFraction(with_theta(theta), question));
      return answer.qat_fraction.value;
    };
  }
  return nullptr;
}

double SizeOf(const fitter::Influence& influence) {
  return std::abs(influence.refit.value_or(influence.one_step.value_or(0)));
}

// The runs to list: those that matter most to the answer, or fit worst without one.
std::vector<fitter::ExplainedRun> LargestRuns(std::vector<fitter::ExplainedRun> runs,
                                              bool has_answer,
                                              int count) {
  const auto size = [&](const fitter::ExplainedRun& run) {
    return has_answer ? SizeOf(run.influence) : std::abs(run.residual);
  };
  std::ranges::stable_sort(runs, std::greater<>(), size);
  if (runs.size() > static_cast<size_t>(count)) runs.resize(count);
  return runs;
}

std::string StudyOf(const std::string& fit_name) {
  return fit_name.substr(0, fit_name.find("/fits/"));
}

}  // namespace

absl::StatusOr<v1::LawComparison> FitService::CompareLaws(const CallContext& call,
                                                          const v1::CompareLawsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(const StudyState state, parts_.registry.Find(request.parent()));
  ASSIGN_OR_RETURN(const v1::Study study, parts_.store.GetStudy(request.parent()));
  ASSIGN_OR_RETURN(const std::vector<fitter::Candidate> candidates,
                   ToCandidates(request, study.law()));
  const v1::FitOptions& options = request.has_options() ? request.options() : study.fit_options();
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, computing_.Enter());
  ASSIGN_OR_RETURN(const auto rows,
                   parts_.rows.Rows({.study = study.name(),
                                     .generation = state.generation,
                                     .convention = study.parameter_convention(),
                                     .revision = study.revision()}));
  fitter::FitOptions fitting = ToFitterOptions(options, study.law());
  fitting.variant.reset();
  fitting.cancelled = call.cancelled;
  ASSIGN_OR_RETURN(const fitter::LawComparison compared,
                   fitter::CompareLaws(rows->data, fitting, candidates));
  v1::LawComparison comparison = ToMessage(compared);
  comparison.set_revision(rows->revision);
  comparison.set_rows_hash(rows->hash);
  *comparison.mutable_options() = options;

  const std::shared_lock lock(parts_.deletion_mutex);
  ASSIGN_OR_RETURN(const StudyState now, parts_.registry.Find(study.name()));
  if (now.generation != state.generation) return NotFound("study", study.name());
  return parts_.store.InsertLawComparison(
      study.name(), comparison, MakeRequestKey("CompareLaws", request.parent(), request));
}

absl::StatusOr<v1::LawComparison> FitService::GetLawComparison(
    const CallContext&, const v1::GetLawComparisonRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  return parts_.store.GetLawComparison(request.name());
}

absl::StatusOr<v1::ListLawComparisonsResponse> FitService::ListLawComparisons(
    const CallContext&, const v1::ListLawComparisonsRequest& request) {
  RETURN_IF_ERROR(ToStatus(Validate(request)));
  ASSIGN_OR_RETURN(
      db::LawComparisonPage page,
      parts_.store.ListLawComparisons(
          request.parent(),
          {.size = kPageSizes.Effective(request.page_size()), .token = request.page_token()}));
  v1::ListLawComparisonsResponse response;
  for (v1::LawComparison& comparison : page.comparisons) {
    *response.add_comparisons() = std::move(comparison);
  }
  response.set_next_page_token(std::move(page.next_page_token));
  return response;
}

absl::StatusOr<v1::ExplainFitResponse> FitService::ExplainFit(
    const CallContext& call, const v1::ExplainFitRequest& request) {
  RETURN_IF_ERROR(Check(request));
  ASSIGN_OR_RETURN(const v1::Fit fit, ReadFit(request.name()));
  ASSIGN_OR_RETURN(const AnsweringLaw law, ToAnsweringLaw(fit));
  if (!law.law) {
    return DataCannotAnswer({},
                            "The fit knows the optimal fraction alone, by one coefficient; "
                            "there is no law of losses to explain.");
  }
  ASSIGN_OR_RETURN(const Admission::Ticket ticket, computing_.Enter());
  const std::string study = StudyOf(fit.name());
  ASSIGN_OR_RETURN(const FittingRows rows, ReadRowsOf(fit));
  const fitter::FitOptions options = ToFitterOptions(fit.inputs().options(), fit.law());
  ASSIGN_OR_RETURN(
      fitter::Explanation explanation,
      fitter::ExplainFit(rows.data,
                         options,
                         *law.law,
                         {.answer = AnswerOf(request, *law.law), .cancelled = call.cancelled}));

  const auto name_of = [&](int row) {
    return FormatExperimentName({study, std::to_string(rows.row_numbers[row])});
  };
  const bool has_answer = explanation.answer.has_value();
  v1::ExplainFitResponse response = ToMessage(explanation, *law.law);
  response.set_fit(fit.name());
  for (const fitter::ExplainedRun& run :
       LargestRuns(explanation.runs, has_answer, kRunCounts.Effective(request.run_count()))) {
    v1::ExplainFitResponse::Run* message = response.add_runs();
    *message = ToMessage(run, has_answer);
    message->set_experiment(name_of(run.row));
  }
  std::ranges::stable_sort(explanation.trunks, std::greater<>(), [](const auto& trunk) {
    return SizeOf(trunk.influence);
  });
  for (const fitter::ExplainedTrunk& trunk : explanation.trunks) {
    v1::ExplainFitResponse::Trunk* message = response.add_trunks();
    *message = ToMessage(trunk, has_answer);
    const auto row = std::ranges::find(rows.data.rows, trunk.trunk, &fitter::Observation::trunk);
    const int index = static_cast<int>(row - rows.data.rows.begin());
    ASSIGN_OR_RETURN(const v1::Experiment experiment, parts_.store.GetExperiment(name_of(index)));
    message->set_trunk(experiment.trunk());
  }
  return response;
}

}  // namespace bitbudget::server
