#include "client/cli/flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "client/cli/error_text.h"
#include "client/cli/field.h"
#include "google/protobuf/descriptor.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

using google::protobuf::FieldDescriptor;

std::string FlagOf(std::string_view field_name) {
  std::string flag = "--" + std::string(field_name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

// What stands for the value in the help.
std::string TypeName(const FieldDescriptor& field) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    return fmt::format("{}", fmt::join(EnumNames(field), "|"));
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return "TEXT";
  switch (UnitOf(field)) {
    case Unit::kParameters:
      return "N";
    case Unit::kTokens:
      return "TOKENS";
    case Unit::kFlops:
      return "FLOP";
    case Unit::kShare:
      return "SHARE";
    case Unit::kBytes:
      return "BYTES";
    case Unit::kNone:
      break;
  }
  return "NUMBER";
}

void SetOrThrow(google::protobuf::Message& message,
                const FieldDescriptor& field,
                const std::string& flag,
                const std::string& text) {
  const absl::Status status = SetField(message, field, text);
  if (!status.ok()) throw CLI::ValidationError(flag, std::string(status.message()));
}

}  // namespace

CLI::App* AddCommand(CLI::App& parent,
                     const std::string& name,
                     const std::string& description,
                     const std::string& examples) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer(examples);
  return command;
}

CLI::Option* AddField(CLI::App* command,
                      google::protobuf::Message* message,
                      std::string_view name,
                      const std::string& description,
                      std::string flag) {
  const FieldDescriptor& field = FieldOf(*message, name);
  if (flag.empty()) flag = FlagOf(name);
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    return command->add_flag_callback(
        flag,
        [message, &field] { message->GetReflection()->SetBool(message, &field, true); },
        description);
  }
  CLI::Option* option = nullptr;
  if (field.is_repeated()) {
    option = command->add_option_function<std::vector<std::string>>(
        flag,
        [message, &field, flag](const std::vector<std::string>& texts) {
          for (const std::string& text : texts) SetOrThrow(*message, field, flag, text);
        },
        description);
    option->delimiter(',')->allow_extra_args(false);
  } else {
    option = command->add_option_function<std::string>(
        flag,
        [message, &field, flag](const std::string& text) {
          SetOrThrow(*message, field, flag, text);
        },
        description);
  }
  return option->type_name(TypeName(field));
}

CLI::Option* AddStudy(CLI::App* command, std::string* target) {
  return command
      ->add_option_function<std::string>(
          "--study",
          [target](const std::string& id) { *target = client::StudyName(id); },
          "Study, by its id")
      ->type_name("NAME");
}

absl::StatusOr<std::string> NameInStudy(const std::string& study,
                                        const std::string& collection,
                                        const std::string& id_or_name) {
  if (id_or_name.find('/') != std::string::npos) return id_or_name;
  if (!study.empty()) return fmt::format("{}/{}/{}", study, collection, id_or_name);
  return WrongUsage(
      fmt::format("say of which study '{0}' is: add --study NAME, or write "
                  "studies/NAME/{1}/{0}",
                  id_or_name,
                  collection));
}

absl::StatusOr<std::string> LawFlags::FitName() const {
  if (const size_t end = fit.find("/fits/"); end != std::string::npos) {
    if (study.empty() || fit.substr(0, end) == study) return fit;
    return WrongUsage(fmt::format("--fit {} is a fit of {}, not of --study {}: name one of the two",
                                  fit,
                                  fit.substr(0, end),
                                  study));
  }
  if (fit.find('/') != std::string::npos) {
    return WrongUsage(fmt::format("--fit '{}' is neither FIT nor studies/NAME/fits/FIT", fit));
  }
  if (study.empty()) {
    return WrongUsage(fit.empty() ? "say which law: --study NAME, or --fit studies/NAME/fits/FIT"
                                  : "say of which study the fit is: add --study NAME, or write "
                                    "--fit studies/NAME/fits/FIT");
  }
  return fmt::format("{}/fits/{}", study, fit.empty() ? "latest" : fit);
}

absl::Status LawFlags::Fill(v1::LawSource* source) const {
  if (!published_law.empty()) {
    if (!study.empty() || !fit.empty()) {
      return WrongUsage("--published-law answers without a study: leave --study and --fit away");
    }
    source->set_published_law(published_law.starts_with("laws/") ? published_law
                                                                 : "laws/" + published_law);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(std::string name, FitName());
  if (fit.empty()) {
    source->set_study(study);
  } else {
    source->set_fit(std::move(name));
  }
  return absl::OkStatus();
}

void AddLaw(CLI::App* command, LawFlags* flags) {
  AddStudy(command, &flags->study);
  command->add_option("--fit", flags->fit, "A certain fit of the study, not its current one")
      ->type_name("FIT");
}

void AddPublishedLaw(CLI::App* command, LawFlags* flags) {
  command
      ->add_option("--published-law",
                   flags->published_law,
                   "A law with published coefficients, as laws list names it")
      ->type_name("LAW");
}

void AddFilter(CLI::App* command, v1::ExperimentFilter* filter) {
  const auto add = [&](const char* field, const char* description, const char* flag = "") {
    AddField(command, filter, field, description, flag)->group("Filter");
  };
  add("roles", "Of one of these roles", "--role");
  add("weight_bits", "Of one of these widths");
  add("parameters", "Of one of these sizes");
  add("schedule", "Of this schedule");
  add("recipe", "Of this recipe");
  add("optimizer", "Of this optimizer");
  add("trunk", "Of this trunk");
  add("import_batch", "Of this import", "--batch");
  add("exclusion", "By the exclusion mark");
  add("min_total_tokens", "With at least so many tokens");
  add("max_total_tokens", "With at most so many tokens");
}

void AddFitOptions(CLI::App* command,
                   v1::FitOptions* options,
                   const std::function<void(std::string)>& on_set) {
  struct Flag {
    const char* field;
    const char* flag;
    const char* description;
  };
  static constexpr Flag kFlags[] = {
      {"variant", "--variant", "Rung of the ladder; else the richest that the data identify"},
      {"huber_delta",
       "--huber-delta",
       "Where residuals of log loss stop counting squared; else "
       "1.345 robust deviations"},
      {"seed", "--seed", "Seed of the starting points; else 0"},
      {"start_count", "--starts", "Starting points screened, 1 to 10,000; else 64"},
      {"polish_count", "--polish", "Starting points polished; else 4, more if they disagree"},
      {"full_precision_weight",
       "--full-precision-weight",
       "Weight of a full-precision run; else 1"},
      {"schedule", "--schedule", "Fit runs of this schedule alone"},
      {"recipe", "--recipe", "Fit runs of this recipe alone"},
      {"optimizer", "--optimizer", "Fit runs of this optimizer alone"},
      {"min_fp_tokens", "--min-fp-tokens", "Leave out runs with fewer full-precision tokens"},
  };
  for (const Flag& flag : kFlags) {
    CLI::Option* option = AddField(command, options, flag.field, flag.description, flag.flag);
    option->group("Fit options");
    if (on_set) option->each([on_set, field = flag.field](const std::string&) { on_set(field); });
  }
}

}  // namespace bitbudget::cli
