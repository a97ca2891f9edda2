#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/answer_report.h"
#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/field.h"
#include "client/cli/flags.h"
#include "client/cli/grid_axis.h"
#include "client/cli/plan_flags.h"
#include "client/cli/text.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

struct GridArguments {
  v1::EvaluateGridRequest request;
  LawFlags law;
};

// A loss takes two of these, an optimum the first.
constexpr const char* kTokenVariables[] = {
    "total_tokens", "fp_tokens", "qat_tokens", "qat_fraction"};

// Whether a variable is given, fixed or along an axis.
bool IsGiven(const v1::EvaluateGridRequest& request, std::string_view variable) {
  if (request.GetReflection()->HasField(request, &FieldOf(request, variable))) return true;
  return std::any_of(request.axes().begin(), request.axes().end(), [&](const v1::GridAxis& axis) {
    return LowerCase(v1::GridAxis::Variable_Name(axis.variable())) == variable;
  });
}

// Which flags the quantity needs beside those that every grid does.
absl::Status CheckFlags(const v1::EvaluateGridRequest& request) {
  std::vector<std::string> missing;
  const auto need = [&](const char* variable, const char* flag) {
    if (!IsGiven(request, variable)) missing.emplace_back(flag);
  };
  need("parameters", "--parameters");
  need("weight_bits", "--weight-bits");
  const auto given_tokens = std::count_if(std::begin(kTokenVariables),
                                          std::end(kTokenVariables),
                                          [&](const char* name) { return IsGiven(request, name); });
  if (request.quantity() != v1::EvaluateGridRequest::LOSS_NATS) {
    need("total_tokens", "--total-tokens");
  } else if (given_tokens < 2) {
    missing.emplace_back("two of --total-tokens, --fp-tokens, --qat-tokens, --qat-fraction");
  }
  if (request.quantity() == v1::EvaluateGridRequest::WASTED_TOKEN_FRACTION) {
    need("qat_fraction", "--qat-fraction");
  }
  if (missing.empty()) return absl::OkStatus();
  return WrongUsage(
      fmt::format("the grid needs {}; each as a flag or an axis", fmt::join(missing, ", ")));
}

absl::Status RunGrid(Session& session, const GridArguments& arguments) {
  v1::EvaluateGridRequest request = arguments.request;
  RETURN_IF_ERROR(CheckFlags(request));
  RETURN_IF_ERROR(arguments.law.Fill(request.mutable_source()));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto answer, client->EvaluateGrid(request));
  session.Print(answer, GridCsv(request, answer));
  std::string provenance = ProvenanceText(answer.provenance());
  if (!provenance.empty()) provenance.pop_back();
  session.Note(provenance);
  return absl::OkStatus();
}

void AddAxes(CLI::App* command, v1::EvaluateGridRequest* request) {
  command
      ->add_option_function<std::vector<std::string>>(
          "--axis",
          [request](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              const absl::StatusOr<v1::GridAxis> axis = ParseGridAxis(text);
              if (!axis.ok()) {
                throw CLI::ValidationError("--axis", std::string(axis.status().message()));
              }
              *request->add_axes() = *axis;
            }
          },
          "NAME=LOWER:UPPER:COUNT[:log] or NAME=VALUE,VALUE,...; once or twice")
      ->required()
      ->allow_extra_args(false)
      ->type_name("AXIS");
}

}  // namespace

void AddGridCommand(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app,
                 "grid",
                 "Evaluates a quantity over one or two axes; writes CSV",
                 "bitbudget grid --study micro --quantity optimal-qat-fraction --parameters 86M "
                 "--weight-bits 4 --axis total_tokens=1e9:1e12:20:log\n"
                 "bitbudget grid --study micro --quantity loss-nats --parameters 86M "
                 "--total-tokens 30B --axis weight_bits=1,2,4 --axis qat_fraction=0.05:0.95:19");
  auto arguments = std::make_shared<GridArguments>();
  v1::EvaluateGridRequest* request = &arguments->request;
  AddSource(command, request, request->mutable_source(), &arguments->law);
  AddField(command, request, "quantity", "What to evaluate")->required();
  AddAxes(command, request);
  for (const char* variable :
       {"parameters", "total_tokens", "fp_tokens", "qat_tokens", "qat_fraction", "weight_bits"}) {
    AddField(command, request, variable, "Fixed at this value")->group("Variables");
  }
  AddField(command, request, "with_intervals", "Add the ends of the intervals", "--intervals");
  OnCommand(command, session, arguments, &RunGrid);
}

}  // namespace bitbudget::cli
