// Between memory models and hardware of the contract and those of the planner.
// Requests are valid (see validate.h). Pure, thread-safe.

#ifndef BITBUDGET_SERVER_CONVERT_MEMORY_H_
#define BITBUDGET_SERVER_CONVERT_MEMORY_H_

#include "absl/status/statusor.h"
#include "bitbudget/v1/planner.pb.h"
#include "planner/devices.h"
#include "planner/memory.h"

namespace bitbudget::server {

// The rule of a request. `parameters` is the size that its shape is of, in the
// counting of the law; any number without a shape. Errors as planner::FitShape.
absl::StatusOr<planner::MemoryModel> ToMemoryModel(const v1::MemoryModel& request,
                                                   double parameters,
                                                   bool law_counts_embeddings);

// The request with the values in force in every field that it leaves open, but for
// the shape and the heads.
v1::MemoryModel InForce(const v1::MemoryModel& request, const planner::MemoryModel& model);

v1::ModelMemory ToModelMemory(const planner::ModelMemory& memory);

planner::Hardware ToHardware(const v1::Hardware& request);
v1::Hardware InForce(const v1::Hardware& request, const planner::Hardware& hardware);

v1::ListDevicesResponse AllDevices();

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONVERT_MEMORY_H_
