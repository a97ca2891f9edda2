#include <fmt/format.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/fit_report.h"
#include "client/cli/flags.h"
#include "client/cli/terminal.h"
#include "google/protobuf/util/field_mask_util.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

// Shows the time passed on a terminal while it lives.
class ElapsedTime {
 public:
  explicit ElapsedTime(std::string what) : what_(std::move(what)) {
    if (progress_.visible()) ticker_ = std::thread([this] { Tick(); });
  }

  ~ElapsedTime() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    if (ticker_.joinable()) ticker_.join();
  }

  ElapsedTime(const ElapsedTime&) = delete;
  ElapsedTime& operator=(const ElapsedTime&) = delete;

 private:
  void Tick() {
    const absl::Time start = absl::Now();
    std::unique_lock<std::mutex> lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::milliseconds(200), [this] { return over_; })) {
      progress_.Show(
          fmt::format("{} ... {:.1f} s", what_, absl::ToDoubleSeconds(absl::Now() - start)));
    }
  }

  const std::string what_;
  ProgressLine progress_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;  // guarded by mutex_
  std::thread ticker_;
};

struct RunArguments {
  v1::RunFitRequest request;
  bool has_bootstrap = false;
  v1::BootstrapOptions bootstrap;
  v1::FitOptions options;
  google::protobuf::FieldMask set_options;  // those that flags set
  bool wait = false;
};

// The study's own options with those of the flags in their place: a fit that
// differs in one thing shall not differ in others.
absl::StatusOr<v1::FitOptions> OptionsOf(client::Client& client, const RunArguments& arguments) {
  v1::GetStudyRequest request;
  request.set_name(arguments.request.parent());
  ASSIGN_OR_RETURN(const v1::Study study, client.GetStudy(request));
  v1::FitOptions options = study.fit_options();
  google::protobuf::util::FieldMaskUtil::MergeMessageTo(
      arguments.options, arguments.set_options, {}, &options);
  return options;
}

absl::Status RunRun(Session& session, const RunArguments& arguments) {
  v1::RunFitRequest request = arguments.request;
  if (arguments.has_bootstrap) *request.mutable_bootstrap() = arguments.bootstrap;
  ASSIGN_OR_RETURN(
      client::Client * client,
      session.Client(arguments.wait ? std::optional(absl::InfiniteDuration()) : std::nullopt));
  if (arguments.set_options.paths_size() > 0) {
    ASSIGN_OR_RETURN(*request.mutable_options(), OptionsOf(*client, arguments));
  }
  absl::StatusOr<v1::Fit> fit;
  {
    const ElapsedTime elapsed("fitting");
    fit = client->RunFit(std::move(request));
  }
  RETURN_IF_ERROR(fit.status());
  session.Print(*fit, FitText(*fit));
  return absl::OkStatus();
}

absl::Status RunShow(Session& session, const LawFlags& law) {
  v1::GetFitRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), law.FitName());
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::Fit fit, client->GetFit(request));
  session.Print(fit, FitText(fit));
  return absl::OkStatus();
}

absl::Status RunList(Session& session, const v1::ListFitsRequest& request) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::ListFitsResponse fits, client->ListFits(request));
  const Table table = FitTable(fits);
  session.Print(fits, OutputIsTerminal() ? table.Aligned() : table.TabSeparated());
  if (!fits.next_page_token().empty()) {
    session.Note(fmt::format(
        "{} shown; the next page: --page-token '{}'", fits.fits_size(), fits.next_page_token()));
  }
  return absl::OkStatus();
}

absl::Status RunReplay(Session& session, const LawFlags& law) {
  v1::ReplayFitRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), law.FitName());
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  absl::StatusOr<v1::ReplayFitResponse> response;
  {
    const ElapsedTime elapsed("computing the fit again");
    response = client->ReplayFit(request);
  }
  RETURN_IF_ERROR(response.status());
  session.Print(*response, ReplayText(*response, response->fit().name()));
  if (response->identical()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{} was not reproduced: on another build the last bits may differ, on the same "
                  "build they must not",
                  response->fit().name()));
}

void AddRun(CLI::App& fit, Session& session) {
  CLI::App* command =
      AddCommand(fit,
                 "run",
                 "Fits the law of a study to its newest revision; with options of its own the fit "
                 "does not become the study's current one",
                 "bitbudget fit run --study micro\n"
                 "bitbudget fit run --study micro --huber-delta 1e-3 --wait\n"
                 "bitbudget fit run --study micro --variant bit_free_interaction\n"
                 "bitbudget fit run --study micro --bootstrap --draws 1000");
  auto arguments = std::make_shared<RunArguments>();
  AddStudy(command, arguments->request.mutable_parent())->required();
  command->add_flag("--wait", arguments->wait, "Wait as long as it takes, not only 10 minutes");
  CLI::Option* bootstrap =
      command->add_flag("--bootstrap",
                        arguments->has_bootstrap,
                        "Draw the parameters by refitting, and take intervals from the draws");
  AddField(command, &arguments->bootstrap, "draw_count", "Draws, 20 to 2000; else 200", "--draws")
      ->needs(bootstrap);
  AddField(command,
           &arguments->bootstrap,
           "method",
           "How data are drawn: parametric, wild or resample; else parametric",
           "--bootstrap-method")
      ->needs(bootstrap);
  AddField(command, &arguments->bootstrap, "seed", "Seed of the draws; else 0", "--bootstrap-seed")
      ->needs(bootstrap);
  AddFitOptions(command, &arguments->options, [arguments](const std::string& field) {
    arguments->set_options.add_paths(field);
  });
  OnCommand(command, session, arguments, &RunRun);
}

}  // namespace

void AddFitCommands(CLI::App& app, Session& session) {
  CLI::App* fit = AddCommand(app,
                             "fit",
                             "Fits: estimates of a study's law",
                             "bitbudget fit run --study micro\nbitbudget fit show --study micro");
  fit->require_subcommand(1);
  AddRun(*fit, session);

  CLI::App* show = AddCommand(*fit,
                              "show",
                              "Shows a study's current fit, or another one",
                              "bitbudget fit show --study micro\n"
                              "bitbudget fit show --fit studies/micro/fits/3 --json");
  auto shown = std::make_shared<LawFlags>();
  AddLaw(show, shown.get());
  OnCommand(show, session, shown, &RunShow);

  AddCompareLawsCommand(*fit, session);
  AddExplainCommand(*fit, session);

  CLI::App* list = AddCommand(
      *fit, "list", "Lists the fits of a study, newest first", "bitbudget fit list --study micro");
  auto listed = std::make_shared<v1::ListFitsRequest>();
  AddStudy(list, listed->mutable_parent())->required();
  AddField(list, listed.get(), "page_size", "At most this many; else 20");
  AddField(list, listed.get(), "page_token", "Go on where another page ended");
  OnCommand(list, session, listed, &RunList);

  CLI::App* replay =
      AddCommand(*fit,
                 "replay",
                 "Computes a fit again from its stored inputs and compares every bit",
                 "bitbudget fit replay --study micro\n"
                 "bitbudget fit replay --study micro --fit 3");
  auto replayed = std::make_shared<LawFlags>();
  AddLaw(replay, replayed.get());
  OnCommand(replay, session, replayed, &RunReplay);
}

}  // namespace bitbudget::cli
