#include <fmt/format.h>

#include <memory>

#include "client/cli/answer_report.h"
#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/flags.h"
#include "client/cli/plan_flags.h"
#include "client/cli/text.h"
#include "util/status_macros.h"
#include "util/width_text.h"

namespace bitbudget::cli {
namespace {

constexpr double kFullPrecisionBits = 16;

// A planning question and the flags that say which law answers it.
template <typename Request>
struct Question {
  Request request;
  LawFlags law;
};

template <typename Request>
void AddCommonFlags(CLI::App* command, Question<Request>* question) {
  AddSource(command, &question->request, question->request.mutable_source(), &question->law);
}

// Which flags a question needs that depend on others; what stands on its own is
// required where it is added.
absl::Status CheckFlags(const v1::PredictLossRequest& request) {
  if (request.qat_tokens() != 0 || request.weight_bits() >= kFullPrecisionBits) {
    return absl::OkStatus();
  }
  return WrongUsage(
      fmt::format("a run at {} needs --qat-tokens above 0", WidthText(request.weight_bits())));
}

absl::Status CheckFlags(const v1::OptimizeQatFractionRequest& request) {
  if (request.has_target_loss_nats() && !request.has_fixed_fp_tokens()) {
    return WrongUsage("--target-loss is for a checkpoint: add --fixed-fp-tokens");
  }
  if (request.budget_case() != v1::OptimizeQatFractionRequest::BUDGET_NOT_SET ||
      request.has_target_loss_nats()) {
    return absl::OkStatus();
  }
  return WrongUsage(
      "a budget is missing: --total-tokens or --flops; or, for a checkpoint, --fixed-fp-tokens "
      "and --target-loss");
}

absl::Status RunPredict(Session& session, const Question<v1::PredictLossRequest>& question) {
  v1::PredictLossRequest request = question.request;
  RETURN_IF_ERROR(CheckFlags(request));
  RETURN_IF_ERROR(question.law.Fill(request.mutable_source()));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->PredictLoss(request));
  session.Print(answer, PredictionText(request, answer));
  return absl::OkStatus();
}

absl::Status RunFraction(Session& session,
                         const Question<v1::OptimizeQatFractionRequest>& question) {
  v1::OptimizeQatFractionRequest request = question.request;
  RETURN_IF_ERROR(CheckFlags(request));
  RETURN_IF_ERROR(question.law.Fill(request.mutable_source()));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->OptimizeQatFraction(request));
  session.Print(answer, FractionText(request, answer));
  return absl::OkStatus();
}

}  // namespace

void AddPredictCommand(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app,
                                 "predict",
                                 "Predicts the loss of a run",
                                 "bitbudget predict --study micro --parameters 86M --fp-tokens 20B "
                                 "--qat-tokens 10B --weight-bits 4\n"
                                 "bitbudget predict --study micro --parameters 86M --fp-tokens 30B "
                                 "--weight-bits 16");
  auto question = std::make_shared<Question<v1::PredictLossRequest>>();
  v1::PredictLossRequest* request = &question->request;
  AddGivenSize(command, request);
  AddField(command, request, "fp_tokens", "Full-precision tokens; 0 for QAT from scratch")
      ->required();
  AddField(command, request, "qat_tokens", "QAT tokens; none at 16 bits");
  AddField(command, request, "weight_bits", "Bits per weight; 16 asks for full precision")
      ->required();
  AddField(command, request, "group_size", "Weights that share a scale, where the law asks");
  AddField(command, request, "optimizer", "Optimizer, where the law tells them apart");
  AddCommonFlags(command, question.get());
  OnCommand(command, session, question, &RunPredict);
}

void AddFractionCommand(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app,
      "fraction",
      "Finds the share of the tokens to spend on QAT, or the QAT tokens to add to a "
      "checkpoint",
      "bitbudget fraction --study micro --parameters 2.2B --total-tokens 1.4T "
      "--weight-bits 4\n"
      "bitbudget fraction --study micro --parameters 2.2B --flops 2ZFLOP --weight-bits 2 "
      "--qat-token-cost 1.3\n"
      "bitbudget fraction --study micro --parameters 86M --weight-bits 4 "
      "--fixed-fp-tokens 30B --target-loss 2.9");
  auto question = std::make_shared<Question<v1::OptimizeQatFractionRequest>>();
  v1::OptimizeQatFractionRequest* request = &question->request;
  AddGivenSize(command, request);
  AddField(command, request, "weight_bits", "Bits per weight, below 16")->required();
  ExcludeEachOther(AddBudget(command, request));
  AddField(
      command, request, "qat_token_cost", "Cost of a QAT token in full-precision ones; else 1");
  AddField(command,
           request,
           "fixed_fp_tokens",
           "Tokens of a checkpoint that exists already: how many QAT tokens to add?");
  AddField(command,
           request,
           "target_loss_nats",
           "Loss that the checkpoint shall reach",
           "--target-loss");
  AddField(command, request, "caller_fraction", "Your own fraction, to compare with; else 0.1");
  AddLossTolerance(command, request);
  AddCommonFlags(command, question.get());
  OnCommand(command, session, question, &RunFraction);
}

}  // namespace bitbudget::cli
