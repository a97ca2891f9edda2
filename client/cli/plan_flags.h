// Flags that questions about widths, memory, cost and plans share.

#ifndef BITBUDGET_CLIENT_CLI_PLAN_FLAGS_H_
#define BITBUDGET_CLIENT_CLI_PLAN_FLAGS_H_

#include <CLI/CLI.hpp>

#include "bitbudget/v1/planner.pb.h"
#include "google/protobuf/message.h"

namespace bitbudget::cli {

// How the memory of a served model is counted.
void AddMemoryModel(CLI::App* command, v1::MemoryModel* model);

// Devices that train, and their price.
void AddHardware(CLI::App* command, v1::Hardware* hardware);

// --weight-bits and --qat-token-cost.
void AddWidths(CLI::App* command, google::protobuf::Message* request);

// --draws and --seed of the ranking.
void AddDraws(CLI::App* command, google::protobuf::Message* request);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_PLAN_FLAGS_H_
