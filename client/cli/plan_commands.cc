#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/flags.h"
#include "client/cli/plan_flags.h"
#include "client/cli/plan_report.h"
#include "client/cli/quantity.h"
#include "client/cli/width_report.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

// A question and the flags that are no fields of it.
template <typename Request>
struct Arguments {
  Request request;
  LawFlags law;
  v1::Hardware hardware;
  bool markdown = false;
};

template <typename Request>
std::shared_ptr<Arguments<Request>> AddSourceFlags(CLI::App* command) {
  auto arguments = std::make_shared<Arguments<Request>>();
  AddSource(command, &arguments->request, arguments->request.mutable_source(), &arguments->law);
  return arguments;
}

template <typename Request>
absl::StatusOr<Request> Complete(const Arguments<Request>& arguments) {
  Request request = arguments.request;
  RETURN_IF_ERROR(arguments.law.Fill(request.mutable_source()));
  return request;
}

// With the hardware, if a flag named any.
template <typename Request>
absl::StatusOr<Request> CompleteWithHardware(const Arguments<Request>& arguments) {
  ASSIGN_OR_RETURN(Request request, Complete(arguments));
  if (arguments.hardware.ByteSizeLong() > 0) *request.mutable_hardware() = arguments.hardware;
  return request;
}

// Flags of which one must be there, as their fields allow none.
absl::Status CheckFlags(const v1::OptimizeBitWidthRequest& request) {
  if (request.budget_case() != v1::OptimizeBitWidthRequest::BUDGET_NOT_SET ||
      request.objective() == v1::OptimizeBitWidthRequest::LEAST_COMPUTE) {
    return absl::OkStatus();
  }
  return WrongUsage("a budget is missing: --total-tokens or --flops");
}

absl::Status CheckFlags(const v1::CompareToFullPrecisionRequest& request) {
  if (request.budget_case() != v1::CompareToFullPrecisionRequest::BUDGET_NOT_SET) {
    return absl::OkStatus();
  }
  return WrongUsage("a budget is missing: --total-tokens or --flops");
}

absl::Status CheckFlags(const v1::EstimateWasteRequest& request) {
  if (!request.total_tokens().empty() || !request.compute_flops().empty() || request.has_range()) {
    return absl::OkStatus();
  }
  return WrongUsage("budgets are missing: --total-tokens, --flops or --range");
}

absl::Status CheckFlags(const v1::PlanTrainingRequest& request) {
  if (request.goal_case() != v1::PlanTrainingRequest::GOAL_NOT_SET) return absl::OkStatus();
  return WrongUsage(
      "a goal is missing: --total-tokens, --flops, --device-hours, --money, --deadline-hours or "
      "--target-loss");
}

absl::Status RunBits(Session& session, const Arguments<v1::OptimizeBitWidthRequest>& arguments) {
  RETURN_IF_ERROR(CheckFlags(arguments.request));
  ASSIGN_OR_RETURN(const v1::OptimizeBitWidthRequest request, Complete(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->OptimizeBitWidth(request));
  session.Print(answer, BitsReport(request, answer));
  return absl::OkStatus();
}

absl::Status RunCompare(Session& session,
                        const Arguments<v1::CompareToFullPrecisionRequest>& arguments) {
  RETURN_IF_ERROR(CheckFlags(arguments.request));
  ASSIGN_OR_RETURN(const v1::CompareToFullPrecisionRequest request, Complete(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->CompareToFullPrecision(request));
  session.Print(answer, CompareReport(request, answer));
  return absl::OkStatus();
}

absl::Status RunWaste(Session& session, const Arguments<v1::EstimateWasteRequest>& arguments) {
  RETURN_IF_ERROR(CheckFlags(arguments.request));
  ASSIGN_OR_RETURN(const v1::EstimateWasteRequest request, CompleteWithHardware(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->EstimateWaste(request));
  session.Print(answer, WasteReport(request, answer));
  return absl::OkStatus();
}

absl::Status RunPlan(Session& session, const Arguments<v1::PlanTrainingRequest>& arguments) {
  RETURN_IF_ERROR(CheckFlags(arguments.request));
  if (arguments.markdown && session.json) {
    return WrongUsage("--markdown and --json exclude each other");
  }
  ASSIGN_OR_RETURN(const v1::PlanTrainingRequest request, CompleteWithHardware(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->PlanTraining(request));
  session.Print(answer,
                arguments.markdown ? PlanDocument(request, answer) : PlanReport(request, answer));
  return absl::OkStatus();
}

absl::Status RunDevices(Session& session, const v1::ListDevicesRequest& request) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->ListDevices(request));
  session.Print(answer, DevicesReport(answer));
  return absl::OkStatus();
}

// "1e9:1e12:10".
v1::TokenRange ParseRange(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  const auto fail = [&](const std::string& why) {
    return CLI::ValidationError("--range",
                                fmt::format("'{}' {}; write for example 1B:1T:10", text, why));
  };
  if (parts.size() != 3) throw fail("is not LOWER:UPPER:COUNT");
  const auto lower = ParseCount(parts[0], Unit::kTokens);
  const auto upper = ParseCount(parts[1], Unit::kTokens);
  const auto count = ParseCount(parts[2], Unit::kNone);
  if (!lower.ok() || !upper.ok() || !count.ok()) throw fail("has a part that is no number");
  if (*count < 2 || *count > 1000) throw fail("must have 2 to 1000 budgets");
  v1::TokenRange range;
  range.set_lower(*lower);
  range.set_upper(*upper);
  range.set_count(static_cast<int32_t>(*count));
  return range;
}

// A budget, told in one of many ways, or a loss.
void AddGoals(CLI::App* command, v1::PlanTrainingRequest* request) {
  std::vector<CLI::Option*> goals = AddBudget(command, request);
  const auto add = [&](const char* field, const char* description, const char* flag = "") {
    goals.push_back(AddField(command, request, field, description, flag));
  };
  add("device_hours", "Budget: hours of one device");
  add("money", "Budget: money, at --price a device hour");
  add("deadline_hours", "Budget: hours on the clock with all devices");
  add("target_loss_nats", "Loss to reach with the least compute", "--target-loss");
  ExcludeEachOther(goals);
}

}  // namespace

void AddBitsCommand(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app,
      "bits",
      "Finds the bits, size and split with the least loss under a memory cap, or the least memory "
      "or compute for a loss",
      "bitbudget bits --study micro --memory 4GiB --flops 1e22\n"
      "bitbudget bits --study micro --parameters 2.2B --total-tokens 1.4T --weight-bits 2,4\n"
      "bitbudget bits --study micro --objective least-memory --target-loss 2.5 --flops 1e22\n"
      "bitbudget bits --study micro --objective least-compute --target-loss 2.5 --memory 4GiB");
  using Request = v1::OptimizeBitWidthRequest;
  const auto arguments = AddSourceFlags<Request>(command);
  Request* request = &arguments->request;
  AddField(command, request, "objective", "What is sought; else least-loss");
  AddFreeSize(command, request);
  ExcludeEachOther(AddBudget(command, request));
  AddField(command,
           request,
           "target_loss_nats",
           "Loss to reach with least-memory or least-compute",
           "--target-loss");
  AddWidths(command, request);
  AddLossTolerance(command, request);
  AddDraws(command, request);
  AddField(command, request, "point_only", "No intervals and no probabilities");
  AddMemoryModel(command, request->mutable_memory_model());
  OnCommand(command, session, arguments, &RunBits);
}

void AddCompareCommand(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app,
      "compare-fp",
      "Compares quantized runs with full precision: at equal tokens, at equal memory, and in what "
      "it takes to match",
      "bitbudget compare-fp --study micro --parameters 86M --total-tokens 30B\n"
      "bitbudget compare-fp --study micro --parameters 86M --total-tokens 30B --weight-bits 4 "
      "--tolerance 0.02");
  using Request = v1::CompareToFullPrecisionRequest;
  const auto arguments = AddSourceFlags<Request>(command);
  Request* request = &arguments->request;
  AddGivenSize(command, request);
  ExcludeEachOther(AddBudget(command, request));
  AddWidths(command, request);
  AddField(command,
           request,
           "tolerance_nats",
           "A loss this much above full precision is a match; else 1 % of it",
           "--tolerance");
  AddField(command, request, "point_only", "No intervals");
  AddMemoryModel(command, request->mutable_memory_model());
  OnCommand(command, session, arguments, &RunCompare);
}

void AddWasteCommand(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app,
      "waste",
      "Tells what a split of your own wastes, over a range of budgets",
      "bitbudget waste --study micro --fraction 0.1 --parameters 2.2B --weight-bits 4 "
      "--total-tokens 1.4T\n"
      "bitbudget waste --study micro --parameters 2.2B --weight-bits 2 --range 10B:1.4T:8 "
      "--device h100-sxm --price 2.5");
  using Request = v1::EstimateWasteRequest;
  const auto arguments = AddSourceFlags<Request>(command);
  Request* request = &arguments->request;
  AddGivenSize(command, request);
  AddField(command, request, "weight_bits", "Bits per weight, below 16")->required();
  AddField(command, request, "qat_fraction", "The split in question; else 0.1", "--fraction");
  CLI::Option* range =
      command
          ->add_option_function<std::string>(
              "--range",
              [request](const std::string& text) { *request->mutable_range() = ParseRange(text); },
              "Budgets in tokens, evenly spaced in the logarithm")
          ->type_name("LOWER:UPPER:COUNT");
  ExcludeEachOther({AddField(command, request, "total_tokens", "Budgets, divided by commas"),
                    AddField(command, request, "compute_flops", "The same as FLOPs", "--flops"),
                    range});
  AddField(
      command, request, "qat_token_cost", "Cost of a QAT token in full-precision ones; else 1");
  AddField(command, request, "point_only", "No intervals");
  AddHardware(command, &arguments->hardware);
  OnCommand(command, session, arguments, &RunWaste);
}

void AddPlanCommand(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app,
      "plan",
      "Makes a training plan: bits, size, split, steps, schedule, memory, cost",
      "bitbudget plan --study micro --memory 4GiB --device-hours 5000 --device h100-sxm\n"
      "bitbudget plan --study micro --parameters 2.2B --total-tokens 1.4T --markdown > plan.md\n"
      "bitbudget plan --study micro --parameters 86M --fixed-fp-tokens 30B --target-loss 2.9");
  using Request = v1::PlanTrainingRequest;
  const auto arguments = AddSourceFlags<Request>(command);
  Request* request = &arguments->request;
  AddFreeSize(command, request);
  AddGoals(command, request);
  AddField(command, request, "fixed_fp_tokens", "Tokens of a checkpoint that exists already");
  AddWidths(command, request);
  AddField(command, request, "tokens_per_step", "Tokens of an optimizer step; else by the FLOPs");
  AddField(command, request, "caller_fraction", "Your own fraction, to compare with; else 0.1");
  AddLossTolerance(command, request);
  AddDraws(command, request);
  command->add_flag("--markdown", arguments->markdown, "Write the plan as a Markdown document");
  AddHardware(command, &arguments->hardware);
  AddMemoryModel(command, request->mutable_memory_model());
  OnCommand(command, session, arguments, &RunPlan);
}

void AddDevicesCommand(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, "devices", "Lists the devices whose figures are known", "bitbudget devices");
  OnCommand(command, session, std::make_shared<v1::ListDevicesRequest>(), &RunDevices);
}

}  // namespace bitbudget::cli
