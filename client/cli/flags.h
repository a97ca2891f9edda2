// Shorthands over CLI11 with which the commands are written down.
//
// Whatever is bound here is set while the command line is parsed; a wrong value
// ends the parse with a CLI::ValidationError that names the flag.

#ifndef BITBUDGET_CLIENT_CLI_FLAGS_H_
#define BITBUDGET_CLIENT_CLI_FLAGS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "bitbudget/v1/common.pb.h"
#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "client/cli/session.h"
#include "google/protobuf/message.h"

namespace bitbudget::cli {

// Adds a command: `examples` are lines that its help opens with.
CLI::App* AddCommand(CLI::App& parent,
                     const std::string& name,
                     const std::string& description,
                     const std::string& examples);

// Makes `run(session, arguments)` what the session does if `command` is given.
template <typename Arguments>
void OnCommand(CLI::App* command,
               Session& session,
               std::shared_ptr<Arguments> arguments,
               absl::Status (*run)(Session&, const Arguments&)) {
  command->final_callback([&session, arguments, run] {
    session.action = [arguments, run](Session& s) { return run(s, *arguments); };
  });
}

// A flag that sets the field `name` of `message`, which must outlive the parse.
// A repeated field takes values divided by commas. The flag is the name of the
// field with dashes, unless `flag` is given.
CLI::Option* AddField(CLI::App* command,
                      google::protobuf::Message* message,
                      std::string_view name,
                      const std::string& description,
                      std::string flag = "");

// --study: sets `target` to "studies/NAME".
CLI::Option* AddStudy(CLI::App* command, std::string* target);

// "STUDY/COLLECTION/ID", from an id or from a full name, which is returned as it
// is. WrongUsage for an id without a study.
absl::StatusOr<std::string> NameInStudy(const std::string& study,
                                        const std::string& collection,
                                        const std::string& id_or_name);

// --study NAME or --fit FIT: which law answers. Both together: the fit of that
// study.
struct LawFlags {
  std::string study;          // "studies/NAME" or empty
  std::string fit;            // as written, or empty
  std::string published_law;  // key or "laws/KEY", or empty

  // "studies/NAME/fits/FIT"; "latest" if no fit is named. WrongUsage if the flags
  // do not say which study, or name a fit of another one.
  absl::StatusOr<std::string> FitName() const;

  // The same as the source of a planning question.
  absl::Status Fill(v1::LawSource* source) const;
};
void AddLaw(CLI::App* command, LawFlags* flags);

// --published-law KEY in place of these, for questions that such a law may answer.
void AddPublishedLaw(CLI::App* command, LawFlags* flags);

// Flags that choose experiments.
void AddFilter(CLI::App* command, v1::ExperimentFilter* filter);

// Flags for the options of a fit. `on_set` hears the name of each field that is
// set.
void AddFitOptions(CLI::App* command,
                   v1::FitOptions* options,
                   const std::function<void(std::string)>& on_set = {});

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_FLAGS_H_
