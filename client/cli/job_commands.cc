#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/flags.h"
#include "client/cli/job_report.h"
#include "client/cli/json.h"
#include "client/cli/terminal.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

// Jobs by id or full name, and what is done to them.
struct NamesArguments {
  std::string study;
  std::vector<std::string> ids;
  std::string reason;
};

CLI::Option* AddIds(CLI::App* command, NamesArguments* arguments) {
  AddStudy(command, &arguments->study);
  return command
      ->add_option("jobs", arguments->ids, "Jobs, by id with --study, or by their full names")
      ->required();
}

// One error that names all; `errors` has at least one.
absl::Status AllOf(const std::vector<absl::Status>& errors, size_t job_count) {
  if (errors.size() == 1) return errors.front();
  std::string text = fmt::format("{} of {} jobs:", errors.size(), job_count);
  for (const absl::Status& error : errors) {
    text += fmt::format("\n  {}", std::string(error.message()));
  }
  return {errors.front().code(), text};
}

// Calls `call(client, name)`, which returns the job, for every job that is named,
// also after one was refused, and prints the jobs in one document.
template <typename Call>
absl::Status ForEachJob(Session& session,
                        const NamesArguments& arguments,
                        std::string (*text_of)(const v1::Job&),
                        const Call& call) {
  std::vector<std::string> names;
  for (const std::string& id : arguments.ids) {
    ASSIGN_OR_RETURN(names.emplace_back(), NameInStudy(arguments.study, "jobs", id));
  }
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  v1::ListJobsResponse jobs;
  std::vector<absl::Status> errors;
  for (const std::string& name : names) {
    absl::StatusOr<v1::Job> job = call(*client, name);
    if (client::IsServerUnreachable(job.status())) return job.status();
    if (job.ok()) {
      *jobs.add_jobs() = *std::move(job);
    } else {
      errors.push_back(job.status());
    }
  }
  std::string text;
  for (const v1::Job& job : jobs.jobs()) text += text_of(job);
  if (names.size() > 1) {
    session.Print(jobs, text);
  } else if (!jobs.jobs().empty()) {
    session.Print(jobs.jobs(0), text);
  }
  return errors.empty() ? absl::OkStatus() : AllOf(errors, names.size());
}

absl::Status RunShow(Session& session, const NamesArguments& arguments) {
  return ForEachJob(
      session, arguments, &JobText, [](client::Client& client, const std::string& name) {
        v1::GetJobRequest request;
        request.set_name(name);
        return client.GetJob(request);
      });
}

absl::Status RunCancel(Session& session, const NamesArguments& arguments) {
  return ForEachJob(
      session, arguments, &JobLine, [&](client::Client& client, const std::string& name) {
        v1::CancelJobRequest request;
        request.set_name(name);
        request.set_reason(arguments.reason);
        return client.CancelJob(request);
      });
}

absl::Status RunRetry(Session& session, const NamesArguments& arguments) {
  return ForEachJob(
      session, arguments, &JobLine, [](client::Client& client, const std::string& name) {
        v1::RetryJobRequest request;
        request.set_name(name);
        return client.RetryJob(request);
      });
}

// Which jobs.
struct FilterArguments {
  std::string study = "studies/-";
  std::string campaign;  // id or full name
  v1::JobFilter filter;
  int page_size = 100;
  bool all = false;
};

absl::StatusOr<v1::JobFilter> FilterOf(const FilterArguments& arguments) {
  v1::JobFilter filter = arguments.filter;
  if (!arguments.campaign.empty()) {
    const std::string study = arguments.study == "studies/-" ? "" : arguments.study;
    ASSIGN_OR_RETURN(*filter.mutable_campaign(),
                     NameInStudy(study, "campaigns", arguments.campaign));
  }
  return filter;
}

void AddFilterFlags(CLI::App* command, FilterArguments* arguments) {
  AddStudy(command, &arguments->study)->description("Study, by its id; else all");
  AddField(command, &arguments->filter, "states", "In one of these states", "--state");
  command->add_option("--campaign", arguments->campaign, "Of this campaign")->type_name("NAME");
  AddField(command, &arguments->filter, "worker", "Last leased to this worker");
}

absl::Status RunList(Session& session, const FilterArguments& arguments) {
  v1::ListJobsRequest request;
  request.set_parent(arguments.study);
  request.set_page_size(arguments.page_size);
  ASSIGN_OR_RETURN(*request.mutable_filter(), FilterOf(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  v1::ListJobsResponse all;
  do {
    ASSIGN_OR_RETURN(v1::ListJobsResponse page, client->ListJobs(request));
    request.set_page_token(page.next_page_token());
    all.MergeFrom(page);
    all.set_next_page_token(page.next_page_token());
  } while (arguments.all && !request.page_token().empty());
  const Table table = JobTable(all);
  session.Print(all, OutputIsTerminal() ? table.Aligned() : table.TabSeparated());
  if (!all.next_page_token().empty()) {
    session.Note(fmt::format("the first {}; see them all with --all", all.jobs_size()));
  }
  return absl::OkStatus();
}

absl::Status RunWatch(Session& session, const FilterArguments& arguments) {
  v1::WatchJobsRequest request;
  request.set_parent(arguments.study);
  ASSIGN_OR_RETURN(*request.mutable_filter(), FilterOf(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client(absl::InfiniteDuration()));
  absl::Status written;
  RETURN_IF_ERROR(client->WatchJobs(request, [&](const v1::WatchJobsResponse& change) {
    if (session.json) {
      session.Print(ToJsonLine(change));
    } else if (change.has_job()) {
      session.Print(JobLine(change.job()));
    }
    written = session.Flush();
    return written.ok();
  }));
  return written;
}

struct DrainArguments {
  v1::DrainWorkerRequest request;
};

absl::Status RunDrain(Session& session, const DrainArguments& arguments) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const auto response, client->DrainWorker(arguments.request));
  const std::string& worker = arguments.request.worker();
  // A worker that has no job is told when it asks for one; until then nobody knows
  // whether there is one of this name.
  session.Print(
      response,
      arguments.request.lift() ? fmt::format("{} may take jobs again\n", worker)
      : response.jobs().empty()
          ? fmt::format("{} has no job; it will leave when it asks for one\n", worker)
          : fmt::format("{} will give back {} job(s) and leave\n", worker, response.jobs_size()));
  return absl::OkStatus();
}

void AddOnNames(CLI::App& jobs,
                Session& session,
                const char* name,
                const char* description,
                const char* example,
                absl::Status (*run)(Session&, const NamesArguments&),
                bool has_reason = false) {
  CLI::App* command = AddCommand(jobs, name, description, example);
  auto arguments = std::make_shared<NamesArguments>();
  AddIds(command, arguments.get());
  if (has_reason) command->add_option("--reason", arguments->reason, "Kept with the job");
  OnCommand(command, session, arguments, run);
}

}  // namespace

void AddJobCommands(CLI::App& app, Session& session) {
  CLI::App* jobs = AddCommand(app,
                              "jobs",
                              "Jobs: trainings that workers carry out",
                              "bitbudget jobs list --study micro\n"
                              "bitbudget jobs watch --study micro");
  jobs->require_subcommand(1);

  CLI::App* list = AddCommand(*jobs,
                              "list",
                              "Lists jobs in the order in which they were created",
                              "bitbudget jobs list --study micro\n"
                              "bitbudget jobs list --study micro --campaign small --state failed\n"
                              "bitbudget jobs list --worker node7-4711 --state running");
  auto listed = std::make_shared<FilterArguments>();
  AddFilterFlags(list, listed.get());
  list->add_option("--page-size", listed->page_size, "Jobs a page; else 100");
  list->add_flag("--all", listed->all, "All pages");
  OnCommand(list, session, listed, &RunList);

  AddOnNames(*jobs,
             session,
             "show",
             "Shows jobs with all that is known of them",
             "bitbudget jobs show 17 --study micro",
             &RunShow);
  AddOnNames(*jobs,
             session,
             "cancel",
             "Ends jobs, and those that depend on them",
             "bitbudget jobs cancel 17 --study micro --reason 'wrong peak rate'",
             &RunCancel,
             /*has_reason=*/true);
  AddOnNames(*jobs,
             session,
             "retry",
             "Queues failed or cancelled jobs again",
             "bitbudget jobs retry 17 18 --study micro",
             &RunRetry);

  CLI::App* watch = AddCommand(*jobs,
                               "watch",
                               "Prints jobs as they are, then every change, until interrupted",
                               "bitbudget jobs watch --study micro\n"
                               "bitbudget jobs watch --study micro --campaign small --json");
  auto watched = std::make_shared<FilterArguments>();
  AddFilterFlags(watch, watched.get());
  OnCommand(watch, session, watched, &RunWatch);

  CLI::App* drain = AddCommand(*jobs,
                               "drain",
                               "Tells a worker to give back its job and leave",
                               "bitbudget jobs drain node7-4711\n"
                               "bitbudget jobs drain node7-4711 --lift");
  auto drained = std::make_shared<DrainArguments>();
  drain
      ->add_option_function<std::string>(
          "worker",
          [drained](const std::string& name) { drained->request.set_worker(name); },
          "Name of the worker")
      ->required();
  AddField(drain, &drained->request, "lift", "Take the drain back");
  OnCommand(drain, session, drained, &RunDrain);
}

}  // namespace bitbudget::cli
