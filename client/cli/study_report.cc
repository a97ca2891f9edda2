#include "client/cli/study_report.h"

#include <fmt/format.h>

#include <vector>

#include "client/cli/field.h"
#include "client/cli/quantity.h"
#include "client/cli/text.h"
#include "google/protobuf/descriptor.h"

namespace bitbudget::cli {
namespace {

std::string FitStatusText(const v1::FitStatus& status) {
  const std::string fit = LastPart(status.latest_fit());
  switch (status.state()) {
    case v1::FitStatus::NO_DATA:
      return "no data yet";
    case v1::FitStatus::CURRENT:
      return fmt::format("{}, current", fit);
    case v1::FitStatus::PENDING:
      if (fit.empty()) return "first fit under way";
      return fmt::format(
          "{} of revision {}; a newer one is under way", fit, status.covered_revision());
    case v1::FitStatus::FAILED:
      return fmt::format("{}the newest revision could not be fitted: {}",
                         fit.empty()
                             ? "none; "
                             : fmt::format("{} of revision {}; ", fit, status.covered_revision()),
                         status.error());
    default:
      return "";
  }
}

// The fit options that are set, "huber_delta=0.001, schedule=classic".
std::string OptionsText(const v1::FitOptions& options) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  options.GetReflection()->ListFields(options, &fields);
  std::string text;
  for (const google::protobuf::FieldDescriptor* field : fields) {
    text +=
        fmt::format("{}{}={}", text.empty() ? "" : ", ", field->name(), FieldText(options, *field));
  }
  return text.empty() ? "defaults" : text;
}

std::string ShapesText(const v1::ModelFamily& family) {
  std::string text;
  for (const v1::ModelShape& shape : family.shapes()) {
    text += fmt::format("{}{}: {} x {}",
                        text.empty() ? "" : ", ",
                        FormatQuantity(static_cast<double>(shape.parameters())),
                        Counted(shape.layers(), "layer"),
                        shape.width());
  }
  return text;
}

}  // namespace

std::string StudyText(const v1::Study& study) {
  Table table({"", ""});
  const auto add = [&](const std::string& what, const std::string& text) {
    if (!text.empty()) table.AddRow({what, text});
  };
  add("Title", study.display_name());
  add("Description", study.description());
  add("Law", study.law());
  add("Fit options", OptionsText(study.fit_options()));
  add("Loss", Words(v1::LossUnit_Name(study.loss_unit())));
  add("Parameters", Words(v1::ParameterConvention_Name(study.parameter_convention())));
  add("Tokenizer", study.tokenizer());
  add("Data set", study.data_set());
  add("Evaluation set", study.evaluation_set());
  add("Model family", study.model_family().description());
  add("Shapes", ShapesText(study.model_family()));
  add("Experiments",
      fmt::format("{}, {} excluded", study.experiment_count(), study.excluded_experiment_count()));
  add("Revision", fmt::to_string(study.revision()));
  add("Fit", FitStatusText(study.fit_status()));
  add("Created", TimeText(study.create_time()));
  add("Updated", TimeText(study.update_time()));
  return fmt::format("{}\n{}", study.name(), table.Aligned("  "));
}

Table StudyTable(const v1::ListStudiesResponse& studies) {
  Table table({"STUDY", "LAW", "EXPERIMENTS", "EXCLUDED", "REVISION", "FIT", "TITLE"});
  for (const v1::Study& study : studies.studies()) {
    table.AddRow({LastPart(study.name()),
                  study.law(),
                  fmt::to_string(study.experiment_count()),
                  fmt::to_string(study.excluded_experiment_count()),
                  fmt::to_string(study.revision()),
                  Words(v1::FitStatus::State_Name(study.fit_status().state())),
                  study.display_name()});
  }
  return table;
}

Table ExperimentTable(const v1::ListExperimentsResponse& experiments) {
  Table table({"EXPERIMENT",
               "ROLE",
               "PARAMETERS",
               "FP TOKENS",
               "QAT TOKENS",
               "BITS",
               "LOSS",
               "SCHEDULE",
               "RECIPE",
               "TRUNK",
               "REPLICATE",
               "BATCH",
               "EXCLUDED"});
  for (const v1::Experiment& run : experiments.experiments()) {
    table.AddRow({LastPart(run.name()),
                  Words(v1::Role_Name(run.role())),
                  FormatQuantity(static_cast<double>(run.parameters())),
                  FormatQuantity(static_cast<double>(run.fp_tokens())),
                  FormatQuantity(static_cast<double>(run.qat_tokens())),
                  BitsText(run.weight_bits()),
                  LossText(run.loss_nats()),
                  run.schedule(),
                  run.recipe(),
                  run.trunk(),
                  fmt::to_string(run.replicate()),
                  run.provenance().import_batch(),
                  run.exclude_reason()});
  }
  return table;
}

std::string ImportSummary(const v1::ImportExperimentsResponse& response, bool validate_only) {
  const std::string counts = fmt::format("{} {}, {} unchanged, {} refused",
                                         response.created_count(),
                                         validate_only ? "would be stored" : "stored",
                                         response.unchanged_count(),
                                         response.rejected_count());
  const bool no_new_row = response.created_count() == 0 && response.rejected_count() == 0;
  std::string remark;
  if (no_new_row && response.unchanged_count() == 0) {
    remark = " (there is no row to store)";
  } else if (no_new_row) {
    remark = " (nothing new: every row was stored before)";
  }
  if (validate_only) return fmt::format("{}; nothing was changed{}", counts, remark);
  return fmt::format("{}; revision {}{}", counts, response.revision(), remark);
}

}  // namespace bitbudget::cli
