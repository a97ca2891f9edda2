#include "server/campaign_plan.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "server/bundled_rules.h"
#include "server/campaign_grid.h"
#include "server/expected_run.h"
#include "server/training_shape.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr double kDefaultCooldownFraction = 0.5;

bool IsFused(const v1::TrainingSpec& training) { return training.schedule().kind() == "fused"; }
bool HasQat(const v1::TrainingSpec& training) { return training.schedule().qat_tokens() > 0; }

// Tokens up to which the run is at constant rate in full precision, that is on
// the path of its trunk. Rounds as bitbudget-train does.
int64_t TrunkTokens(const v1::TrainingSpec& training) {
  const v1::TrainingSchedule& schedule = training.schedule();
  if (IsFused(training)) return schedule.fp_tokens();
  const double fraction =
      schedule.has_cooldown_fraction() ? schedule.cooldown_fraction() : kDefaultCooldownFraction;
  const int64_t step = StepTokens(training);
  const int64_t steps = schedule.fp_tokens() / step;
  return (steps - std::llround(fraction * static_cast<double>(steps))) * step;
}

// A trunk of `tokens` on the path of `run`.
v1::TrainingSpec TrunkOf(const v1::TrainingSpec& run, int64_t tokens) {
  v1::TrainingSpec trunk = FullPrecisionPart(run);
  v1::TrainingSchedule& schedule = *trunk.mutable_schedule();
  schedule.set_fp_tokens(tokens);
  schedule.set_cooldown_fraction(0);
  schedule.clear_cooldown_shape();
  trunk.clear_evaluation_tokens();
  return trunk;
}

// Equal for runs that share a trunk.
std::string TrunkKey(const v1::TrainingSpec& run) {
  v1::TrainingSpec trunk = TrunkOf(run, 0);
  trunk.clear_max_epochs();
  return TrainingKey(trunk);
}

// What tells runs of one campaign apart in a study.
std::string RunKey(const v1::TrainingSpec& training) {
  std::string key = ExpectedRun(training).SerializeAsString();
  // Another trainer may tell its recipes apart by these.
  for (const auto& [name, value] :
       std::map<std::string, std::string>(training.options().begin(), training.options().end())) {
    key += fmt::format(" {}={}", name, value);
  }
  return key;
}

// Of runs, and of the cooldowns that they continue from, the keys of those that the
// study has.
absl::StatusOr<std::set<std::string>> StoredKeys(const std::vector<v1::TrainingSpec>& runs,
                                                 const FindStored& find_stored) {
  std::map<std::string, v1::TrainingSpec> wanted;
  for (const v1::TrainingSpec& run : runs) {
    wanted.emplace(RunKey(run), run);
    const v1::TrainingSpec cooldown = FullPrecisionPart(run);
    wanted.emplace(RunKey(cooldown), cooldown);
  }
  std::vector<v1::Experiment> expected;
  expected.reserve(wanted.size());
  for (const auto& [key, run] : wanted) expected.push_back(ExpectedRun(run));
  ASSIGN_OR_RETURN(const std::vector<bool> is_stored, find_stored(expected));
  std::set<std::string> keys;
  auto stored = is_stored.begin();
  for (const auto& [key, run] : wanted) {
    if (*stored++) keys.insert(key);
  }
  return keys;
}

// Runs that continue from one full-precision phase.
struct FullPrecisionPhase {
  v1::TrainingSpec training;  // the phase as a run
  bool from_trunk = false;    // nothing of it lies behind the trunk: not cooled down
  std::vector<v1::TrainingSpec> branches;
};

// Runs of one trunk.
struct TrunkGroup {
  // By their length, then by their training.
  std::map<std::pair<int64_t, std::string>, FullPrecisionPhase> phases;

  void Add(const v1::TrainingSpec& run) {
    const int64_t fp_tokens = run.schedule().fp_tokens();
    const bool from_trunk = HasQat(run) && TrunkTokens(run) == fp_tokens;
    const v1::TrainingSpec part = from_trunk ? TrunkOf(run, fp_tokens) : FullPrecisionPart(run);
    FullPrecisionPhase& phase = phases[{fp_tokens, TrainingKey(part)}];
    phase.training = part;
    phase.from_trunk = from_trunk;
    if (HasQat(run)) phase.branches.push_back(run);
  }
};

class Planner {
 public:
  // Both are borrowed. `stored` has the keys of runs that need no measurement.
  Planner(const v1::Campaign& campaign, const std::set<std::string>& stored)
      : campaign_(campaign), stored_(stored) {}

  // Adds a job that begins at `start_tokens` of the job at position `start`, or at
  // the first token if `start` is -1. Returns its position.
  int Add(v1::JobKind kind, const v1::TrainingSpec& training, int start, int64_t start_tokens) {
    PlannedJob planned;
    if (start >= 0) planned.dependencies.push_back(start);
    planned.start_job = start;
    v1::Job& job = planned.job;
    job.set_kind(kind);
    job.set_label(TrainingLabel(training, kind));
    job.set_trainer(campaign_.trainer());
    job.set_priority(campaign_.priority());
    *job.mutable_training() = training;
    job.set_start_tokens(start >= 0 ? start_tokens : 0);
    job.set_estimated_flops(EstimatedFlops(training, job.start_tokens()));
    v1::CampaignCost& cost = plan_.cost;
    cost.set_job_count(cost.job_count() + 1);
    if (kind == v1::MEASUREMENT) cost.set_measurement_count(cost.measurement_count() + 1);
    cost.set_flops(cost.flops() + job.estimated_flops());
    cost.set_trained_tokens(cost.trained_tokens() + TotalTokens(training) - job.start_tokens());
    plan_.jobs.push_back(std::move(planned));
    return static_cast<int>(plan_.jobs.size()) - 1;
  }

  void AddGroup(const TrunkGroup& group);

  void CountExisting(int64_t count) { plan_.cost.set_existing_count(count); }

  void CountAlone(const v1::TrainingSpec& run) {
    v1::CampaignCost& cost = plan_.cost;
    cost.set_flops_alone(cost.flops_alone() + EstimatedFlops(run, 0));
    cost.set_trained_tokens_alone(cost.trained_tokens_alone() + TotalTokens(run));
  }

  absl::StatusOr<CampaignPlan> Finish();

 private:
  const v1::Campaign& campaign_;
  const std::set<std::string>& stored_;
  CampaignPlan plan_;
};

// Where the phase parts from the trunk.
int64_t PartingTokens(const FullPrecisionPhase& phase) {
  return phase.from_trunk ? phase.training.schedule().fp_tokens() : TrunkTokens(phase.training);
}

// The trunk of the group, with a milestone wherever a phase parts from it. One
// run alone needs none; its length is 0 then.
v1::TrainingSpec SharedTrunk(const TrunkGroup& group) {
  std::map<int64_t, int> users;
  int user_count = 0;
  for (const auto& [key, phase] : group.phases) {
    const int64_t tokens = PartingTokens(phase);
    if (tokens == 0) continue;
    const int count = phase.from_trunk ? static_cast<int>(phase.branches.size()) : 1;
    users[tokens] += count;
    user_count += count;
  }
  const v1::TrainingSpec& any = group.phases.begin()->second.training;
  if (user_count < 2) return TrunkOf(any, 0);
  v1::TrainingSpec trunk = TrunkOf(any, users.rbegin()->first);
  for (const auto& [tokens, count] : users) trunk.add_milestone_tokens(tokens);
  return trunk;
}

void Planner::AddGroup(const TrunkGroup& group) {
  const v1::TrainingSpec trunk = SharedTrunk(group);
  const bool shared = trunk.milestone_tokens_size() > 0;
  const int trunk_job = shared ? Add(v1::TRUNK, trunk, -1, 0) : -1;
  for (const auto& [key, phase] : group.phases) {
    const int64_t fp_tokens = phase.training.schedule().fp_tokens();
    const int64_t parting = PartingTokens(phase);
    int start = parting > 0 ? trunk_job : -1;
    if (!phase.from_trunk) {
      v1::TrainingSpec cooldown = phase.training;
      if (!phase.branches.empty()) cooldown.add_milestone_tokens(fp_tokens);
      const bool is_stored = stored_.contains(RunKey(cooldown));
      start = Add(is_stored ? v1::TRUNK : v1::MEASUREMENT, cooldown, start, parting);
    }
    for (const v1::TrainingSpec& branch : phase.branches) {
      Add(v1::MEASUREMENT, branch, start, fp_tokens);
    }
  }
}

absl::StatusOr<CampaignPlan> Planner::Finish() {
  if (plan_.jobs.size() > kMostJobsInCampaign) {
    return InvalidField(
        "campaign.grids",
        fmt::format("make {} jobs, more than {}", plan_.jobs.size(), kMostJobsInCampaign));
  }
  std::map<std::string, std::string> labels;
  for (const PlannedJob& planned : plan_.jobs) {
    if (planned.job.kind() != v1::MEASUREMENT) continue;
    const auto [entry, is_new] =
        labels.emplace(RunKey(planned.job.training()), planned.job.label());
    if (is_new) continue;
    return InvalidField(
        "campaign.grids",
        fmt::format("have two different trainings that a study cannot tell apart: {}. Give each "
                    "its own study",
                    entry->second));
  }
  return std::move(plan_);
}

// Groups in the order in which their first runs come.
std::vector<TrunkGroup> GroupByTrunk(const std::vector<v1::TrainingSpec>& runs) {
  std::vector<TrunkGroup> groups;
  std::map<std::string, size_t> positions;
  for (const v1::TrainingSpec& run : runs) {
    const auto [entry, is_new] = positions.emplace(TrunkKey(run), groups.size());
    if (is_new) groups.emplace_back();
    groups[entry->second].Add(run);
  }
  return groups;
}

}  // namespace

absl::StatusOr<CampaignPlan> PlanCampaign(const v1::Campaign& campaign,
                                          const FindStored& find_stored) {
  ASSIGN_OR_RETURN(std::vector<v1::TrainingSpec> runs, ExpandGrids(campaign));
  std::set<std::string> stored;
  if (TrainerInForce(campaign.trainer()) == kBundledTrainer) {
    ASSIGN_OR_RETURN(stored, StoredKeys(runs, find_stored));
  }
  const auto existing_count = std::erase_if(
      runs, [&stored](const v1::TrainingSpec& run) { return stored.contains(RunKey(run)); });
  Planner planner(campaign, stored);
  planner.CountExisting(static_cast<int64_t>(existing_count));
  for (const v1::TrainingSpec& run : runs) planner.CountAlone(run);
  if (campaign.separate_runs()) {
    for (const v1::TrainingSpec& run : runs) planner.Add(v1::MEASUREMENT, run, -1, 0);
  } else {
    for (const TrunkGroup& group : GroupByTrunk(runs)) planner.AddGroup(group);
  }
  return planner.Finish();
}

}  // namespace bitbudget::server
