#include "server/convert_analysis.h"

#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

v1::ExplainFitResponse::Influence ToMessage(const fitter::Influence& influence) {
  v1::ExplainFitResponse::Influence message;
  if (influence.one_step) message.set_one_step(*influence.one_step);
  if (influence.refit) message.set_refit(*influence.refit);
  return message;
}

v1::LawComparison::Entry ToMessage(const fitter::ComparedLaw& law) {
  v1::LawComparison::Entry message;
  message.set_law(law.candidate.family);
  message.set_variant(law.candidate.variant);
  message.set_obstacle(law.obstacle);
  message.set_free_parameter_count(law.free_parameter_count);
  message.set_residual_rms(law.residual_rms);
  if (law.aicc) message.set_aicc(*law.aicc);
  for (int i = 0; i < static_cast<int>(law.scores.size()); ++i) {
    if (!law.scores[i]) continue;
    v1::LawComparison::Score* score = message.add_scores();
    score->set_fold(i);
    score->set_rms(law.scores[i]->rms);
    score->set_mean_error(law.scores[i]->mean_error);
  }
  if (law.to_best) {
    v1::Estimate* ratio = message.mutable_log_error_ratio();
    ratio->set_value(law.to_best->mean_log_ratio);
    if (const auto& interval = law.to_best->interval) {
      ratio->set_lower(interval->lower);
      ratio->set_upper(interval->upper);
    }
  }
  message.set_tied_with_best(law.standing == fitter::Standing::kTied);
  message.set_too_few_folds(law.standing == fitter::Standing::kTooFewFolds);
  return message;
}

}  // namespace

absl::StatusOr<std::vector<fitter::Candidate>> ToCandidates(const v1::CompareLawsRequest& request,
                                                            const std::string& family) {
  if (request.candidates().empty()) return fitter::VariantsOf({family});
  std::vector<fitter::Candidate> candidates;
  for (const v1::LawVariant& candidate : request.candidates()) {
    if (!candidate.variant().empty()) {
      candidates.push_back({candidate.law(), candidate.variant()});
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<fitter::Candidate> all,
                     fitter::VariantsOf({candidate.law()}));
    candidates.insert(candidates.end(), all.begin(), all.end());
  }
  return candidates;
}

v1::LawComparison ToMessage(const fitter::LawComparison& comparison) {
  v1::LawComparison message;
  message.set_experiment_count(comparison.row_count);
  for (const fitter::Fold& fold : comparison.folds) {
    v1::LawComparison::Fold* out = message.add_folds();
    out->set_axis(fold.axis);
    out->set_level(fold.level);
    out->set_training_count(fold.training_count);
    out->set_held_out_count(fold.held_out_count);
  }
  for (const fitter::ComparedLaw& law : comparison.laws) *message.add_entries() = ToMessage(law);
  if (!message.entries().empty() && !message.entries(0).scores().empty()) {
    message.mutable_entries(0)->set_tied_with_best(true);
  }
  return message;
}

v1::ExplainFitResponse ToMessage(const fitter::Explanation& explanation,
                                 const fitter::FittedLaw& law) {
  v1::ExplainFitResponse message;
  if (explanation.answer) message.set_answer(*explanation.answer);
  int outlier_count = 0;
  for (const fitter::ExplainedRun& run : explanation.runs) outlier_count += run.is_outlier ? 1 : 0;
  message.set_outlier_count(outlier_count);
  message.set_residual_robust_scale(explanation.robust_scale);
  for (const fitter::Correlation& correlation : explanation.correlations) {
    v1::ExplainFitResponse::Correlation* out = message.add_correlations();
    out->set_first(correlation.first);
    out->set_second(correlation.second);
    out->set_value(correlation.value);
  }
  for (const fitter::Direction& direction : explanation.directions) {
    v1::ExplainFitResponse::Direction* out = message.add_directions();
    out->set_singular_value(direction.singular_value);
    out->set_standard_error(direction.standard_error);
    for (const fitter::Direction::Part& part : direction.parts) {
      v1::ExplainFitResponse::Direction::Part* out_part = out->add_parts();
      out_part->set_coefficient(part.parameter);
      out_part->set_weight(part.weight);
    }
  }
  for (int j = 0; j < law.law.parameter_count(); ++j) {
    const std::string& name = law.law.parameters[j].name;
    if (law.at_bound[j]) message.add_at_bound(name);
    if (!law.identified[j]) message.add_not_identified(name);
  }
  return message;
}

v1::ExplainFitResponse::Run ToMessage(const fitter::ExplainedRun& run, bool has_answer) {
  v1::ExplainFitResponse::Run message;
  message.set_residual(run.residual);
  message.set_scaled_residual(run.scaled_residual);
  message.set_outlier(run.is_outlier);
  message.set_leverage(run.leverage);
  if (has_answer) *message.mutable_influence() = ToMessage(run.influence);
  return message;
}

v1::ExplainFitResponse::Trunk ToMessage(const fitter::ExplainedTrunk& trunk, bool has_answer) {
  v1::ExplainFitResponse::Trunk message;
  message.set_run_count(trunk.run_count);
  message.set_mean_residual(trunk.mean_residual);
  if (has_answer) *message.mutable_influence() = ToMessage(trunk.influence);
  return message;
}

}  // namespace bitbudget::server
