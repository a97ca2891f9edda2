#include <fmt/format.h>

#include <memory>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/error_text.h"
#include "client/cli/field.h"
#include "client/cli/flags.h"
#include "client/cli/json.h"
#include "client/cli/study_report.h"
#include "client/cli/terminal.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

// Arguments of create and update: the study as the flags describe it, and the
// paths of the fields that they set.
struct StudyArguments {
  std::string id;
  std::string definition_file;  // create only; empty if none
  v1::Study study;
  std::vector<std::string> paths;
  std::vector<std::string> cleared_paths;
};

// For the help and completion; the server has the say.
constexpr char kLaws[] =
    "compute_optimal_qat|chinchilla|unified_qat_error|effective_parameters|optimizer_rescaled";

// Reads "PARAMETERS:LAYERS:WIDTH[:HEADS[:KEY_VALUE_HEADS]]".
void AddShape(const std::string& text, v1::ModelFamily* family) {
  static constexpr const char* kParts[] = {
      "parameters", "layers", "width", "attention_heads", "key_value_heads"};
  v1::ModelShape* shape = family->add_shapes();
  const std::vector<std::string> parts = CLI::detail::split(text, ':');
  if (parts.size() < 3 || parts.size() > std::size(kParts)) {
    throw CLI::ValidationError(
        "--shape",
        fmt::format("'{}' is not PARAMETERS:LAYERS:WIDTH[:HEADS[:KEY_VALUE_HEADS]], for example "
                    "86M:12:768:12",
                    text));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const absl::Status status = SetField(*shape, FieldOf(*shape, kParts[i]), parts[i]);
    if (!status.ok()) {
      throw CLI::ValidationError("--shape",
                                 fmt::format("{}: {}", kParts[i], std::string(status.message())));
    }
  }
}

// The flags that describe a study.
void AddStudyFlags(CLI::App* command, const std::shared_ptr<StudyArguments>& arguments) {
  v1::Study* study = &arguments->study;
  const auto mark = [arguments](const std::string& path) { arguments->paths.push_back(path); };
  const auto add = [&](const char* field, const char* description, const char* flag = "") {
    AddField(command, study, field, description, flag)->each([mark, field](const std::string&) {
      mark(field);
    });
  };
  AddField(command, study, "law", "Law family; else compute_optimal_qat")
      ->type_name(kLaws)
      ->each([mark](const std::string&) { mark("law"); });
  add("parameter_convention", "Which parameters the law counts; else non-embedding");
  add("display_name", "A title for people", "--title");
  add("description", "What was measured and how");
  add("tokenizer", "Tokenizer of all runs");
  add("data_set", "Training data");
  add("evaluation_set", "Evaluation data and how the loss is taken");
  AddField(command,
           study->mutable_model_family(),
           "description",
           "What the models have in common",
           "--model-family")
      ->each([mark](const std::string&) { mark("model_family"); });
  command
      ->add_option_function<std::vector<std::string>>(
          "--shape",
          [study, mark](const std::vector<std::string>& shapes) {
            for (const std::string& shape : shapes) AddShape(shape, study->mutable_model_family());
            mark("model_family");
          },
          "Shape of the model at one size; may be given again for each size")
      ->allow_extra_args(false)
      ->type_name("N:LAYERS:WIDTH[:HEADS[:KV_HEADS]]");
  AddFitOptions(command, study->mutable_fit_options(), [mark](const std::string& field) {
    mark("fit_options." + field);
  });
}

absl::Status PrintStudy(Session& session, const absl::StatusOr<v1::Study>& study) {
  RETURN_IF_ERROR(study.status());
  session.Print(*study, StudyText(*study));
  return absl::OkStatus();
}

// Defaults, then what the file says, then what the flags say.
absl::Status RunCreate(Session& session, const StudyArguments& arguments) {
  v1::CreateStudyRequest request;
  request.set_study_id(arguments.id);
  v1::Study& study = *request.mutable_study();
  study.set_law("compute_optimal_qat");
  study.set_loss_unit(v1::NATS_PER_TOKEN);
  study.set_parameter_convention(v1::NON_EMBEDDING);
  if (!arguments.definition_file.empty()) {
    RETURN_IF_ERROR(ReadJsonFile(arguments.definition_file, "study", &study));
  }
  study.MergeFrom(arguments.study);
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  return PrintStudy(session, client->CreateStudy(std::move(request)));
}

absl::Status RunUpdate(Session& session, const StudyArguments& arguments) {
  if (arguments.paths.empty() && arguments.cleared_paths.empty()) {
    return WrongUsage(
        "no change is named: give the flag of a field, such as --title or --schedule, or --clear "
        "FIELD");
  }
  v1::UpdateStudyRequest request;
  *request.mutable_study() = arguments.study;
  request.mutable_study()->set_name(client::StudyName(arguments.id));
  for (const auto* paths : {&arguments.paths, &arguments.cleared_paths}) {
    for (const std::string& path : *paths) request.mutable_update_mask()->add_paths(path);
  }
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  return PrintStudy(session, client->UpdateStudy(std::move(request)));
}

struct NameArguments {
  std::string id;
  bool force = false;
};

absl::Status RunShow(Session& session, const NameArguments& arguments) {
  v1::GetStudyRequest request;
  request.set_name(client::StudyName(arguments.id));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  return PrintStudy(session, client->GetStudy(request));
}

absl::Status RunDelete(Session& session, const NameArguments& arguments) {
  v1::DeleteStudyRequest request;
  request.set_name(client::StudyName(arguments.id));
  request.set_force(arguments.force);
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto response, client->DeleteStudy(request));
  session.Print(response, fmt::format("{} is deleted\n", request.name()));
  return absl::OkStatus();
}

absl::Status RunList(Session& session, const v1::ListStudiesRequest& request) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  v1::ListStudiesResponse all;
  v1::ListStudiesRequest page_request = request;
  do {
    ASSIGN_OR_RETURN(v1::ListStudiesResponse page, client->ListStudies(page_request));
    page_request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!page_request.page_token().empty());
  const Table table = StudyTable(all);
  session.Print(all, OutputIsTerminal() ? table.Aligned() : table.TabSeparated());
  if (all.studies().empty()) {
    session.Note("no studies yet; make one: bitbudget study create NAME");
  }
  return absl::OkStatus();
}

void AddCreate(CLI::App& study, Session& session) {
  CLI::App* command = AddCommand(study,
                                 "create",
                                 "Creates a study",
                                 "bitbudget study create micro --loss-unit nats-per-byte\n"
                                 "bitbudget study create micro --definition study.json\n"
                                 "bitbudget study create llama --law compute_optimal_qat "
                                 "--schedule fused --tokenizer llama3");
  auto arguments = std::make_shared<StudyArguments>();
  command->add_option("name", arguments->id, "Id: a-z, 0-9 and '-', at most 63 characters")
      ->required();
  command
      ->add_option("--definition",
                   arguments->definition_file,
                   "File that holds the study as JSON; flags go before it")
      ->type_name("FILE");
  AddField(command, &arguments->study, "loss_unit", "Unit of every loss; else nats-per-token");
  AddStudyFlags(command, arguments);
  OnCommand(command, session, arguments, &RunCreate);
}

void AddUpdate(CLI::App& study, Session& session) {
  CLI::App* command = AddCommand(study,
                                 "update",
                                 "Changes what the flags name, nothing else",
                                 "bitbudget study update micro --title 'Small transformers'\n"
                                 "bitbudget study update micro --schedule classic\n"
                                 "bitbudget study update micro --clear fit_options.schedule");
  auto arguments = std::make_shared<StudyArguments>();
  command->add_option("name", arguments->id, "Study, by its id")->required();
  AddStudyFlags(command, arguments);
  command
      ->add_option("--clear",
                   arguments->cleared_paths,
                   "Set a field back to its default; by its name in the contract")
      ->allow_extra_args(false)
      ->type_name("FIELD");
  OnCommand(command, session, arguments, &RunUpdate);
}

}  // namespace

void AddStudyCommands(CLI::App& app, Session& session) {
  CLI::App* study = AddCommand(app,
                               "study",
                               "Studies: cohorts of runs that one law may describe",
                               "bitbudget study create micro\nbitbudget study show micro");
  study->require_subcommand(1);
  AddCreate(*study, session);

  CLI::App* list = AddCommand(*study, "list", "Lists all studies", "bitbudget study list");
  OnCommand(list, session, std::make_shared<v1::ListStudiesRequest>(), &RunList);

  CLI::App* show = AddCommand(*study, "show", "Shows a study", "bitbudget study show micro");
  auto shown = std::make_shared<NameArguments>();
  show->add_option("name", shown->id, "Study, by its id")->required();
  OnCommand(show, session, shown, &RunShow);

  AddUpdate(*study, session);

  CLI::App* remove = AddCommand(*study,
                                "delete",
                                "Deletes a study with its experiments and fits",
                                "bitbudget study delete scratch\n"
                                "bitbudget study delete micro --force");
  auto removed = std::make_shared<NameArguments>();
  remove->add_option("name", removed->id, "Study, by its id")->required();
  remove->add_flag("--force", removed->force, "Even if it has experiments");
  OnCommand(remove, session, removed, &RunDelete);
}

}  // namespace bitbudget::cli
