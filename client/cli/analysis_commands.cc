// The commands that look at laws and fits: fit compare, fit comparisons, fit
// explain, laws list, laws show.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "client/cli/analysis_report.h"
#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/flags.h"
#include "client/cli/terminal.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

struct CompareArguments {
  v1::CompareLawsRequest request;
  std::vector<std::string> laws;  // "LAW" or "LAW/VARIANT"
  std::string comparison;         // to show; empty: compare anew
};

v1::LawVariant ParseLaw(const std::string& text) {
  v1::LawVariant law;
  const size_t slash = text.find('/');
  law.set_law(text.substr(0, slash));
  if (slash != std::string::npos) law.set_variant(text.substr(slash + 1));
  return law;
}

absl::Status RunCompare(Session& session, const CompareArguments& arguments) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  v1::LawComparison comparison;
  if (arguments.comparison.empty()) {
    v1::CompareLawsRequest request = arguments.request;
    for (const std::string& text : arguments.laws) *request.add_candidates() = ParseLaw(text);
    ASSIGN_OR_RETURN(comparison, client->CompareLaws(std::move(request)));
  } else {
    v1::GetLawComparisonRequest request;
    ASSIGN_OR_RETURN(*request.mutable_name(),
                     NameInStudy(arguments.request.parent(), "comparisons", arguments.comparison));
    ASSIGN_OR_RETURN(comparison, client->GetLawComparison(request));
  }
  session.Print(comparison, ComparisonText(comparison));
  return absl::OkStatus();
}

absl::Status RunComparisons(Session& session, const v1::ListLawComparisonsRequest& request) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto comparisons, client->ListLawComparisons(request));
  const Table table = ComparisonTable(comparisons);
  session.Print(comparisons, OutputIsTerminal() ? table.Aligned() : table.TabSeparated());
  if (!comparisons.next_page_token().empty()) {
    session.Note(fmt::format("{} shown; the next page: --page-token '{}'",
                             comparisons.comparisons_size(),
                             comparisons.next_page_token()));
  }
  return absl::OkStatus();
}

struct ExplainArguments {
  LawFlags law;
  v1::ExplainFitRequest request;
  // The run asked about; total_tokens of the other asks for the best fraction.
  v1::PredictLossRequest run;
  v1::OptimizeQatFractionRequest fraction;
};

absl::Status FillAnswer(const ExplainArguments& arguments, v1::ExplainFitRequest* request) {
  const v1::PredictLossRequest& run = arguments.run;
  const bool asks_loss = run.fp_tokens() != 0 || run.qat_tokens() != 0;
  const bool asks_fraction = arguments.fraction.has_total_tokens();
  if (asks_loss && asks_fraction) {
    return WrongUsage(
        "--total-tokens asks for the best fraction, --fp-tokens and --qat-tokens for the loss of a "
        "run: give one of the two");
  }
  if (!asks_loss && !asks_fraction) {
    if (run.parameters() == 0 && run.weight_bits() == 0) return absl::OkStatus();
    return WrongUsage("say how many tokens: --total-tokens, or --fp-tokens and --qat-tokens");
  }
  if (run.parameters() == 0 || run.weight_bits() == 0) {
    return WrongUsage("an answer needs --parameters and --weight-bits");
  }
  if (asks_loss) {
    *request->mutable_predict_loss() = run;
    return absl::OkStatus();
  }
  v1::OptimizeQatFractionRequest* fraction = request->mutable_optimize_qat_fraction();
  *fraction = arguments.fraction;
  fraction->set_parameters(run.parameters());
  fraction->set_weight_bits(run.weight_bits());
  return absl::OkStatus();
}

absl::Status RunExplain(Session& session, const ExplainArguments& arguments) {
  v1::ExplainFitRequest request = arguments.request;
  ASSIGN_OR_RETURN(*request.mutable_name(), arguments.law.FitName());
  RETURN_IF_ERROR(FillAnswer(arguments, &request));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::ExplainFitResponse explanation, client->ExplainFit(request));
  session.Print(explanation,
                ExplanationText(explanation, request.has_predict_loss() ? "nats" : ""));
  return absl::OkStatus();
}

absl::Status RunListLaws(Session& session, const v1::ListLawsRequest& request) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::ListLawsResponse laws, client->ListLaws(request));
  const Table table = LawTable(laws);
  session.Print(laws, OutputIsTerminal() ? table.Aligned() : table.TabSeparated());
  return absl::OkStatus();
}

absl::Status RunShowLaw(Session& session, const std::string& key) {
  v1::GetLawRequest request;
  request.set_name(key.starts_with("laws/") ? key : "laws/" + key);
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::Law law, client->GetLaw(request));
  session.Print(law, LawText(law));
  return absl::OkStatus();
}

}  // namespace

void AddCompareLawsCommand(CLI::App& fit, Session& session) {
  CLI::App* command = AddCommand(
      fit,
      "compare",
      "Compares laws by how they predict runs that they were not fitted to: the largest models, "
      "the largest budgets, each width",
      "bitbudget fit compare --study micro\n"
      "bitbudget fit compare --study micro --laws "
      "compute_optimal_qat/full,compute_optimal_qat/per_bit_chinchilla\n"
      "bitbudget fit compare --study micro --comparison latest");
  auto arguments = std::make_shared<CompareArguments>();
  AddStudy(command, arguments->request.mutable_parent())->required();
  CLI::Option* laws =
      command
          ->add_option("--laws",
                       arguments->laws,
                       "Laws, or variants of them; else all variants of the study's law")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->type_name("LAW[/VARIANT],...");
  command->add_option("--comparison", arguments->comparison, "Show this stored one, or the latest")
      ->type_name("ID")
      ->excludes(laws);
  OnCommand(command, session, arguments, &RunCompare);

  CLI::App* list = AddCommand(fit,
                              "comparisons",
                              "Lists the comparisons of a study, newest first",
                              "bitbudget fit comparisons --study micro");
  auto listed = std::make_shared<v1::ListLawComparisonsRequest>();
  AddStudy(list, listed->mutable_parent())->required();
  AddField(list, listed.get(), "page_size", "At most this many; else 20");
  AddField(list, listed.get(), "page_token", "Go on where another page ended");
  OnCommand(list, session, listed, &RunComparisons);
}

void AddExplainCommand(CLI::App& fit, Session& session) {
  CLI::App* command = AddCommand(
      fit,
      "explain",
      "Tells what a fit rests on: outliers, the runs and trunks that move an answer, and what the "
      "runs hardly tell",
      "bitbudget fit explain --study micro\n"
      "bitbudget fit explain --study micro --parameters 1M --weight-bits 2 --total-tokens 100M\n"
      "bitbudget fit explain --study micro --parameters 1M --weight-bits 2 --fp-tokens 80M "
      "--qat-tokens 20M");
  auto arguments = std::make_shared<ExplainArguments>();
  AddLaw(command, &arguments->law);
  v1::PredictLossRequest* run = &arguments->run;
  AddField(command, run, "parameters", "Of the answer asked about: parameters");
  AddField(command, run, "weight_bits", "Bits per weight");
  AddField(command, &arguments->fraction, "total_tokens", "Budget: asks for the best fraction");
  AddField(command, run, "fp_tokens", "Full-precision tokens: asks for the loss");
  AddField(command, run, "qat_tokens", "QAT tokens");
  AddField(command, run, "group_size", "Weights that share a scale, where the law asks");
  AddField(command, run, "optimizer", "Optimizer, where the law tells them apart");
  AddField(command, &arguments->request, "run_count", "Runs to list; else 20", "--runs");
  OnCommand(command, session, arguments, &RunExplain);
}

void AddLawCommands(CLI::App& app, Session& session) {
  CLI::App* laws = AddCommand(app,
                              "laws",
                              "Laws: families to fit, and published coefficients",
                              "bitbudget laws list\nbitbudget laws show chen_w4a16");
  laws->require_subcommand(1);
  CLI::App* list =
      AddCommand(*laws, "list", "Lists all laws and what they answer", "bitbudget laws list");
  OnCommand(list, session, std::make_shared<v1::ListLawsRequest>(), &RunListLaws);

  CLI::App* show = AddCommand(*laws,
                              "show",
                              "Shows a law: formula, source, coefficients, where it was fitted, "
                              "how sure",
                              "bitbudget laws show apple_qat_fraction\n"
                              "bitbudget laws show unified_qat_error");
  auto key = std::make_shared<std::string>();
  show->add_option("LAW", *key, "Its name, as in the list")->required();
  OnCommand(show, session, key, &RunShowLaw);
}

}  // namespace bitbudget::cli
