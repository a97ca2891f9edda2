// What a training will be called in its study. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_EXPECTED_RUN_H_
#define BITBUDGET_SERVER_EXPECTED_RUN_H_

#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/job.pb.h"

namespace bitbudget::server {

// The run that bitbudget-train reports for a training whose tokens are whole steps:
// all of its natural key, and nothing else.
v1::Experiment ExpectedRun(const v1::TrainingSpec& training);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_EXPECTED_RUN_H_
