// Flags that questions about widths, memory, cost and plans share.

#ifndef BITBUDGET_CLIENT_CLI_PLAN_FLAGS_H_
#define BITBUDGET_CLIENT_CLI_PLAN_FLAGS_H_

#include <CLI/CLI.hpp>
#include <vector>

#include "bitbudget/v1/planner.pb.h"
#include "client/cli/flags.h"
#include "google/protobuf/message.h"

namespace bitbudget::cli {

// How the memory of a served model is counted.
void AddMemoryModel(CLI::App* command, v1::MemoryModel* model);

// Devices that train, and their price.
void AddHardware(CLI::App* command, v1::Hardware* hardware);

// Which law answers a planning question, whose `source` is part of `request`: --study,
// --fit, --published-law, --min-revision; and --confidence.
void AddSource(CLI::App* command,
               google::protobuf::Message* request,
               v1::LawSource* source,
               LawFlags* law);

// Options of which at most one may be given.
void ExcludeEachOther(const std::vector<CLI::Option*>& options);

// --total-tokens and --flops.
std::vector<CLI::Option*> AddBudget(CLI::App* command, google::protobuf::Message* request);

// --parameters, of which one must be given.
void AddGivenSize(CLI::App* command, google::protobuf::Message* request);

// --parameters and --memory, without which the size is free.
void AddFreeSize(CLI::App* command, google::protobuf::Message* request);

// --loss-tolerance: what counts as good as the best.
void AddLossTolerance(CLI::App* command, google::protobuf::Message* request);

// --weight-bits and --qat-token-cost.
void AddWidths(CLI::App* command, google::protobuf::Message* request);

// --draws and --seed of the ranking.
void AddDraws(CLI::App* command, google::protobuf::Message* request);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_PLAN_FLAGS_H_
