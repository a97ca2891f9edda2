// From a campaign to its jobs: runs that pass through the same states share them.
//
// Runs of one model, data, seed, batch, optimizer, peak rate and warm-up share a
// trunk at constant rate, which leaves a checkpoint wherever one of them parts
// from it. Runs that also share their full-precision phase continue from the end
// of that phase: a job of its own, and a full-precision measurement of its own
// right. docs/jobs.md has a picture. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_CAMPAIGN_PLAN_H_
#define BITBUDGET_SERVER_CAMPAIGN_PLAN_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/campaign.pb.h"
#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/job.pb.h"

namespace bitbudget::server {

struct PlannedJob {
  // Kind, label, trainer, training, start_tokens, priority and estimated_flops are
  // set.
  v1::Job job;

  // Positions in the plan, all before this one.
  std::vector<int> dependencies;

  // The dependency whose checkpoint it continues; -1: trains from the first token.
  int start_job = -1;
};

struct CampaignPlan {
  std::vector<PlannedJob> jobs;  // in the order in which they should be run
  v1::CampaignCost cost;
};

// Says which of some runs, known by their natural keys, a study has; in their order.
using FindStored =
    std::function<absl::StatusOr<std::vector<bool>>(const std::vector<v1::Experiment>& runs)>;

// The jobs: replicate by replicate, so that the first is a study of its own as
// soon as it is done, then model by model, each trunk with its branches behind it.
// None for runs that are stored; a cooldown that is stored and that others continue
// from leaves its checkpoint as a TRUNK.
//
// INVALID_ARGUMENT with all violations, by paths as in CreateCampaignRequest: a
// rule of the contract is broken, two runs differ in nothing that tells
// experiments apart, or there are more jobs than a campaign may have. Errors of
// `find_stored`.
absl::StatusOr<CampaignPlan> PlanCampaign(const v1::Campaign& campaign,
                                          const FindStored& find_stored);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CAMPAIGN_PLAN_H_
