// A training plan as text for people, and as a Markdown document to keep. Pure.

#ifndef BITBUDGET_CLIENT_CLI_PLAN_REPORT_H_
#define BITBUDGET_CLIENT_CLI_PLAN_REPORT_H_

#include <string>

#include "bitbudget/v1/planner.pb.h"

namespace bitbudget::cli {

// `request` is the question that was answered.
std::string PlanReport(const v1::PlanTrainingRequest& request,
                       const v1::PlanTrainingResponse& answer);

// The same plan as a document that stands on its own: what was asked, the plan, its
// schedule, memory and cost, alternatives, and where it comes from.
std::string PlanDocument(const v1::PlanTrainingRequest& request,
                         const v1::PlanTrainingResponse& answer);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_PLAN_REPORT_H_
