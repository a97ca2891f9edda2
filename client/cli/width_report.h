// Answers about widths, full precision and waste as text for people. Pure.

#ifndef BITBUDGET_CLIENT_CLI_WIDTH_REPORT_H_
#define BITBUDGET_CLIENT_CLI_WIDTH_REPORT_H_

#include <string>

#include "bitbudget/v1/planner.pb.h"
#include "client/cli/table.h"

namespace bitbudget::cli {

// `request` is the question that was answered, in all of these.
std::string BitsReport(const v1::OptimizeBitWidthRequest& request,
                       const v1::OptimizeBitWidthResponse& answer);
std::string CompareReport(const v1::CompareToFullPrecisionRequest& request,
                          const v1::CompareToFullPrecisionResponse& answer);
std::string WasteReport(const v1::EstimateWasteRequest& request,
                        const v1::EstimateWasteResponse& answer);
std::string DevicesReport(const v1::ListDevicesResponse& answer);

// Pieces that the report of a plan has as well.

// A row a candidate, best first.
Table CandidateTable(const std::vector<const v1::BitWidthCandidate*>& candidates);

// The items of a model's memory, in bytes, and their sum.
Table MemoryTable(const v1::ModelMemory& memory);

// One line: the rule from which the memory follows.
std::string MemoryRuleText(const v1::MemoryModel& model);

// "not 6 bits: memory_bytes: is ...", a line each.
std::string RefusedText(const google::protobuf::RepeatedPtrField<v1::RefusedWidth>& refused);

// One sentence on which candidates are as good as the first; empty if none are.
std::string TiesText(const std::vector<const v1::BitWidthCandidate*>& candidates);

// One line: the level of all intervals.
std::string ConfidenceText(const v1::Provenance& provenance);

// What a training costs; an empty value where nothing is known.
std::string HardwareText(const v1::Hardware& hardware);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_WIDTH_REPORT_H_
