// The services of the contract as plain functions, for the doors to serve. All
// borrowed.

#ifndef BITBUDGET_SERVER_SERVICES_H_
#define BITBUDGET_SERVER_SERVICES_H_

#include "server/campaign_service.h"
#include "server/experiment_service.h"
#include "server/fit_service.h"
#include "server/job_service.h"
#include "server/law_service.h"
#include "server/planner_service.h"
#include "server/study_service.h"

namespace bitbudget::server {

struct Services {
  StudyService& studies;
  ExperimentService& experiments;
  FitService& fits;
  LawService& laws;
  PlannerService& planner;
  JobService& jobs;
  CampaignService& campaigns;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_SERVICES_H_
