#include "server/compute_fit.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

#include <array>
#include <bit>
#include <utility>

#include "fitter/support.h"
#include "server/convert.h"
#include "server/convert_fit.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

// The rows that a fit without a law of its own answers from: QAT runs in use.
fitter::DataSupport SupportOfQatRows(const fitter::Dataset& data) {
  std::vector<int> rows;
  for (int i = 0; i < static_cast<int>(data.rows.size()); ++i) {
    const fitter::Observation& row = data.rows[i];
    if (row.role == fitter::RunRole::kFpThenQat && !row.excluded) rows.push_back(i);
  }
  return fitter::ComputeSupport(data, rows);
}

v1::FitInputs InputsOf(const FitTask& task, const fitter::FitResult& result) {
  v1::FitInputs inputs;
  inputs.set_law(task.law);
  *inputs.mutable_options() = FromFitterOptions(result.resolved_options);
  *inputs.mutable_requested_options() = task.options;
  inputs.set_parameter_convention(task.convention);
  inputs.set_revision(task.rows->revision);
  inputs.set_rows_hash(task.rows->hash);
  for (const fitter::Start& start : task.warm_starts) {
    v1::FitInputs::Start* message = inputs.add_warm_starts();
    message->set_variant(start.variant);
    message->mutable_values()->Add(start.theta.begin(), start.theta.end());
  }
  if (task.bootstrap) *inputs.mutable_bootstrap() = *task.bootstrap;
  inputs.set_software_version(SoftwareVersion());
  inputs.set_build(BuildDescription());
  return inputs;
}

// Compares doubles by their bits: two zeros of different sign differ, a NaN
// equals itself.
class BitComparator : public google::protobuf::util::SimpleFieldComparator {
 public:
  ComparisonResult Compare(const Message& a,
                           const Message& b,
                           const FieldDescriptor* field,
                           int index_a,
                           int index_b,
                           const google::protobuf::util::FieldContext*) override {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) {
      return SimpleCompare(a, b, field, index_a, index_b, nullptr);
    }
    const bool are_same = BitsOf(a, field, index_a) == BitsOf(b, field, index_b);
    return are_same ? SAME : DIFFERENT;
  }

 private:
  static uint64_t BitsOf(const Message& message, const FieldDescriptor* field, int index) {
    const auto* reflection = message.GetReflection();
    return std::bit_cast<uint64_t>(field->is_repeated()
                                       ? reflection->GetRepeatedDouble(message, field, index)
                                       : reflection->GetDouble(message, field));
  }
};

// Collects the paths of differences.
class PathReporter : public MessageDifferencer::Reporter {
 public:
  using Path = std::vector<MessageDifferencer::SpecificField>;

  void ReportAdded(const Message&, const Message&, const Path& path) override { Add(path); }
  void ReportDeleted(const Message&, const Message&, const Path& path) override { Add(path); }
  // A message is modified where one of its fields is, which is reported itself.
  void ReportModified(const Message&, const Message&, const Path& path) override {
    if (path.back().field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) Add(path);
  }

  std::vector<std::string> TakePaths() { return std::move(paths_); }

 private:
  void Add(const Path& path) {
    std::string text;
    for (const MessageDifferencer::SpecificField& part : path) {
      if (!text.empty()) text += '.';
      text += part.field->name();
      if (part.index >= 0) text += fmt::format("[{}]", part.index);
    }
    paths_.push_back(std::move(text));
  }

  std::vector<std::string> paths_;
};

}  // namespace

absl::StatusOr<ComputedFit> ComputeFit(const FitTask& task, std::function<bool()> cancelled) {
  if (task.rows->data.rows.empty()) {
    return DataCannotAnswer({{.axis = "experiments", .level_count = 0, .needed_level_count = 1}},
                            "The study has no experiments; import measured runs");
  }
  fitter::FitOptions options = ToFitterOptions(task.options, task.law);
  options.cancelled = std::move(cancelled);
  const absl::Duration begin = Clock::System()->Steady();
  ASSIGN_OR_RETURN(fitter::FitResult result,
                   fitter::FitLaw(task.rows->data, options, task.warm_starts));
  std::optional<fitter::Bootstrap> bootstrap;
  if (task.bootstrap) {
    fitter::BootstrapOptions draws = ToFitterBootstrap(*task.bootstrap);
    draws.cancelled = options.cancelled;
    ASSIGN_OR_RETURN(bootstrap, fitter::BootstrapFit(task.rows->data, result, draws));
    result.law->draws = bootstrap->law.theta;
    if (result.full_precision_law) {
      result.full_precision_law->draws = bootstrap->full_precision_law.theta;
    }
  }
  const absl::Duration elapsed = Clock::System()->Steady() - begin;
  // The poll is of this call, the result outlives it.
  result.resolved_options.cancelled = nullptr;

  const fitter::DataSupport support =
      result.law ? result.law->support : SupportOfQatRows(task.rows->data);
  v1::Fit fit = ToFit(result, support);
  if (bootstrap) {
    SetBootstrap(*bootstrap, fit);
    *fit.mutable_bootstrap()->mutable_options() =
        FromFitterBootstrap(ToFitterBootstrap(*task.bootstrap));
  }
  fit.set_revision(task.rows->revision);
  *fit.mutable_inputs() = InputsOf(task, result);
  fit.set_compute_seconds(absl::ToDoubleSeconds(elapsed));
  return ComputedFit{std::move(result), std::move(fit)};
}

std::string SoftwareVersion() { return BITBUDGET_VERSION; }

std::string BuildDescription() {
  // The C library chooses its exp and log by these at run time.
  std::string instructions;
#if defined(__x86_64__)
  instructions = "x86_64";
  if (__builtin_cpu_supports("fma")) instructions += " fma";
  if (__builtin_cpu_supports("avx2")) instructions += " avx2";
#elif defined(__aarch64__)
  instructions = "aarch64";
#endif
#if defined(__OPTIMIZE__)
  constexpr std::string_view kOptimisation = "optimised";
#else
  constexpr std::string_view kOptimisation = "not optimised";
#endif
  return fmt::format(
      "{}, glibc {}, g++ {}, {}", instructions, gnu_get_libc_version(), __VERSION__, kOptimisation);
}

std::vector<std::string> DifferingFields(const v1::Fit& a, const v1::Fit& b) {
  MessageDifferencer differencer;
  BitComparator comparator;
  PathReporter reporter;
  differencer.set_field_comparator(&comparator);
  const google::protobuf::Descriptor* fit = v1::Fit::descriptor();
  for (const int field : {v1::Fit::kNameFieldNumber,
                          v1::Fit::kCreateTimeFieldNumber,
                          v1::Fit::kContentHashFieldNumber,
                          v1::Fit::kComputeSecondsFieldNumber,
                          v1::Fit::kStandardOptionsFieldNumber}) {
    differencer.IgnoreField(fit->FindFieldByNumber(field));
  }
  const google::protobuf::Descriptor* inputs = v1::FitInputs::descriptor();
  for (const int field :
       {v1::FitInputs::kSoftwareVersionFieldNumber, v1::FitInputs::kBuildFieldNumber}) {
    differencer.IgnoreField(inputs->FindFieldByNumber(field));
  }
  differencer.ReportDifferencesTo(&reporter);
  differencer.Compare(a, b);
  return reporter.TakePaths();
}

}  // namespace bitbudget::server
